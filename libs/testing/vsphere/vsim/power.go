package main

import (
	"context"
	"log"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// toolsSpec is what the guest would tell by VMware Tools while it is on.
type toolsSpec struct {
	Status   string `json:"status"` // running (default), not-running, not-installed
	IP       string `json:"ip"`
	HostName string `json:"hostName"`
}

// powerChanged runs under vcsim's lock of the VM, after its power state was changed.
func (s *sim) powerChanged(vm *simulator.VirtualMachine) {
	m := s.machine(vm.Self)
	switch vm.Runtime.PowerState {
	case types.VirtualMachinePowerStatePoweredOn:
		m.blocks.Lock()
		devices := cloned(vm.Config.Hardware.Device)
		m.stunAll(vm, devices)
		s.showDevices(vm, m, devices)
		for _, disk := range disks(devices) {
			must(s.renewContentID(backing(disk).FileName))
		}
		m.blocks.Unlock()
		s.startGuest(vm)
		s.startWriter(vm)
		s.record("power-on", vm.Self.Value, "", "")
	default:
		m.stopWriter()
		m.stopGuest()
		s.Lock()
		m.offAt = time.Now()
		s.Unlock()
		s.record("power-off", vm.Self.Value, "", "")
	}
	s.showGuest(vm)
}

// showGuest publishes what VMware Tools tell.
func (s *sim) showGuest(vm *simulator.VirtualMachine) {
	tools := s.machine(vm.Self).spec.Tools
	running, status, ip, host := "guestToolsNotRunning", types.VirtualMachineToolsStatusToolsNotRunning, "", ""
	version := "guestToolsUnmanaged"
	if tools.Status == "not-installed" {
		status, version = types.VirtualMachineToolsStatusToolsNotInstalled, "guestToolsNotInstalled"
	} else if tools.Status != "not-running" && vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
		running, status, ip, host = "guestToolsRunning", types.VirtualMachineToolsStatusToolsOk, tools.IP, tools.HostName
	}
	nets := append([]types.GuestNicInfo{}, vm.Guest.Net...)
	if len(nets) > 0 {
		nets[0].IpAddress = nil
		if ip != "" {
			nets[0].IpAddress = []string{ip}
		}
	}
	changes := []types.PropertyChange{
		{Name: "guest.toolsRunningStatus", Val: running},
		{Name: "guest.toolsStatus", Val: status},
		{Name: "guest.toolsVersionStatus2", Val: version},
		{Name: "guest.ipAddress", Val: ip},
		{Name: "guest.hostName", Val: host},
		{Name: "guest.net", Val: nets},
		{Name: "summary.guest.toolsRunningStatus", Val: running},
		{Name: "summary.guest.toolsStatus", Val: status},
		{Name: "summary.guest.ipAddress", Val: ip},
		{Name: "summary.guest.hostName", Val: host},
	}
	ctx := &simulator.Context{Map: s.registry()}
	ctx.Map.Update(ctx, vm, changes)
}

// ShutdownGuest asks the guest, and answers before anything came of it.
func (v *wrapped) ShutdownGuest(ctx *simulator.Context, request *types.ShutdownGuest) soap.HasFault {
	body := &methods.ShutdownGuestBody{}
	m := v.sim.machine(v.Self)
	var fault types.BaseMethodFault
	if v.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
		fault = &types.InvalidPowerState{RequestedState: types.VirtualMachinePowerStatePoweredOn, ExistingState: v.Runtime.PowerState}
	} else if v.Guest.ToolsRunningStatus != "guestToolsRunning" {
		fault = &types.ToolsUnavailable{}
	}
	if fault != nil {
		body.Fault_ = simulator.Fault(messageOf(fault), fault)
		return body
	}
	body.Res = &types.ShutdownGuestResponse{}
	v.sim.record("shutdown-asked", v.Self.Value, "", "")
	switch {
	case m.spec.IgnoreShutdown:
	case m.guest != nil:
		m.guest.shutDown()
	default:
		time.AfterFunc(time.Duration(m.spec.ShutdownMs)*time.Millisecond, func() { v.sim.powerOff(v.Self) })
	}
	return body
}

// powerOff is what a guest does that has shut down; it may be off already.
func (s *sim) powerOff(vm reference) {
	if _, err := methods.PowerOffVM_Task(context.Background(), s.client(), &types.PowerOffVM_Task{This: vm}); err != nil {
		log.Printf("power off %s: %v", vm.Value, err)
	}
}

// client calls vcsim without HTTP, as its own administrator.
func (s *sim) client() *vim25.Client {
	client, err := vim25.NewClient(context.Background(), s.model.Service)
	check(err)
	return client
}
