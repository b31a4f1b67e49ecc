package main

import (
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// entry is an effect that took place, for a test that asks what was really done, how often and in which order.
type entry struct {
	At     time.Time `json:"at"`
	Effect string    `json:"effect"`
	VM     string    `json:"vm,omitempty"`
	Name   string    `json:"name,omitempty"`
	Ref    string    `json:"ref,omitempty"`
}

func (s *sim) record(effect string, vm string, name string, ref string) {
	s.Lock()
	defer s.Unlock()
	s.journal = append(s.journal, entry{At: time.Now().UTC(), Effect: effect, VM: vm, Name: name, Ref: ref})
}

// machineChanged sees each change of a VM's properties, after it was made.
func (s *sim) machineChanged(ref reference, changes []types.PropertyChange) {
	vm := s.vm(ref)
	if vm == nil {
		return
	}
	for _, change := range changes {
		switch change.Name {
		case "runtime.powerState":
			s.powerChanged(vm)
		case "snapshot.currentSnapshot":
			s.snapshotNamed(vm)
		case "name":
			s.renamed(vm)
		case "config.changeVersion":
			s.reconfigured(vm)
		case "runtime.host":
			s.record("host-changed", ref.Value, vm.Runtime.Host.Value, "")
		}
	}
}

func (s *sim) renamed(vm *simulator.VirtualMachine) {
	m := s.machine(vm.Self)
	s.Lock()
	news := m.name != vm.Name && m.name != ""
	m.name = vm.Name
	s.Unlock()
	if news {
		s.record("renamed", vm.Self.Value, vm.Name, "")
	}
}

// reconfigured tells who waits for updates what vcsim changes without a word.
func (s *sim) reconfigured(vm *simulator.VirtualMachine) {
	m := s.machine(vm.Self)
	tracking := vm.Config.ChangeTrackingEnabled != nil && *vm.Config.ChangeTrackingEnabled
	changes := []types.PropertyChange{}
	s.Lock()
	if m.name != vm.Name {
		changes = append(changes, types.PropertyChange{Name: "name", Val: vm.Name},
			types.PropertyChange{Name: "config.name", Val: vm.Name}, types.PropertyChange{Name: "summary.config.name", Val: vm.Name})
	}
	if m.tracking != tracking {
		m.tracking = tracking
		changes = append(changes, types.PropertyChange{Name: "config.changeTrackingEnabled", Val: tracking})
	}
	s.Unlock()
	if len(changes) > 0 {
		ctx := &simulator.Context{Map: s.registry()}
		ctx.Map.Update(ctx, vm, changes)
	}
}
