package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

type diskBacking = types.VirtualDiskFlatVer2BackingInfo

// disks are those whose bytes are simulated: flat files. RDMs and others are shown and have none.
func disks(devices []types.BaseVirtualDevice) (found []*types.VirtualDisk) {
	for _, device := range devices {
		if disk, ok := device.(*types.VirtualDisk); ok {
			if _, ok := disk.Backing.(*diskBacking); ok {
				found = append(found, disk)
			}
		}
	}
	return
}

func backing(disk *types.VirtualDisk) *diskBacking { return disk.Backing.(*diskBacking) }

// cloned answers the devices with disks that may be changed: those of a VM are read elsewhere meanwhile.
func cloned(devices []types.BaseVirtualDevice) []types.BaseVirtualDevice {
	copies := make([]types.BaseVirtualDevice, len(devices))
	for i, device := range devices {
		copies[i] = device
		if disk, ok := device.(*types.VirtualDisk); ok {
			if flat, ok := disk.Backing.(*diskBacking); ok {
				copied := *disk
				copied.Backing = clonedBacking(flat)
				copies[i] = &copied
			}
		}
	}
	return copies
}

func clonedBacking(from *diskBacking) *diskBacking {
	if from == nil {
		return nil
	}
	copied := *from
	copied.Parent = clonedBacking(from.Parent)
	return &copied
}

func independent(disk *types.VirtualDisk) bool {
	return strings.HasPrefix(backing(disk).DiskMode, "independent")
}

// flatName is the extent beside a descriptor: "[ds] a/b.vmdk" -> "[ds] a/b-flat.vmdk". A delta's has the name that
// vSphere gives it, and raw bytes of the whole disk all the same.
func flatName(file string) string {
	if deltaName.MatchString(file) {
		return strings.TrimSuffix(file, ".vmdk") + "-sesparse.vmdk"
	}
	return strings.TrimSuffix(file, ".vmdk") + "-flat.vmdk"
}

// onHost answers where a file of a datastore lies on this machine.
func (s *sim) onHost(file string) string {
	var path object.DatastorePath
	path.FromString(file)
	for _, entity := range s.registry().All("Datastore") {
		if datastore, ok := entity.(*simulator.Datastore); ok && datastore.Name == path.Datastore {
			return filepath.Join(datastore.Summary.Url, filepath.Clean("/"+path.Path))
		}
	}
	return ""
}

// flatFile is the raw bytes behind a descriptor, made as long as the disk.
func (s *sim) flatFile(disk *types.VirtualDisk) string {
	file := s.onHost(flatName(backing(disk).FileName))
	if info, err := os.Stat(file); err != nil || info.Size() < disk.CapacityInBytes {
		must(touch(file))
		must(os.Truncate(file, disk.CapacityInBytes))
	}
	return file
}

func touch(file string) error {
	handle, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return handle.Close()
}

var deltaName = regexp.MustCompile(`-\d{6}\.vmdk$`)

// nextDelta answers the first free name of the form base-00000N.vmdk.
func (s *sim) nextDelta(file string) string {
	base := strings.TrimSuffix(deltaName.ReplaceAllString(file, ".vmdk"), ".vmdk")
	for n := 1; ; n++ {
		name := base + "-" + sixDigits(n) + ".vmdk"
		if _, err := os.Stat(s.onHost(name)); err != nil {
			return name
		}
	}
}

// writeDelta writes the descriptor of a delta.
func (s *sim) writeDelta(disk *types.VirtualDisk) error {
	b := backing(disk)
	// Until something is written to it, a delta holds what its parent holds, and has its content id.
	id := s.contentID(b.Parent.FileName)
	text := fmt.Sprintf("# Disk DescriptorFile\nversion=3\nCID=%s\nparentCID=%s\nisNativeSnapshot=\"no\"\n"+
		"createType=\"seSparse\"\nparentFileNameHint=%q\nRW %d SESPARSE %q\n", id, id,
		filepath.Base(b.Parent.FileName), disk.CapacityInBytes/512, filepath.Base(flatName(b.FileName)))
	return os.WriteFile(s.onHost(b.FileName), []byte(text), 0o600)
}

func sixDigits(n int) string {
	digits := []byte("000000")
	for i := 5; n > 0; i, n = i-1, n/10 {
		digits[i] = byte('0' + n%10)
	}
	return string(digits)
}

// copyFile keeps holes, and shares blocks where the file system can.
func copyFile(from, to string) error {
	out, err := exec.Command("cp", "-L", "--reflink=auto", "--sparse=always", from, to).CombinedOutput()
	if err != nil {
		log.Printf("cp %s %s: %s", from, to, out)
	}
	return err
}

// must ends the simulator where it cannot keep its promise about bytes: a test that went on would judge nonsense.
func must(err error) {
	if err != nil {
		log.Fatalf("vsim: %v", err)
	}
}
