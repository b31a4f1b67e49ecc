package main

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// revertedEvent is the id of an EventEx that vCenter posts after a revert.
const revertedEvent = "com.vmware.vc.vm.VmStateRevertedToSnapshot"

// hostKeeps is how long a host without a vCenter keeps events; those of a VM go at its power-off.
const hostKeeps = 15 * time.Minute

// events refuses ids that no event has, and forgets. vCenter takes any id, and finds nothing by a wrong one.
type events struct {
	*simulator.EventManager
	sim *sim
}

func (e *events) QueryEvents(ctx *simulator.Context, request *types.QueryEvents) soap.HasFault {
	body := &methods.QueryEventsBody{}
	for _, id := range request.Filter.EventTypeId {
		if !knownEvent(id) {
			body.Fault_ = simulator.Fault("there is no event "+id, &types.InvalidArgument{InvalidProperty: "filter.eventTypeId"})
			return body
		}
	}
	// vcsim's own QueryEvents is for a vCenter only.
	made, _ := e.CreateCollectorForEvents(ctx, &types.CreateCollectorForEvents{This: request.This, Filter: request.Filter}).(*methods.CreateCollectorForEventsBody)
	if made == nil || made.Res == nil {
		if made != nil {
			body.Fault_ = made.Fault_
		}
		return body
	}
	collector, _ := ctx.Session.Registry.Get(made.Res.Returnval).(*simulator.EventHistoryCollector)
	defer ctx.Session.Registry.Remove(ctx, made.Res.Returnval)
	body.Res = &types.QueryEventsResponse{}
	if collector == nil {
		return body
	}
	defer collector.DestroyCollector(ctx, &types.DestroyCollector{This: made.Res.Returnval})
	body.Res.Returnval = slices.DeleteFunc(collector.GetLatestPage(), func(event types.BaseEvent) bool { return e.sim.forgets(event.GetEvent()) })
	return body
}

func (s *sim) forgets(event *types.Event) bool {
	s.Lock()
	defer s.Unlock()
	if !event.CreatedTime.After(s.forgotten) {
		return true
	}
	if !s.config.ESXi {
		return false
	}
	if time.Since(event.CreatedTime) > hostKeeps {
		return true
	}
	if event.Vm == nil {
		return false
	}
	m := s.machines[event.Vm.Vm]
	return m != nil && !event.CreatedTime.After(m.offAt)
}

// knownEvent: a class of vim25's events, with or without its package, or an EventEx that is named here.
func knownEvent(id string) bool {
	if id == revertedEvent {
		return true
	}
	kind, known := types.TypeFunc()(strings.TrimPrefix(id, "vim.event."))
	return known && reflect.PointerTo(kind).Implements(reflect.TypeFor[types.BaseEvent]())
}
