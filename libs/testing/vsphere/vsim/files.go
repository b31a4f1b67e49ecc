package main

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// serveFolder answers files of a datastore as vCenter's /folder does: to a session or to basic authentication, with
// ranges, and not those that a running VM holds.
func (s *sim) serveFolder(w http.ResponseWriter, r *http.Request) {
	u, known := s.sender(r)
	if !known {
		w.Header().Set("WWW-Authenticate", `Basic realm="VMware HTTP server"`)
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	if !u.has(downloadPrivilege) || !u.has(browsePrivilege) || u.denies("GET /folder") {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	out, ok := s.faulty(w, "GET /folder", r.URL.Path)
	if !ok {
		return
	}
	name := r.URL.Path
	file := "[" + r.URL.Query().Get("dsName") + "] " + strings.TrimPrefix(name, "/folder/")
	if s.held(file) {
		http.Error(w, "Failed to lock the file", http.StatusInternalServerError)
		return
	}
	if strings.HasSuffix(name, "-sesparse.vmdk") {
		// What lies there is the simulator's own; a client that takes it for raw bytes is to notice.
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(binary.LittleEndian.AppendUint64(nil, 0xcafebabe))
		_, _ = w.Write(make([]byte, 4088))
		return
	}
	s.model.Service.ServeDatastore(out, r)
}

// held tells whether a running VM writes to the file.
func (s *sim) held(file string) bool {
	for _, entity := range s.registry().All("VirtualMachine") {
		vm, ok := entity.(*simulator.VirtualMachine)
		if !ok || vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
			continue
		}
		for _, disk := range disks(vm.Config.Hardware.Device) {
			if flatName(backing(disk).FileName) == file {
				return true
			}
		}
	}
	return false
}

// faulty applies a fault that is set for a download: cut at once or after so many bytes, an HTTP status, a delay.
func (s *sim) faulty(w http.ResponseWriter, method, name string) (http.ResponseWriter, bool) {
	f := s.takeFault(method, reference{Value: path.Base(name)})
	if f == nil {
		return w, true
	}
	s.record("fault", path.Base(name), method, f.As)
	f.sleep()
	switch f.As {
	case "http":
		http.Error(w, http.StatusText(f.Status), f.Status)
		return w, false
	case "cut":
		if f.AfterBytes > 0 {
			return &cutting{ResponseWriter: w, left: f.AfterBytes}, true
		}
		cut(w)
		return w, false
	}
	return w, true
}

// cutting passes so many bytes, and then ends the connection.
type cutting struct {
	http.ResponseWriter
	left int
}

func (c *cutting) Write(bytes []byte) (int, error) {
	if len(bytes) <= c.left {
		c.left -= len(bytes)
		return c.ResponseWriter.Write(bytes)
	}
	_, _ = c.ResponseWriter.Write(bytes[:c.left])
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// Unwrap is not offered: a response controller would write past us.

// serveVDDK answers the stand-in VDDK which file of this machine holds the bytes of (vm, snapshot, "[ds] x/x.vmdk"),
// after the checks that vCenter and the host make. First line the file, second after how many bytes reads fail.
func (s *sim) serveVDDK(w http.ResponseWriter, r *http.Request) {
	u, known := s.sender(r)
	query := r.URL.Query()
	refuse := func(status int, text string) { http.Error(w, text, status) }
	if !known {
		refuse(http.StatusUnauthorized, "Cannot complete login due to an incorrect user name or password.")
		return
	}
	if !u.has(readPrivilege) || !u.has(filesPrivilege) || u.denies("VDDK") {
		refuse(http.StatusForbidden, "You do not have access rights to this file")
		return
	}
	ref := reference{Type: "VirtualMachine", Value: query.Get("vm")}
	f := s.takeFault("VDDK", ref)
	failAfter := -1
	if f != nil {
		s.record("fault", ref.Value, "VDDK", f.As)
		f.sleep()
		switch {
		case f.AfterBytes > 0:
			failAfter = f.AfterBytes
		case f.As == "cut":
			cut(w)
			return
		case f.As != "delay":
			refuse(http.StatusServiceUnavailable, "The server refused connection")
			return
		}
	}
	vm := s.vm(ref)
	if vm == nil {
		refuse(http.StatusNotFound, "The virtual machine cannot be found")
		return
	}
	devices := vm.Config.Hardware.Device
	if name := query.Get("snapshot"); name != "" {
		s.Lock()
		snapshot := s.snapshots[reference{Type: "VirtualMachineSnapshot", Value: name}]
		s.Unlock()
		if snapshot == nil || snapshot.Vm != ref {
			refuse(http.StatusNotFound, "The snapshot cannot be found")
			return
		}
		devices = snapshot.Config.Hardware.Device
	} else if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
		refuse(http.StatusLocked, "Failed to lock the file")
		return
	}
	for _, disk := range disks(devices) {
		if backing(disk).FileName == query.Get("file") {
			s.record("disk-opened", ref.Value, backing(disk).FileName, query.Get("snapshot"))
			file := s.flatFile(disk)
			if query.Get("single") != "" && backing(disk).Parent != nil {
				var err error
				if file, err = s.ownBlocks(disk); err != nil {
					refuse(http.StatusInternalServerError, err.Error())
					return
				}
			}
			fmt.Fprintf(w, "%s\n%d\n", file, failAfter)
			return
		}
	}
	refuse(http.StatusNotFound, "A file was not found")
}

// ownBlocks answers a file with no more than what one link of a chain holds: zeros where its parents hold the bytes.
func (s *sim) ownBlocks(disk *types.VirtualDisk) (string, error) {
	child, parent := s.flatFile(disk), s.onHost(flatName(backing(disk).Parent.FileName))
	info, err := differences(parent, child, 0, disk.CapacityInBytes, 0)
	if err != nil {
		return "", err
	}
	from, err := os.Open(child)
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := os.CreateTemp(s.config.Folder, "link-")
	if err != nil {
		return "", err
	}
	defer to.Close()
	if err := to.Truncate(disk.CapacityInBytes); err != nil {
		return "", err
	}
	for _, area := range info.ChangedArea {
		bytes := make([]byte, area.Length)
		if err := readAt(from, bytes, area.Start); err != nil {
			return "", err
		}
		if _, err := to.WriteAt(bytes, area.Start); err != nil {
			return "", err
		}
	}
	return to.Name(), nil
}
