package main

import (
	"time"

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
			s.record("renamed", ref.Value, vm.Name, "")
		case "runtime.host":
			s.record("host-changed", ref.Value, vm.Runtime.Host.Value, "")
		}
	}
}
