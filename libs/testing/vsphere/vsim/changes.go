package main

import (
	"errors"
	"io"
	"os"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

const (
	granularity = 64 << 10 // of changed block tracking
	seekData    = 3        // SEEK_DATA of lseek(2)
)

// wrapped is a VM with the methods that vcsim lacks, or has too simple. It lies in a session's own registry, never in
// the Map: vcsim's ctx.Map.Get(ref).(*VirtualMachine) would panic.
type wrapped struct {
	*simulator.VirtualMachine
	sim *sim
}

func (v *wrapped) QueryChangedDiskAreas(ctx *simulator.Context, request *types.QueryChangedDiskAreas) soap.HasFault {
	body := &methods.QueryChangedDiskAreasBody{}
	info, fault := v.changedAreas(request)
	if fault != nil {
		body.Fault_ = simulator.Fault(messageOf(fault), fault)
		return body
	}
	body.Res = &types.QueryChangedDiskAreasResponse{Returnval: *info}
	return body
}

func (v *wrapped) changedAreas(request *types.QueryChangedDiskAreas) (*types.DiskChangeInfo, types.BaseMethodFault) {
	m := v.sim.machine(v.Self)
	m.blocks.Lock()
	defer m.blocks.Unlock()
	devices := v.Config.Hardware.Device
	if request.Snapshot != nil {
		v.sim.Lock()
		snapshot := v.sim.snapshots[*request.Snapshot]
		v.sim.Unlock()
		if snapshot == nil || snapshot.Vm != v.Self {
			return nil, &types.ManagedObjectNotFound{Obj: *request.Snapshot}
		}
		devices = snapshot.Config.Hardware.Device
	}
	for _, disk := range disks(devices) {
		if disk.Key == request.DeviceKey {
			return v.areasOf(m, disk, request)
		}
	}
	return nil, &types.InvalidArgument{InvalidProperty: "deviceKey"}
}

func (v *wrapped) areasOf(m *machine, disk *types.VirtualDisk, request *types.QueryChangedDiskAreas) (*types.DiskChangeInfo, types.BaseMethodFault) {
	b, t := backing(disk), m.track(disk)
	noFile := &types.FileFault{File: b.FileName}
	current := t.frozen[b.ChangeId]
	if request.Snapshot == nil {
		// "The 'current' snapshot will only work for virtual disks of powered off virtual machines."
		if v.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff {
			return nil, noFile
		}
		if t.on {
			current = v.sim.flatFile(disk)
		}
	}
	if current == "" || independent(disk) {
		return nil, noFile
	}
	base := ""
	if request.ChangeId != "*" {
		if base = t.frozen[request.ChangeId]; base == "" {
			return nil, &types.InvalidArgument{InvalidProperty: "changeId"}
		}
	}
	if request.StartOffset < 0 || request.StartOffset >= disk.CapacityInBytes {
		return nil, &types.InvalidArgument{InvalidProperty: "startOffset"}
	}
	info, err := differences(base, current, request.StartOffset, disk.CapacityInBytes, v.sim.config.MaxAreas)
	if err != nil {
		return nil, noFile
	}
	return info, nil
}

// differences compares block by block; base "" means "with zeros" (change id "*").
func differences(base, current string, start, size int64, limit int) (*types.DiskChangeInfo, error) {
	now, err := os.Open(current)
	if err != nil {
		return nil, err
	}
	defer now.Close()
	var before *os.File
	if base != "" {
		if before, err = os.Open(base); err != nil {
			return nil, err
		}
		defer before.Close()
	}
	info := &types.DiskChangeInfo{StartOffset: start, Length: size - start}
	x, y := make([]byte, granularity), make([]byte, granularity)
	for offset := start / granularity * granularity; offset < size; offset += granularity {
		if before == nil {
			if offset = nextData(now, offset); offset >= size {
				break
			}
		}
		if err := errors.Join(readAt(now, x, offset), readAt(before, y, offset)); err != nil {
			return nil, err
		}
		if string(x) == string(y) {
			continue
		}
		from, to, n := max(offset, start), min(offset+granularity, size), len(info.ChangedArea)
		if n > 0 && info.ChangedArea[n-1].Start+info.ChangedArea[n-1].Length == from {
			info.ChangedArea[n-1].Length = to - info.ChangedArea[n-1].Start
		} else if limit > 0 && n == limit {
			// vCenter may answer for a part of the disk: its clients have to ask on.
			info.Length = from - start
			return info, nil
		} else {
			info.ChangedArea = append(info.ChangedArea, types.DiskChangeExtent{Start: from, Length: to - from})
		}
	}
	return info, nil
}

// nextData answers the block, at or after this one, that the file has bytes for.
func nextData(file *os.File, offset int64) int64 {
	at, err := file.Seek(offset, seekData)
	if err != nil {
		return 1 << 62
	}
	return max(offset, at/granularity*granularity)
}

// readAt fills the buffer: what lies past the end of the file is zero, as is all of no file.
func readAt(file *os.File, buffer []byte, offset int64) error {
	clear(buffer)
	if file == nil {
		return nil
	}
	if _, err := file.ReadAt(buffer, offset); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
