package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// machine is what is kept beside vcsim's VM.
type machine struct {
	// blocks is held by who writes to a disk, and by who moves its files.
	blocks sync.Mutex
	files  []openFile       // its current disk files
	tracks map[int32]*track // by device key
	writer *writer
	guest  *guest
	spec   machineSpec
	// What was published last.
	name     string
	tracking bool
	// Under sim.Mutex: the tasks that run, how many wait to begin, and when a call was let through that will begin one;
	// which methods are disabled, and by whom.
	running  map[reference]bool
	slow     int
	claimed  time.Time
	disabled map[string][]string
	unnamed  map[reference]bool // snapshots whose name was not seen yet
	offAt    time.Time          // when it was powered off last
	// Its storage is away: nothing is known of its configuration.
	inaccessible bool
}

type openFile struct {
	key  int32
	path string
	size int64
}

// track is the changed block tracking of one disk: between two stuns either wholly on or off.
type track struct {
	on       bool
	epoch    int
	sequence int
	frozen   map[string]string // change id -> raw file with the disk as it was
}

func (s *sim) machine(ref reference) *machine {
	s.Lock()
	defer s.Unlock()
	m := s.machines[ref]
	if m == nil {
		m = &machine{tracks: map[int32]*track{}, unnamed: map[reference]bool{}, running: map[reference]bool{}}
		s.machines[ref] = m
	}
	return m
}

func (m *machine) track(disk *types.VirtualDisk) *track {
	t := m.tracks[disk.Key]
	if t == nil {
		t = &track{frozen: map[string]string{}}
		m.tracks[disk.Key] = t
	}
	return t
}

// stun is the moment at which a change of config.changeTrackingEnabled takes effect.
func (t *track) stun(vm *simulator.VirtualMachine) {
	wanted := vm.Config.ChangeTrackingEnabled != nil && *vm.Config.ChangeTrackingEnabled
	if wanted && !t.on {
		t.reset()
	}
	t.on = wanted
}

// stunAll stuns outside of a snapshot: a disk whose tracking begins has a change id from then on.
func (m *machine) stunAll(vm *simulator.VirtualMachine, devices []types.BaseVirtualDevice) {
	for _, disk := range disks(devices) {
		if independent(disk) {
			continue
		}
		t := m.track(disk)
		before := t.on
		t.stun(vm)
		if t.on && !before {
			backing(disk).ChangeId = t.nextID(disk)
		} else if !t.on {
			backing(disk).ChangeId = ""
		}
	}
}

// reset voids every change id that was given out.
func (t *track) reset() {
	t.epoch++
	t.sequence = 0
	for _, file := range t.frozen {
		_ = os.Remove(file)
	}
	t.frozen = map[string]string{}
}

// nextID answers a change id as vCenter's are: "52 de c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65 63/81".
func (t *track) nextID(disk *types.VirtualDisk) string {
	t.sequence++
	digest := sha256.Sum256(fmt.Appendf(nil, "%s/%d", backing(disk).Uuid, t.epoch))
	return fmt.Sprintf("% x-% x/%d", digest[:8], digest[8:16], t.sequence)
}

// freeze runs inside CreateSnapshot(Ex)_Task, under vcsim's lock of the VM: it keeps the bytes of each disk as they
// are, gives them a change id, and lets the VM go on in a delta file. The inode that a guest has open goes along with
// the name of the current file; what stays behind is a copy.
func (s *sim) freeze(snapshot *simulator.VirtualMachineSnapshot) {
	vm := s.vm(snapshot.Vm)
	m := s.machine(vm.Self)
	s.Lock()
	s.snapshots[snapshot.Self] = snapshot
	m.unnamed[snapshot.Self] = true
	s.Unlock()

	// vcsim would try every name of a state file, and complain of each that is there.
	states, _ := filepath.Glob(filepath.Join(filepath.Dir(s.onHost(vm.Config.Files.VmPathName)), "*.vmsn"))
	for _, file := range states {
		_ = os.Remove(file)
	}
	resume := m.still()
	defer resume()
	devices := cloned(vm.Config.Hardware.Device)
	for _, disk := range disks(devices) {
		if independent(disk) {
			continue
		}
		b, t := backing(disk), m.track(disk)
		t.stun(vm)
		from := s.flatFile(disk)
		b.ChangeId = ""
		if t.on {
			b.ChangeId = t.nextID(disk)
		}
		old := clonedBacking(b)
		b.FileName = s.nextDelta(old.FileName)
		b.Parent = old
		must(s.writeDelta(disk))
		if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
			must(s.renewContentID(b.FileName)) // its guest writes on
		}
		to := s.onHost(flatName(b.FileName))
		must(os.Rename(from, to))
		must(copyFile(to, from))
		if t.on {
			file := s.path("frozen-" + vm.Self.Value + "-" + strings.NewReplacer(" ", "", "/", "_").Replace(b.ChangeId))
			must(os.Link(from, file))
			t.frozen[b.ChangeId] = file
		}
		for _, kept := range disks(snapshot.Config.Hardware.Device) {
			if kept.Key == disk.Key {
				backing(kept).ChangeId = b.ChangeId
			}
		}
	}
	s.showDevices(vm, m, devices)
}

