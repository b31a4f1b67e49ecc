package main

import (
	"reflect"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// DisableMethods and EnableMethods are vCenter's own way to keep others' hands off a VM, and are not in the public API:
// a backup or a migration disables RelocateVM_Task while it reads disks.

type disableMethods struct {
	This   reference   `xml:"_this"`
	Entity []reference `xml:"entity"`
	Method []struct {
		Method string `xml:"method"`
		Reason string `xml:"reasonId"`
	} `xml:"method"`
	SourceID string `xml:"sourceId"`
}

type enableMethods struct {
	This     reference   `xml:"_this"`
	Entity   []reference `xml:"entity"`
	Method   []string    `xml:"method"`
	SourceID string      `xml:"sourceId"`
}

type disableMethodsBody struct {
	Res    *disableMethodsResponse `xml:"DisableMethodsResponse"`
	Fault_ *soap.Fault
}

type enableMethodsBody struct {
	Res    *enableMethodsResponse `xml:"EnableMethodsResponse"`
	Fault_ *soap.Fault
}

type disableMethodsResponse struct{}

type enableMethodsResponse struct{}

func (b *disableMethodsBody) Fault() *soap.Fault { return b.Fault_ }

func (b *enableMethodsBody) Fault() *soap.Fault { return b.Fault_ }

func init() {
	types.Add("DisableMethods", reflect.TypeFor[disableMethods]())
	types.Add("EnableMethods", reflect.TypeFor[enableMethods]())
}

func (a *authorization) DisableMethods(ctx *simulator.Context, r *disableMethods) soap.HasFault {
	for _, entity := range r.Entity {
		a.sim.eachSource(entity, func(sources map[string][]string) {
			for _, m := range r.Method {
				if !slices.Contains(sources[m.Method], r.SourceID) {
					sources[m.Method] = append(sources[m.Method], r.SourceID)
				}
			}
		})
		a.sim.record("methods-disabled", entity.Value, "", r.SourceID)
	}
	return &disableMethodsBody{Res: &disableMethodsResponse{}}
}

func (a *authorization) EnableMethods(ctx *simulator.Context, r *enableMethods) soap.HasFault {
	for _, entity := range r.Entity {
		a.sim.eachSource(entity, func(sources map[string][]string) {
			for _, name := range r.Method {
				sources[name] = slices.DeleteFunc(sources[name], func(source string) bool { return source == r.SourceID })
				if len(sources[name]) == 0 {
					delete(sources, name)
				}
			}
		})
		a.sim.record("methods-enabled", entity.Value, "", r.SourceID)
	}
	return &enableMethodsBody{Res: &enableMethodsResponse{}}
}

// eachSource changes who disabled what of a VM, and shows it as the VM's disabledMethod.
func (s *sim) eachSource(ref reference, change func(sources map[string][]string)) {
	vm := s.vm(ref)
	if vm == nil {
		return
	}
	m := s.machine(ref)
	s.Lock()
	if m.disabled == nil {
		m.disabled = map[string][]string{}
	}
	change(m.disabled)
	names := []string{}
	for name := range m.disabled {
		names = append(names, name)
	}
	s.Unlock()
	slices.Sort(names)
	ctx := &simulator.Context{Map: s.registry()}
	ctx.Map.WithLock(ctx, vm, func() {
		ctx.Map.Update(ctx, vm, []types.PropertyChange{{Name: "disabledMethod", Val: names}})
	})
}

// disabledBy answers the fault of a method that somebody has disabled for the VM.
func (s *sim) disabledBy(m *simulator.Method) types.BaseMethodFault {
	s.Lock()
	defer s.Unlock()
	if known := s.machines[m.This]; known != nil && len(known.disabled[m.Name]) > 0 {
		return &types.MethodDisabled{Source: known.disabled[m.Name][0]}
	}
	return nil
}
