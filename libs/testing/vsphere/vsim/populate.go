package main

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"time"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

type machineSpec struct {
	Name           string            `json:"name"`
	Disks          []diskSpec        `json:"disks"`
	Off            bool              `json:"off"`
	MemoryMb       int64             `json:"memoryMb"`
	CPUs           int32             `json:"cpus"`
	GuestID        string            `json:"guestId"`
	Firmware       string            `json:"firmware"`
	SecureBoot     bool              `json:"secureBoot"`
	UUID           string            `json:"uuid"`
	InstanceUUID   string            `json:"instanceUuid"`
	Networks       []string          `json:"networks"`
	Annotation     string            `json:"annotation"`
	ExtraConfig    map[string]string `json:"extraConfig"`
	ChangeTracking bool              `json:"changeTracking"`
	Tools          toolsSpec         `json:"tools"`
	IgnoreShutdown bool              `json:"ignoreShutdown"`
	ShutdownMs     int               `json:"shutdownMs"`
	Writer         *writerSpec       `json:"writer"`
	Guest          *guestSpec        `json:"guest"`
}

type diskSpec struct {
	CapacityBytes int64  `json:"capacityBytes"`
	File          string `json:"file"` // raw bytes to begin with
	// Fill is the part of the disk that has bytes of chance at the beginning, when there is no file.
	Fill       float64 `json:"fill"`
	Mode       string  `json:"mode"`       // persistent (default), independent_persistent, …
	Controller string  `json:"controller"` // pvscsi (default), lsilogic, lsilogic-sas, nvme, sata, ide
}

// populate makes the hosts and networks as vcsim does, and then the VMs.
func (s *sim) populate() error {
	m := s.model
	about := &m.ServiceContent.About
	if s.config.APIVersion != "" {
		about.ApiVersion, about.Version = s.config.APIVersion, s.config.APIVersion
	}
	if err := m.Create(); err != nil {
		return err
	}
	m.Map().Handler = s.wrap
	m.Map().AddHandler(s)
	place, err := s.findPlace()
	if err != nil {
		return err
	}
	for i, spec := range s.config.Machines {
		if err := s.addMachine(place, spec, s.config.Seed+int64(i)); err != nil {
			return fmt.Errorf("VM %s: %w", spec.Name, err)
		}
	}
	s.journal = nil // what was there before the test is no effect of it
	return nil
}

// place is where a new VM goes.
type place struct {
	finder    *find.Finder
	folder    reference
	pools     []*object.ResourcePool
	datastore *object.Datastore
	network   object.NetworkReference
	next      int
}

func (s *sim) findPlace() (*place, error) {
	ctx, p := context.Background(), &place{finder: find.NewFinder(s.client())}
	datacenter, err := p.finder.DefaultDatacenter(ctx)
	if err != nil {
		return nil, err
	}
	p.finder.SetDatacenter(datacenter)
	folders, err := datacenter.Folders(ctx)
	if err != nil {
		return nil, err
	}
	p.folder = folders.VmFolder.Reference()
	if p.pools, err = p.finder.ResourcePoolList(ctx, "*/Resources"); err != nil {
		return nil, err
	}
	if p.datastore, err = p.finder.Datastore(ctx, "LocalDS_0"); err != nil {
		return nil, err
	}
	p.network, err = p.finder.Network(ctx, "VM Network")
	return p, err
}

func (s *sim) addMachine(p *place, spec machineSpec, seed int64) error {
	ctx := context.Background()
	config, err := configOf(ctx, p, &spec)
	if err != nil {
		return err
	}
	request := types.CreateVM_Task{This: p.folder, Config: config, Pool: p.pools[p.next%len(p.pools)].Reference()}
	p.next++
	answer, err := methods.CreateVM_Task(ctx, s.client(), &request)
	if err != nil {
		return err
	}
	result, err := s.finished(answer.Returnval)
	if err != nil {
		return err
	}
	vm := s.vm(result.(reference))
	m := s.machine(vm.Self)
	m.spec = spec
	for i, disk := range disks(vm.Config.Hardware.Device) {
		wanted := spec.Disks[i]
		if wanted.File != "" {
			if err := copyFile(wanted.File, s.onHost(flatName(backing(disk).FileName))); err != nil {
				return err
			}
		}
		if file := s.flatFile(disk); wanted.File == "" && wanted.Fill > 0 {
			if err := fill(file, disk.CapacityInBytes, wanted.Fill, seed*31+int64(i)); err != nil {
				return err
			}
		}
	}
	s.registry().WithLock(&simulator.Context{Map: s.registry()}, vm, func() { s.showGuest(vm) })
	if spec.Off {
		return nil
	}
	on, err := methods.PowerOnVM_Task(ctx, s.client(), &types.PowerOnVM_Task{This: vm.Self})
	if err == nil {
		_, err = s.finished(on.Returnval)
	}
	return err
}

