package main

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// lease is an HttpNfcLease. Its first field is what vcsim's property collector shows.
type lease struct {
	mo.HttpNfcLease
	sim    *sim
	whole  bool // of ExportVm: the VM may not be used meanwhile
	files  map[string]string
	timer  *time.Timer
	gone   bool
	sent   []types.HttpNfcLeaseManifestEntry
	access sync.Mutex
}

// wrappedSnapshot is a snapshot whose export has bytes.
type wrappedSnapshot struct {
	*simulator.VirtualMachineSnapshot
	sim *sim
}

func (v *wrapped) ExportVm(ctx *simulator.Context, _ *types.ExportVm) soap.HasFault {
	body := &methods.ExportVmBody{}
	var fault types.BaseMethodFault
	if v.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff {
		fault = &types.InvalidPowerState{RequestedState: types.VirtualMachinePowerStatePoweredOff, ExistingState: v.Runtime.PowerState}
	} else if v.sim.exported(v.Self) {
		fault = &types.TaskInProgress{}
	}
	if fault != nil {
		body.Fault_ = simulator.Fault(messageOf(fault), fault)
		return body
	}
	made := v.sim.newLease(ctx, v.Self, v.Config.Hardware.Device)
	made.whole = true
	body.Res = &types.ExportVmResponse{Returnval: made.Self}
	return body
}

func (v *wrappedSnapshot) ExportSnapshot(ctx *simulator.Context, _ *types.ExportSnapshot) soap.HasFault {
	made := v.sim.newLease(ctx, v.Vm, v.Config.Hardware.Device)
	return &methods.ExportSnapshotBody{Res: &types.ExportSnapshotResponse{Returnval: made.Self}}
}

// exported tells whether a VM is being exported as a whole.
func (s *sim) exported(vm reference) bool {
	s.Lock()
	defer s.Unlock()
	for _, l := range s.leases {
		if l.whole && l.Info.Entity == vm {
			return true
		}
	}
	return false
}

func (s *sim) newLease(ctx *simulator.Context, vm reference, devices []types.BaseVirtualDevice) *lease {
	seconds := s.config.LeaseSeconds
	if seconds <= 0 {
		seconds = 300
	}
	id := uuid.NewString()
	l := &lease{sim: s, files: map[string]string{}}
	l.Self = reference{Type: "HttpNfcLease", Value: "session[" + ctx.Session.Key + "]" + id}
	l.State, l.Mode, l.InitializeProgress = types.HttpNfcLeaseStateReady, string(types.HttpNfcLeaseModePushOrGet), 100
	l.Info = &types.HttpNfcLeaseInfo{Lease: l.Self, Entity: vm, LeaseTimeout: int32(seconds)}
	host := s.config.Listen
	if s.config.ESXi {
		host = "*" // "the client must substitute it with the host that it connected to"
	}
	for i, disk := range disks(devices) {
		name := fmt.Sprintf("disk-%d.vmdk", i)
		key := fmt.Sprintf("/%s/VirtualLsiLogicController0:%d", vm.Value, i)
		address := url.URL{Scheme: "https", Host: host, Path: "/nfc/" + id + "/" + name}
		l.Info.DeviceUrl = append(l.Info.DeviceUrl, types.HttpNfcLeaseDeviceUrl{
			Key: key, ImportKey: key, Url: strings.ReplaceAll(address.String(), "%2A", "*"), SslThumbprint: s.thumbprint,
			Disk: types.NewBool(true), TargetId: name, FileSize: disk.CapacityInBytes})
		l.Info.TotalDiskCapacityInKB += disk.CapacityInKB
		l.files[name] = s.flatFile(disk)
	}
	ctx.Session.Put(l)
	s.Lock()
	s.leases[id] = l
	s.Unlock()
	// From then on each sign of progress gives as long again.
	l.timer = time.AfterFunc(time.Duration(seconds)*time.Second, func() {
		l.end("lease-timed-out")
		l.access.Lock()
		defer l.access.Unlock()
		l.State = types.HttpNfcLeaseStateError
		l.Error = &types.LocalizedMethodFault{Fault: &types.Timedout{}, LocalizedMessage: "The lease timed out."}
	})
	s.record("lease-opened", vm.Value, "", id)
	return l
}

