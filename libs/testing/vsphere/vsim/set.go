package main

import (
	"fmt"
	"net/http"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// set gives a VM, its host or its cluster what no other call brings about: a passed-through device, an encrypted disk.
// Values are vim's own JSON, where _typeName says which type it is. Devices are added to those of the VM.
func (s *sim) set(vm *simulator.VirtualMachine, r *http.Request) (any, error) {
	var wanted struct {
		Of         string                    `json:"of"` // vm (default), host, cluster
		Properties []types.PropertyChange    `json:"properties"`
		Devices    []types.BaseVirtualDevice `json:"devices"`
	}
	if err := types.NewJSONDecoder(r.Body).Decode(&wanted); err != nil {
		return nil, err
	}
	of, err := s.around(vm, wanted.Of)
	if err != nil {
		return nil, err
	}
	ctx := &simulator.Context{Map: s.registry()}
	ctx.Map.WithLock(ctx, of, func() {
		changes := wanted.Properties
		if len(wanted.Devices) > 0 {
			all := append(append([]types.BaseVirtualDevice{}, vm.Config.Hardware.Device...), wanted.Devices...)
			changes = append(changes, types.PropertyChange{Name: "config.hardware.device", Val: all})
		}
		ctx.Map.Update(ctx, of, changes)
	})
	return nil, nil
}

func (s *sim) around(vm *simulator.VirtualMachine, what string) (mo.Reference, error) {
	host, _ := s.registry().Get(*vm.Runtime.Host).(*simulator.HostSystem)
	switch {
	case what == "" || what == "vm":
		return vm, nil
	case what == "host" && host != nil:
		return host, nil
	case what == "cluster" && host != nil && host.Parent != nil && host.Parent.Type == "ClusterComputeResource":
		return s.registry().Get(*host.Parent), nil
	}
	return nil, fmt.Errorf("the VM has no %s", what)
}