// finished waits for a task as no client could: vcsim's property collector looks only every 20 ms, and one of a session
// serves one that waits.
func (s *sim) finished(ref reference) (result types.AnyType, err error) {
	task := s.registry().Get(ref).(*simulator.Task)
	for done, pause := false, 50*time.Microsecond; !done; pause = min(2*pause, 5*time.Millisecond) {
		s.registry().WithLock(&simulator.Context{Map: s.registry()}, task, func() {
			done = task.Info.CompleteTime != nil
			result = task.Info.Result
			if task.Info.Error != nil {
				err = fmt.Errorf("%s", task.Info.Error.LocalizedMessage)
			}
		})
		time.Sleep(pause)
	}
	return
}

func configOf(ctx context.Context, p *place, spec *machineSpec) (types.VirtualMachineConfigSpec, error) {
	config := types.VirtualMachineConfigSpec{
		Name: spec.Name, GuestId: orElse(spec.GuestID, "debian12_64Guest"), Firmware: orElse(spec.Firmware, "bios"),
		Uuid: spec.UUID, InstanceUuid: spec.InstanceUUID, MemoryMB: max(spec.MemoryMb, 32), NumCPUs: max(spec.CPUs, 1), Annotation: spec.Annotation, Version: "vmx-19",
		Files: &types.VirtualMachineFileInfo{VmPathName: "[" + p.datastore.Name() + "]"},
	}
	if spec.SecureBoot {
		config.BootOptions = &types.VirtualMachineBootOptions{EfiSecureBootEnabled: types.NewBool(true)}
	}
	if spec.ChangeTracking {
		config.ChangeTrackingEnabled = types.NewBool(true)
	}
	for key, value := range spec.ExtraConfig {
		config.ExtraConfig = append(config.ExtraConfig, &types.OptionValue{Key: key, Value: value})
	}
	var devices object.VirtualDeviceList
	for i, disk := range spec.Disks {
		controller, more, err := controllerFor(devices, orElse(disk.Controller, "pvscsi"))
		if err != nil {
			return config, err
		}
		devices = more
		if disk.File != "" {
			info, err := os.Stat(disk.File)
			if err != nil {
				return config, err
			}
			disk.CapacityBytes = (info.Size() + 511) / 512 * 512
		}
		name := fmt.Sprintf("[%s] %s/disk%d.vmdk", p.datastore.Name(), spec.Name, i+1)
		added := devices.CreateDisk(controller, p.datastore.Reference(), name)
		added.CapacityInBytes, added.CapacityInKB = disk.CapacityBytes, disk.CapacityBytes/1024
		added.Key = int32(2000 + i) // as vSphere numbers the first controller's
		backing(added).DiskMode = orElse(disk.Mode, "persistent")
		devices = append(devices, added)
	}
	names := spec.Networks
	if names == nil {
		names = []string{"VM Network"}
	}
	for _, name := range names {
		network, err := p.finder.Network(ctx, name)
		if err != nil {
			return config, err
		}
		back, err := network.EthernetCardBackingInfo(ctx)
		if err != nil {
			return config, err
		}
		card, err := object.EthernetCardTypes().CreateEthernetCard("vmxnet3", back)
		if err != nil {
			return config, err
		}
		devices = append(devices, card)
	}
	var err error
	config.DeviceChange, err = devices.ConfigSpec(types.VirtualDeviceConfigSpecOperationAdd)
	return config, err
}

func controllerFor(devices object.VirtualDeviceList, kind string) (types.BaseVirtualController, object.VirtualDeviceList, error) {
	for _, device := range devices {
		if controller, ok := device.(types.BaseVirtualController); ok && devices.Type(device) == kind {
			return controller, devices, nil
		}
	}
	var made types.BaseVirtualDevice
	var err error
	switch kind {
	case "nvme":
		made, err = devices.CreateNVMEController()
	case "sata", "ahci":
		made, err = devices.CreateSATAController()
	case "ide":
		made, err = devices.CreateIDEController()
	default:
		made, err = devices.CreateSCSIController(kind)
	}
	if err != nil {
		return nil, nil, err
	}
	return made.(types.BaseVirtualController), append(devices, made), nil
}

// fill writes bytes of chance to every block, or to some, of 64 KiB.
func fill(file string, size int64, part float64, seed int64) error {
	handle, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer handle.Close()
	chance := rand.New(rand.NewSource(seed))
	for offset := int64(0); offset < size; offset += granularity {
		if chance.Float64() >= part {
			continue
		}
		bytes := make([]byte, min(granularity, size-offset))
		chance.Read(bytes)
		if _, err := handle.WriteAt(bytes, offset); err != nil {
			return err
		}
	}
	return nil
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
