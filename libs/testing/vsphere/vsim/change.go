package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// changeDisk is what an administrator may do to a VM while it is being migrated.
func (s *sim) changeDisk(machine *object.VirtualMachine, vm *simulator.VirtualMachine, how string, a action) error {
	ctx := context.Background()
	devices, err := machine.Device(ctx)
	if err != nil {
		return err
	}
	if how == "add-disk" {
		controller, err := devices.FindDiskController("")
		if err != nil {
			return err
		}
		first := disks(vm.Config.Hardware.Device)[0]
		folder := path.Dir(backing(first).FileName)
		name := fmt.Sprintf("%s/added-%d.vmdk", folder, len(devices))
		disk := devices.CreateDisk(controller, *backing(first).Datastore, name)
		disk.CapacityInBytes, disk.CapacityInKB = a.CapacityBytes, a.CapacityBytes/1024
		spec := types.VirtualDeviceConfigSpec{Device: disk, Operation: types.VirtualDeviceConfigSpecOperationAdd,
			FileOperation: types.VirtualDeviceConfigSpecFileOperationCreate}
		err = s.reconfigure(vm, spec)
		if err == nil {
			s.record("disk-added", vm.Self.Value, name, "")
		}
		return err
	}
	device := devices.FindByKey(a.Key)
	disk, ok := device.(*types.VirtualDisk)
	if !ok {
		return fmt.Errorf("there is no disk %d", a.Key)
	}
	if how == "remove-disk" {
		s.record("disk-removed", vm.Self.Value, backing(disk).FileName, "")
		return s.reconfigure(vm, types.VirtualDeviceConfigSpec{Device: disk, Operation: types.VirtualDeviceConfigSpecOperationRemove})
	}
	disk.CapacityInBytes, disk.CapacityInKB = a.CapacityBytes, a.CapacityBytes/1024
	s.record("disk-grown", vm.Self.Value, backing(disk).FileName, "")
	return s.reconfigure(vm, types.VirtualDeviceConfigSpec{Device: disk, Operation: types.VirtualDeviceConfigSpecOperationEdit})
}

func (s *sim) reconfigure(vm *simulator.VirtualMachine, change types.VirtualDeviceConfigSpec) error {
	spec := types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{&change}}
	task, err := methods.ReconfigVM_Task(context.Background(), s.client(), &types.ReconfigVM_Task{This: vm.Self, Spec: spec})
	if err == nil {
		_, err = s.finished(task.Returnval)
	}
	return err
}

// moveFiles is what a Storage vMotion does: every file of the VM goes to another datastore, under the same folder.
func (s *sim) moveFiles(vm *simulator.VirtualMachine, datastore string) error {
	var to *simulator.Datastore
	for _, entity := range s.registry().All("Datastore") {
		if one, ok := entity.(*simulator.Datastore); ok && (one.Name == datastore || one.Self.Value == datastore) {
			to = one
		}
	}
	if to == nil {
		return fmt.Errorf("there is no datastore %s", datastore)
	}
	m := s.machine(vm.Self)
	var failed error
	s.registry().WithLock(&simulator.Context{Map: s.registry()}, vm, func() {
		resume := m.still()
		defer resume()
		devices := cloned(vm.Config.Hardware.Device)
		all := disks(devices)
		for _, snapshot := range s.snapshotsOf(vm.Self) {
			all = append(all, disks(snapshot.Config.Hardware.Device)...)
		}
		moved := map[string]string{}
		for _, disk := range all {
			for b := backing(disk); b != nil; b = b.Parent {
				name, known := moved[b.FileName]
				if !known {
					var old object.DatastorePath
					old.FromString(b.FileName)
					name = fmt.Sprintf("[%s] %s", to.Name, old.Path)
					if failed = s.moveFile(b.FileName, name); failed != nil {
						return
					}
					moved[b.FileName] = name
				}
				b.FileName, b.Datastore = name, &to.Self
			}
		}
		s.showDevices(vm, m, devices)
		ctx := &simulator.Context{Map: s.registry()}
		ctx.Map.Update(ctx, vm, []types.PropertyChange{{Name: "datastore", Val: []reference{to.Self}}})
	})
	s.record("storage-moved", vm.Self.Value, to.Name, "")
	return failed
}

func (s *sim) moveFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(s.onHost(to)), 0o700); err != nil {
		return err
	}
	if err := os.Rename(s.onHost(flatName(from)), s.onHost(flatName(to))); err != nil {
		return err
	}
	return os.Rename(s.onHost(from), s.onHost(to))
}