// still keeps the disks from changing until the answer is called.
func (m *machine) still() (resume func()) {
	m.blocks.Lock()
	if m.guest != nil {
		m.guest.pause()
	}
	return func() {
		if m.guest != nil {
			m.guest.resume()
		}
		m.blocks.Unlock()
	}
}

// showDevices makes changed devices the VM's own, and tells who waits for updates. Before the disks may change again.
func (s *sim) showDevices(vm *simulator.VirtualMachine, m *machine, devices []types.BaseVirtualDevice) {
	m.files = m.files[:0]
	for _, disk := range disks(devices) {
		m.files = append(m.files, openFile{key: disk.Key, path: s.flatFile(disk), size: disk.CapacityInBytes})
	}
	ctx := &simulator.Context{Map: s.registry()}
	ctx.Map.Update(ctx, vm, []types.PropertyChange{{Name: "config.hardware.device", Val: devices}})
}

// snapshotNamed runs when a snapshot has got its place in the VM's tree, and so its name.
func (s *sim) snapshotNamed(vm *simulator.VirtualMachine) {
	m := s.machine(vm.Self)
	if vm.Snapshot == nil {
		return
	}
	for _, node := range snapshotNodes(vm.Snapshot.RootSnapshotList) {
		s.Lock()
		news := m.unnamed[node.Snapshot]
		delete(m.unnamed, node.Snapshot)
		s.Unlock()
		if news {
			s.record("snapshot-created", vm.Self.Value, node.Name, node.Snapshot.Value)
		}
	}
}

func snapshotNodes(tree []types.VirtualMachineSnapshotTree) (all []types.VirtualMachineSnapshotTree) {
	for _, node := range tree {
		all = append(append(all, node), snapshotNodes(node.ChildSnapshotList)...)
	}
	return
}

// snapshotRemoved runs inside the task that removes it. With removeChildren vcsim forgets the children in the tree
// alone: they go here.
func (s *sim) snapshotRemoved(ctx *simulator.Context, ref reference) {
	s.Lock()
	snapshot, withChildren := s.snapshots[ref], s.withChildren[ref]
	delete(s.snapshots, ref)
	delete(s.withChildren, ref)
	s.Unlock()
	if snapshot == nil {
		return
	}
	vm := s.vm(snapshot.Vm)
	if vm == nil {
		return
	}
	s.fold(vm, snapshot)
	s.record("snapshot-removed", vm.Self.Value, "", ref.Value)
	if !withChildren {
		return
	}
	kept := map[reference]bool{}
	if vm.Snapshot != nil {
		for _, node := range snapshotNodes(vm.Snapshot.RootSnapshotList) {
			kept[node.Snapshot] = true
		}
	}
	for _, other := range s.snapshotsOf(vm.Self) {
		if !kept[other.Self] {
			ctx.Map.Remove(ctx, other.Self)
		}
	}
}

// forgetLayout keeps vcsim from removing the files of a snapshot: it finds them by keys that it has given to others
// meanwhile, and takes disks for them.
func (s *sim) forgetLayout(ctx *simulator.Context, ref reference) {
	vm := s.vm(ref)
	if vm == nil {
		return
	}
	ctx.Map.WithLock(ctx, vm, func() { vm.LayoutEx.Snapshot = nil })
}

func (s *sim) snapshotsOf(vm reference) (found []*simulator.VirtualMachineSnapshot) {
	s.Lock()
	defer s.Unlock()
	for _, snapshot := range s.snapshots {
		if snapshot.Vm == vm {
			found = append(found, snapshot)
		}
	}
	return
}

// fold merges, for each disk file of a snapshot that goes, its child into it: the child's bytes get the file's name.
func (s *sim) fold(vm *simulator.VirtualMachine, snapshot *simulator.VirtualMachineSnapshot) {
	m := s.machine(vm.Self)
	resume := m.still()
	defer resume()
	devices := cloned(vm.Config.Hardware.Device)
	all := disks(devices)
	for _, other := range s.snapshotsOf(vm.Self) {
		all = append(all, disks(other.Config.Hardware.Device)...)
	}
	for _, gone := range disks(snapshot.Config.Hardware.Device) {
		s.foldFile(backing(gone), all)
	}
	m.stunAll(vm, devices) // a removal stuns the VM too
	s.showDevices(vm, m, devices)
}

func (s *sim) foldFile(gone *diskBacking, all []*types.VirtualDisk) {
	child := ""
	for _, disk := range all {
		if parent := backing(disk).Parent; parent != nil && parent.FileName == gone.FileName {
			child = backing(disk).FileName
		}
	}
	if child == "" {
		return
	}
	must(os.Rename(s.onHost(flatName(child)), s.onHost(flatName(gone.FileName))))
	must(s.setContentID(gone.FileName, s.contentID(child)))
	_ = os.Remove(s.onHost(child))
	for _, disk := range all {
		for b := backing(disk); b != nil; b = b.Parent {
			if b.FileName == child {
				b.FileName, b.Parent = gone.FileName, clonedBacking(gone.Parent)
			}
		}
	}
}
