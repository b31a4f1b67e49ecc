package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// control is the test's own door, on a port of its own: what is cut or slow on the other one works here.
func (s *sim) control() http.Handler {
	mux := http.NewServeMux()
	answer := func(pattern string, do func(r *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			result, err := do(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(result)
		})
	}
	answer("GET /journal", func(*http.Request) (any, error) {
		s.Lock()
		defer s.Unlock()
		return append([]entry{}, s.journal...), nil
	})
	answer("GET /calls", func(*http.Request) (any, error) {
		s.Lock()
		defer s.Unlock()
		copied := map[string]int{}
		for name, n := range s.calls {
			copied[name] = n
		}
		return copied, nil
	})
	answer("GET /vms/{vm}", s.forVM(func(vm *simulator.VirtualMachine, _ *http.Request) (any, error) { return s.describe(vm), nil }))
	answer("POST /vms", s.createVM)
	answer("POST /vms/{vm}/set", s.forVM(s.set))
	answer("POST /vms/{vm}/{action}", s.forVM(s.act))
	answer("POST /faults", func(r *http.Request) (any, error) {
		f := &fault{}
		if err := json.NewDecoder(r.Body).Decode(f); err != nil {
			return nil, err
		}
		if f.Fault != "" {
			if _, err := f.make(); err != nil {
				return nil, err
			}
		}
		s.Lock()
		defer s.Unlock()
		s.faults = append(s.faults, f)
		return nil, nil
	})
	answer("DELETE /faults", func(*http.Request) (any, error) {
		s.Lock()
		defer s.Unlock()
		s.faults = nil
		return nil, nil
	})
	answer("POST /expire-sessions", func(*http.Request) (any, error) { return nil, s.expireSessions() })
	answer("POST /forget-events", func(*http.Request) (any, error) {
		s.Lock()
		defer s.Unlock()
		s.forgotten = time.Now()
		return nil, nil
	})
	answer("POST /outage", func(r *http.Request) (any, error) {
		var request struct{ Ms int }
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			return nil, err
		}
		err := s.expireSessions()
		s.Lock()
		defer s.Unlock()
		s.downUntil = time.Now().Add(time.Duration(request.Ms) * time.Millisecond)
		return nil, err
	})
	return mux
}

func (s *sim) forVM(do func(*simulator.VirtualMachine, *http.Request) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		vm := s.vmNamed(r.PathValue("vm"))
		if vm == nil {
			return nil, fmt.Errorf("there is no VM %s", r.PathValue("vm"))
		}
		return do(vm, r)
	}
}

func (s *sim) createVM(r *http.Request) (any, error) {
	var spec machineSpec
	if err := json.NewDecoder(r.Body).Decode(&spec); err != nil {
		return nil, err
	}
	place, err := s.findPlace()
	if err != nil {
		return nil, err
	}
	if err := s.addMachine(place, spec, s.config.Seed+int64(len(spec.Name))); err != nil {
		return nil, err
	}
	return s.describe(s.vmNamed(spec.Name)), nil
}

func (s *sim) describe(vm *simulator.VirtualMachine) any {
	type diskView struct {
		Key           int32  `json:"key"`
		File          string `json:"file"`
		CapacityBytes int64  `json:"capacityBytes"`
		HostFile      string `json:"hostFile"`
		ChangeID      string `json:"changeId,omitempty"`
	}
	type snapshotView struct {
		Moref string     `json:"moref"`
		Name  string     `json:"name"`
		Disks []diskView `json:"disks"`
	}
	views := func(devices []types.BaseVirtualDevice) []diskView {
		all := []diskView{}
		for _, disk := range disks(devices) {
			all = append(all, diskView{disk.Key, backing(disk).FileName, disk.CapacityInBytes, s.flatFile(disk), backing(disk).ChangeId})
		}
		return all
	}
	view := struct {
		Moref     string         `json:"moref"`
		Name      string         `json:"name"`
		Power     string         `json:"power"`
		Host      string         `json:"host"`
		Disks     []diskView     `json:"disks"`
		Snapshots []snapshotView `json:"snapshots"`
	}{Snapshots: []snapshotView{}}
	s.registry().WithLock(&simulator.Context{Map: s.registry()}, vm, func() {
		view.Moref, view.Name, view.Power = vm.Self.Value, vm.Name, string(vm.Runtime.PowerState)
		if vm.Runtime.Host != nil {
			view.Host = vm.Runtime.Host.Value
		}
		view.Disks = views(vm.Config.Hardware.Device)
		if vm.Snapshot != nil {
			for _, node := range snapshotNodes(vm.Snapshot.RootSnapshotList) {
				s.Lock()
				snapshot := s.snapshots[node.Snapshot]
				s.Unlock()
				if snapshot != nil {
					view.Snapshots = append(view.Snapshots,
						snapshotView{node.Snapshot.Value, node.Name, views(snapshot.Config.Hardware.Device)})
				}
			}
		}
	})
	return view
}

