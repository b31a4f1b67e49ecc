package main

import (
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

type reference = types.ManagedObjectReference

// sim is all that is kept beside vcsim's own objects.
//
// Locks, in the order they are taken: vcsim's lock of a VM, machine.blocks, sim.Mutex. The last is held for a moment
// only, and never while vcsim is called.
type sim struct {
	sync.Mutex
	config     config
	thumbprint string
	model      *simulator.Model

	machines  map[reference]*machine
	snapshots map[reference]*simulator.VirtualMachineSnapshot
	// Snapshots that are to be removed with their children.
	withChildren map[reference]bool
	wrappers     map[reference][]*simulator.Registry // sessions that hold a wrapper of the object
	leases       map[string]*lease
	faults       []*fault
	journal      []entry
	calls        map[string]int
	downUntil    time.Time
	forgotten    time.Time // events of before are no longer kept
}

func newSim(c config) *sim {
	s := &sim{
		config: c, model: simulator.VPX(),
		machines: map[reference]*machine{}, snapshots: map[reference]*simulator.VirtualMachineSnapshot{},
		withChildren: map[reference]bool{}, wrappers: map[reference][]*simulator.Registry{}, leases: map[string]*lease{}, calls: map[string]int{},
	}
	if c.ESXi {
		s.model = simulator.ESX()
	}
	// Both count what `populate` makes itself, quicker.
	s.model.Machine, s.model.Autostart = 0, false
	s.model.Datastore = 2
	return s
}

// sim is a simulator.RegisterObject: it sees every managed object come, change and go, whichever method did it.

func (s *sim) Reference() reference { return reference{Type: "sim", Value: "sim"} }

func (s *sim) PutObject(_ *simulator.Context, o mo.Reference) {
	switch o := o.(type) {
	case *simulator.VirtualMachineSnapshot:
		s.freeze(o)
	case *simulator.Task:
		s.taskBegan(o)
	}
}

func (s *sim) UpdateObject(_ *simulator.Context, o mo.Reference, changes []types.PropertyChange) {
	switch o := o.(type) {
	case *mo.VirtualMachine:
		s.machineChanged(o.Self, changes)
	case *mo.Task:
		sayWhy(o, changes)
		s.taskChanged(o, changes)
	}
}

func (s *sim) RemoveObject(ctx *simulator.Context, ref reference) {
	s.Lock()
	registries := s.wrappers[ref]
	delete(s.wrappers, ref)
	s.Unlock()
	for _, registry := range registries {
		registry.Remove(ctx, ref)
	}
	switch ref.Type {
	case "VirtualMachineSnapshot":
		s.snapshotRemoved(ctx, ref)
	case "VirtualMachine":
		s.machineRemoved(ref)
	}
}

func (s *sim) vm(ref reference) *simulator.VirtualMachine {
	vm, _ := s.registry().Get(ref).(*simulator.VirtualMachine)
	return vm
}

// vmNamed answers the VM of that name or managed object id, or nil.
func (s *sim) vmNamed(name string) *simulator.VirtualMachine {
	if vm := s.vm(reference{Type: "VirtualMachine", Value: name}); vm != nil {
		return vm
	}
	for _, entity := range s.registry().All("VirtualMachine") {
		if vm, ok := entity.(*simulator.VirtualMachine); ok && vm.Name == name {
			return vm
		}
	}
	return nil
}
