package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// A VM does one task at a time. vcsim lets the next one wait for as long as it takes; vCenter refuses it.

// patience is how long a task that is about to end is waited for: ours take milliseconds.
const patience = 250 * time.Millisecond

// claim is how long a call that was let through may take to begin its task, or to fail.
const claim = 50 * time.Millisecond

// ownerOf answers the VM that a call would change, for its methods and for those of its snapshots.
func (s *sim) ownerOf(this reference) reference {
	if snapshot, ok := s.registry().Get(this).(*simulator.VirtualMachineSnapshot); ok {
		return snapshot.Vm
	}
	return this
}

func (s *sim) taskBegan(task *simulator.Task) {
	if task.Info.Entity == nil || task.Info.Entity.Type != "VirtualMachine" {
		return
	}
	m := s.machine(*task.Info.Entity)
	s.Lock()
	m.running[task.Self] = true
	m.claimed = time.Time{}
	s.Unlock()
}

func (s *sim) taskChanged(task *mo.Task, changes []types.PropertyChange) {
	if task.Info.Entity == nil || task.Info.Entity.Type != "VirtualMachine" {
		return
	}
	for _, change := range changes {
		if change.Name == "info.completeTime" {
			m := s.machine(*task.Info.Entity)
			s.Lock()
			delete(m.running, task.Self)
			s.Unlock()
		}
	}
}

// busy answers TaskInProgress for a call that would change a VM that is being changed.
func (s *sim) busy(m *simulator.Method) types.BaseMethodFault {
	if !strings.HasSuffix(m.Name, "_Task") {
		return nil
	}
	owner := s.ownerOf(m.This)
	if owner.Type != "VirtualMachine" {
		return nil
	}
	if s.exported(owner) {
		return &types.TaskInProgress{Task: reference{Type: "Task", Value: "task-export"}}
	}
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		s.Lock()
		known := s.machines[owner]
		free := known == nil || len(known.running)+known.slow == 0 && time.Since(known.claimed) > claim
		if free && known != nil {
			known.claimed = time.Now()
		}
		s.Unlock()
		if free {
			return nil
		}
		if time.Now().After(end) {
			return &types.TaskInProgress{Task: reference{Type: "Task", Value: "task-other"}}
		}
	}
}

// slowTask answers a task that runs for a while before its effect takes place.
func (s *sim) slowTask(w http.ResponseWriter, r *http.Request, text []byte, method string, this reference, f *fault) {
	owner := s.ownerOf(this)
	m := s.machine(owner)
	s.Lock()
	m.slow++
	s.Unlock()
	run := func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		f.sleep()
		s.Lock()
		m.slow--
		s.Unlock()
		answer, late := httptest.NewRecorder(), r.Clone(r.Context())
		late.Body = io.NopCloser(bytes.NewReader(text))
		s.model.Service.ServeSDK(answer, late)
		real := s.waitForTask(answer.Body.String())
		if real == nil {
			return nil, &types.SystemError{Reason: answer.Body.String()}
		}
		if real.Info.Error != nil {
			return nil, real.Info.Error.Fault.(types.BaseMethodFault)
		}
		return real.Info.Result, nil
	}
	// A task holds vcsim's lock of its entity, which the effect will need: the entity is told afterwards.
	task := simulator.CreateTask(reference{Type: "Waiting", Value: uuid.NewString()}, taskName(method), run)
	answerTask(w, method, task.Run(&simulator.Context{Map: s.registry()}).Value)
	task.Info.Entity = &owner
}

// taskName of a method: "CreateSnapshot_Task" -> "createSnapshot".
func taskName(method string) string {
	return strings.ToLower(method[:1]) + strings.TrimSuffix(method[1:], "_Task")
}
