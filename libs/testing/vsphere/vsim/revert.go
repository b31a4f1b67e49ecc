package main

import (
	"context"
	"fmt"
	"os"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func (v *wrappedSnapshot) RevertToSnapshotTask(ctx *simulator.Context, _ *types.RevertToSnapshot_Task) soap.HasFault {
	task := v.sim.revert(ctx, v.VirtualMachineSnapshot)
	return &methods.RevertToSnapshot_TaskBody{Res: &types.RevertToSnapshot_TaskResponse{Returnval: task}}
}

func (v *wrapped) RevertToCurrentSnapshotTask(ctx *simulator.Context, request *types.RevertToCurrentSnapshot_Task) soap.HasFault {
	var current *simulator.VirtualMachineSnapshot
	if v.Snapshot != nil && v.Snapshot.CurrentSnapshot != nil {
		v.sim.Lock()
		current = v.sim.snapshots[*v.Snapshot.CurrentSnapshot]
		v.sim.Unlock()
	}
	if current == nil {
		return v.VirtualMachine.RevertToCurrentSnapshotTask(ctx, request)
	}
	task := v.sim.revert(ctx, current)
	return &methods.RevertToCurrentSnapshot_TaskBody{Res: &types.RevertToCurrentSnapshot_TaskResponse{Returnval: task}}
}

// revert gives the VM the disks of a snapshot. Ours have no memory, so the VM is off afterwards.
func (s *sim) revert(ctx *simulator.Context, snapshot *simulator.VirtualMachineSnapshot) reference {
	task := simulator.CreateTask(snapshot.Vm, "revertToSnapshot", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		vm := s.vm(snapshot.Vm)
		ctx.WithLock(vm, func() {
			if vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff {
				off := types.VirtualMachinePowerStatePoweredOff
				ctx.Update(vm, []types.PropertyChange{
					{Name: "runtime.powerState", Val: off}, {Name: "summary.runtime.powerState", Val: off}})
			}
			s.rewind(vm, snapshot)
			ctx.Update(vm, []types.PropertyChange{{Name: "snapshot.currentSnapshot", Val: snapshot.Self}})
			s.record("reverted", vm.Self.Value, "", snapshot.Self.Value)
		})
		// The vCenter's event, and no class of vim25's: an EventEx. A host posts none of that name.
		if events := ctx.Map.EventManager(); events != nil && !s.config.ESXi {
			argument := &types.VmEventArgument{EntityEventArgument: types.EntityEventArgument{Name: vm.Name}, Vm: vm.Self}
			event := &types.EventEx{EventTypeId: revertedEvent, ObjectType: vm.Self.Type, ObjectId: vm.Self.Value, ObjectName: vm.Name}
			event.Vm = argument
			ctx.WithLock(events, func() { events.PostEvent(ctx, &types.PostEvent{EventToPost: event}) })
		}
		return nil, nil
	})
	return task.Run(ctx)
}

// rewind puts a new delta over each disk file of the snapshot. What was written since is gone, and so are all change ids.
func (s *sim) rewind(vm *simulator.VirtualMachine, snapshot *simulator.VirtualMachineSnapshot) {
	m := s.machine(vm.Self)
	resume := m.still()
	defer resume()
	for _, disk := range disks(vm.Config.Hardware.Device) {
		if b := backing(disk); b.Parent != nil && !independent(disk) {
			_ = os.Remove(s.onHost(flatName(b.FileName)))
			_ = os.Remove(s.onHost(b.FileName))
		}
	}
	devices := cloned(snapshot.Config.Hardware.Device)
	for _, disk := range disks(devices) {
		if independent(disk) {
			continue
		}
		b, t := backing(disk), m.track(disk)
		kept := clonedBacking(b)
		b.FileName, b.Parent = s.nextDelta(kept.FileName), kept
		must(s.writeDelta(disk))
		must(copyFile(s.onHost(flatName(kept.FileName)), s.onHost(flatName(b.FileName))))
		b.ChangeId = ""
		t.reset()
		if t.on {
			b.ChangeId = t.nextID(disk)
		}
	}
	s.showDevices(vm, m, devices)
}

func (s *sim) revertTo(vm *simulator.VirtualMachine, name string) error {
	if vm.Snapshot != nil {
		for _, node := range snapshotNodes(vm.Snapshot.RootSnapshotList) {
			if node.Name != name {
				continue
			}
			task, err := methods.RevertToSnapshot_Task(context.Background(), s.client(), &types.RevertToSnapshot_Task{This: node.Snapshot})
			if err == nil {
				_, err = s.finished(task.Returnval)
			}
			return err
		}
	}
	return fmt.Errorf("there is no snapshot %s", name)
}
