package main

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// collector is a property collector whose versions count, as vCenter's do: vcsim's are all the same, and so a client
// that shows one of an earlier session would wait for ever.
type collector struct {
	*simulator.PropertyCollector
	sim     *sim
	turn    sync.Mutex
	version int
	last    *types.UpdateSet
}

// wrapCollector gives a session collectors of its own. The default one gets a name of its own too: vcsim files who
// waits for updates under it, and so the last session would get the updates of all.
func (s *sim) wrapCollector(session *simulator.Session, ref reference) {
	if ref.Type != "PropertyCollector" {
		return
	}
	s.Lock()
	defer s.Unlock()
	switch known := session.Registry.Get(ref).(type) {
	case nil:
		if ref == s.model.ServiceContent.PropertyCollector {
			made := simulator.NewPropertyCollector(ref).(*simulator.PropertyCollector)
			session.Registry.Put(&collector{PropertyCollector: made, sim: s})
			made.Self.Value += "-" + session.Key
		}
	case *simulator.PropertyCollector:
		session.Registry.Put(&collector{PropertyCollector: known, sim: s})
	}
}

func (c *collector) WaitForUpdatesEx(ctx *simulator.Context, request *types.WaitForUpdatesEx) soap.HasFault {
	body := &methods.WaitForUpdatesExBody{}
	c.turn.Lock()
	now, last := c.version, c.last
	c.turn.Unlock()
	switch request.Version {
	case "", strconv.Itoa(now):
	case strconv.Itoa(now - 1):
		if last != nil && now > 1 { // its client has not got the answer, and asks again
			body.Res = &types.WaitForUpdatesExResponse{Returnval: last}
			return body
		}
		fallthrough
	default:
		fault := &types.InvalidCollectorVersion{}
		body.Fault_ = simulator.Fault(messageOf(fault), fault)
		return body
	}
	answer := c.PropertyCollector.WaitForUpdatesEx(ctx, request)
	if got, ok := answer.(*methods.WaitForUpdatesExBody); ok && got.Res != nil && got.Res.Returnval != nil {
		c.turn.Lock()
		c.version++
		c.last = got.Res.Returnval
		c.last.Version = strconv.Itoa(c.version)
		c.turn.Unlock()
	}
	return answer
}

// RetrievePropertiesEx leaves out what a vCenter cannot say of a VM whose storage is away: its configuration, its
// snapshots, and what the guest told. The VM itself is there all the same.
func (c *collector) RetrievePropertiesEx(ctx *simulator.Context, request *types.RetrievePropertiesEx) soap.HasFault {
	answer := c.PropertyCollector.RetrievePropertiesEx(ctx, request)
	if got, ok := answer.(*methods.RetrievePropertiesExBody); ok && got.Res != nil && got.Res.Returnval != nil {
		for i := range got.Res.Returnval.Objects {
			c.sim.leaveOut(&got.Res.Returnval.Objects[i])
		}
	}
	return answer
}

func (s *sim) leaveOut(object *types.ObjectContent) {
	s.Lock()
	m := s.machines[object.Obj]
	inaccessible := m != nil && m.inaccessible
	s.Unlock()
	if !inaccessible {
		return
	}
	object.PropSet = slices.DeleteFunc(object.PropSet, func(property types.DynamicProperty) bool {
		first, _, _ := strings.Cut(property.Name, ".")
		return slices.Contains([]string{"config", "snapshot", "guest"}, first)
	})
	for i, property := range object.PropSet {
		if property.Name == "runtime.connectionState" {
			object.PropSet[i].Val = types.VirtualMachineConnectionStateInaccessible
		}
	}
}