// action is the body of POST /vms/{vm}/{action}: the fields that the action reads.
type action struct {
	Name           string      `json:"name"`
	Host           string      `json:"host"`
	Datastore      string      `json:"datastore"`
	Key            int32       `json:"key"`
	CapacityBytes  int64       `json:"capacityBytes"`
	Command        string      `json:"command"`
	Tools          *toolsSpec  `json:"tools"`
	Writer         *writerSpec `json:"writer"`
	IgnoreShutdown *bool       `json:"ignoreShutdown"`
	Inaccessible   *bool       `json:"inaccessible"`
}

func (s *sim) act(vm *simulator.VirtualMachine, r *http.Request) (any, error) {
	var a action
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		return nil, err
	}
	ctx, m, client := context.Background(), s.machine(vm.Self), s.client()
	machine := object.NewVirtualMachine(client, vm.Self)
	wait := func(task *object.Task, err error) (any, error) {
		if err == nil {
			_, err = s.finished(task.Reference())
		}
		return nil, err
	}
	locked := func(f func()) { s.registry().WithLock(&simulator.Context{Map: s.registry()}, vm, f) }
	switch r.PathValue("action") {
	case "snapshot":
		return wait(machine.CreateSnapshot(ctx, a.Name, "", false, false))
	case "revert":
		return nil, s.revertTo(vm, a.Name)
	case "rename":
		return wait(object.NewCommon(client, vm.Self).Rename(ctx, a.Name))
	case "power-on":
		return wait(machine.PowerOn(ctx))
	case "power-off":
		return wait(machine.PowerOff(ctx))
	case "delete":
		if vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff {
			if _, err := wait(machine.PowerOff(ctx)); err != nil {
				return nil, err
			}
		}
		return wait(machine.Destroy(ctx))
	case "relocate":
		return nil, s.relocate(vm, a)
	case "reset-cbt":
		m.blocks.Lock()
		defer m.blocks.Unlock()
		for _, t := range m.tracks {
			t.reset()
		}
		s.record("cbt-reset", vm.Self.Value, "", "")
		return nil, nil
	case "add-disk", "grow-disk", "remove-disk":
		return nil, s.changeDisk(machine, vm, r.PathValue("action"), a)
	case "configure":
		locked(func() {
			if a.Tools != nil {
				m.spec.Tools = *a.Tools
				s.showGuest(vm)
			}
			if a.IgnoreShutdown != nil {
				m.spec.IgnoreShutdown = *a.IgnoreShutdown
			}
		})
		if a.Inaccessible != nil {
			s.Lock()
			m.inaccessible = *a.Inaccessible
			s.Unlock()
		}
		if a.Writer != nil {
			m.stopWriter()
			m.spec.Writer = a.Writer
			if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
				s.startWriter(vm)
			}
		}
		return nil, nil
	case "guest":
		return s.tellGuest(m, a.Command)
	}
	return nil, errors.New("there is no such action")
}

func (s *sim) tellGuest(m *machine, command string) (any, error) {
	m.blocks.Lock()
	g := m.guest
	m.blocks.Unlock()
	if g == nil || g.console == nil {
		return nil, errNotUp
	}
	printed, err := g.console.run(command)
	return map[string]string{"output": printed}, err
}

func (s *sim) expireSessions() error {
	ids := []string{}
	for _, session := range s.sessions() {
		ids = append(ids, session.Key)
	}
	request := &types.TerminateSession{This: *s.model.ServiceContent.SessionManager, SessionId: ids}
	_, err := methods.TerminateSession(context.Background(), s.client(), request)
	return err
}

func (s *sim) machineRemoved(ref reference) {
	s.Lock()
	m := s.machines[ref]
	delete(s.machines, ref)
	s.Unlock()
	if m == nil {
		return
	}
	m.stopWriter()
	m.stopGuest()
	for _, t := range m.tracks {
		for _, file := range t.frozen {
			_ = os.Remove(file)
		}
	}
	s.record("deleted", ref.Value, "", "")
}

// relocate moves a VM to another host, to another datastore, or both.
func (s *sim) relocate(vm *simulator.VirtualMachine, a action) error {
	spec := types.VirtualMachineRelocateSpec{}
	for _, entity := range s.registry().All("HostSystem") {
		if host, ok := entity.(*simulator.HostSystem); ok && (host.Name == a.Host || host.Self.Value == a.Host) {
			spec.Host = &host.Self
		}
	}
	if a.Host != "" && spec.Host == nil {
		return fmt.Errorf("there is no host %s", a.Host)
	}
	if a.Datastore != "" {
		if err := s.moveFiles(vm, a.Datastore); err != nil {
			return err
		}
	}
	task, err := object.NewVirtualMachine(s.client(), vm.Self).Relocate(context.Background(), spec, "")
	if err == nil {
		_, err = s.finished(task.Reference())
	}
	return err
}