func (l *lease) end(effect string) {
	l.access.Lock()
	first := !l.gone
	l.gone = true
	l.access.Unlock()
	if !first {
		return
	}
	l.timer.Stop()
	id := l.Self.Value[strings.LastIndex(l.Self.Value, "]")+1:]
	l.sim.Lock()
	delete(l.sim.leases, id)
	l.sim.Unlock()
	l.sim.record(effect, l.Info.Entity.Value, "", id)
}

func (l *lease) HttpNfcLeaseProgress(_ *simulator.Context, request *types.HttpNfcLeaseProgress) soap.HasFault {
	body := &methods.HttpNfcLeaseProgressBody{}
	l.access.Lock()
	defer l.access.Unlock()
	if l.gone {
		body.Fault_ = simulator.Fault("The lease has ended.", &types.Timedout{})
		return body
	}
	l.TransferProgress = request.Percent
	l.timer.Reset(time.Duration(l.Info.LeaseTimeout) * time.Second)
	body.Res = &types.HttpNfcLeaseProgressResponse{}
	return body
}

func (l *lease) HttpNfcLeaseComplete(ctx *simulator.Context, request *types.HttpNfcLeaseComplete) soap.HasFault {
	l.end("lease-completed")
	ctx.Session.Remove(ctx, request.This)
	return &methods.HttpNfcLeaseCompleteBody{Res: &types.HttpNfcLeaseCompleteResponse{}}
}

func (l *lease) HttpNfcLeaseAbort(ctx *simulator.Context, request *types.HttpNfcLeaseAbort) soap.HasFault {
	l.end("lease-aborted")
	ctx.Session.Remove(ctx, request.This)
	return &methods.HttpNfcLeaseAbortBody{Res: &types.HttpNfcLeaseAbortResponse{}}
}

func (l *lease) HttpNfcLeaseGetManifest(_ *simulator.Context, _ *types.HttpNfcLeaseGetManifest) soap.HasFault {
	l.access.Lock()
	defer l.access.Unlock()
	return &methods.HttpNfcLeaseGetManifestBody{Res: &types.HttpNfcLeaseGetManifestResponse{Returnval: l.sent}}
}

// serveLease answers GET /nfc/<lease>/<disk>: a stream-optimized VMDK of unknown length. Its address is the only
// credential, as on vCenter.
func (s *sim) serveLease(w http.ResponseWriter, r *http.Request) {
	id, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/nfc/"), "/")
	s.Lock()
	l := s.leases[id]
	s.Unlock()
	if l == nil || l.files[name] == "" {
		http.NotFound(w, r)
		return
	}
	out, ok := s.faulty(w, "GET /nfc", l.Info.Entity.Value)
	if !ok {
		return
	}
	folder, err := os.MkdirTemp(s.config.Folder, "nfc-")
	must(err)
	defer os.RemoveAll(folder)
	made := filepath.Join(folder, name)
	text, err := exec.Command("qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", l.files[name], made).CombinedOutput()
	if err != nil {
		http.Error(w, string(text), http.StatusInternalServerError)
		return
	}
	file, err := os.Open(made)
	must(err)
	defer file.Close()
	w.Header().Set("Content-Type", "application/x-vnd.vmware-streamVmdk")
	sum := sha1.New()
	n, err := io.Copy(io.MultiWriter(out, sum), file)
	if err != nil {
		return
	}
	l.access.Lock()
	defer l.access.Unlock()
	l.sent = append(l.sent, types.HttpNfcLeaseManifestEntry{Key: name, Sha1: hex.EncodeToString(sum.Sum(nil)), Size: n, Disk: true})
}
