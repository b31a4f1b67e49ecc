package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/vmware/govmomi/simulator"
)

// guestSpec makes a VM a real one: QEMU with the VM's disks, started and ended by its power.
type guestSpec struct {
	MemoryMb int    `json:"memoryMb"`
	User     string `json:"user"` // with a login on the serial console the guest can be told something
	Password string `json:"password"`
}

type guest struct {
	command *exec.Cmd
	turn    sync.Mutex // of the monitor
	qmp     net.Conn
	reader  *bufio.Reader
	console *console
	ended   chan struct{}
}

func (s *sim) startGuest(vm *simulator.VirtualMachine) {
	m := s.machine(vm.Self)
	m.blocks.Lock()
	defer m.blocks.Unlock()
	if m.spec.Guest == nil || m.guest != nil {
		return
	}
	g, err := runGuest(s.config.QEMU, s.path("guest-"+vm.Self.Value), *m.spec.Guest, m.files)
	if err != nil {
		log.Printf("guest of %s: %v", vm.Name, err)
		return
	}
	m.guest = g
	go func() {
		<-g.ended
		m.blocks.Lock()
		alone := m.guest == g
		if alone {
			m.guest = nil
		}
		m.blocks.Unlock()
		if alone { // it shut down by itself
			s.powerOff(vm.Self)
		}
	}()
}

func runGuest(program, folder string, spec guestSpec, files []openFile) (*guest, error) {
	if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o700)); err != nil {
		return nil, err
	}
	monitor, serial := filepath.Join(folder, "qmp"), filepath.Join(folder, "serial")
	arguments := []string{
		"-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "1", "-m", strconv.Itoa(max(spec.MemoryMb, 256)),
		"-nodefaults", "-display", "none", "-device", "pvscsi,id=scsi0", "-qmp", "unix:" + monitor + ",server=on,wait=off",
		"-chardev", "socket,id=serial,path=" + serial + ",server=on,wait=off,logfile=" + serial + ".log", "-serial", "chardev:serial",
	}
	for i, file := range files {
		// One open file for all of its life: snapshots rename it, and copy what stays behind.
		arguments = append(arguments, "-blockdev", fmt.Sprintf("driver=raw,node-name=d%d,discard=unmap,file.driver=file,file.locking=off,file.filename=%s", i, file.path),
			"-device", fmt.Sprintf("scsi-hd,bus=scsi0.0,scsi-id=%d,drive=d%d,write-cache=on", i, i))
	}
	command := exec.Command(program, arguments...)
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	g := &guest{command: command, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel means the thread that started it when it says "parent".
		runtime.LockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait()
			close(g.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	var err error
	if g.qmp, err = dial(monitor); err != nil {
		_ = command.Process.Kill()
		return nil, err
	}
	g.reader = bufio.NewReader(g.qmp)
	if err := g.execute("qmp_capabilities"); err != nil {
		_ = command.Process.Kill()
		return nil, err
	}
	// Where nobody reads, nothing is connected: QEMU would wait for its reader.
	if spec.User != "" {
		connection, err := dial(serial)
		if err != nil {
			_ = command.Process.Kill()
			return nil, err
		}
		g.console = newConsole(connection, spec)
	}
	return g, nil
}

func dial(socket string) (connection net.Conn, err error) {
	for range 100 {
		if connection, err = net.Dial("unix", socket); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	return
}

// execute waits for the answer of one QMP command; what QEMU says in between is not listened to.
func (g *guest) execute(name string) error {
	g.turn.Lock()
	defer g.turn.Unlock()
	_ = g.qmp.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := fmt.Fprintf(g.qmp, `{"execute":%q,"id":%q}`+"\n", name, name); err != nil {
		return err
	}
	for {
		line, err := g.reader.ReadBytes('\n')
		if err != nil {
			return err
		}
		var answer struct {
			ID    string          `json:"id"`
			Error json.RawMessage `json:"error"`
		}
		if json.Unmarshal(line, &answer) == nil && answer.ID == name {
			if answer.Error != nil {
				return fmt.Errorf("%s: %s", name, answer.Error)
			}
			return nil
		}
	}
}

// pause returns when all that the guest has written lies in its files. Under m.blocks.
func (g *guest) pause() { g.tolerate("stop") }

func (g *guest) resume() { g.tolerate("cont") }

// tolerate runs a command on a guest that may just have ended.
func (g *guest) tolerate(command string) {
	if err := g.execute(command); err != nil {
		select {
		case <-g.ended:
		case <-time.After(5 * time.Second):
			must(fmt.Errorf("guest: %w", err))
		}
	}
}

// shutDown asks: by the shell on its console where there is one, for a small guest may not heed the ACPI button.
func (g *guest) shutDown() {
	if g.console == nil || !g.console.shutDown() {
		_ = g.execute("system_powerdown")
	}
}

// stopGuest takes its power. Not under m.blocks.
func (m *machine) stopGuest() {
	m.blocks.Lock()
	g := m.guest
	m.guest = nil
	if g != nil {
		_ = g.execute("stop")
		_ = g.execute("quit")
	}
	m.blocks.Unlock()
	if g == nil {
		return
	}
	select {
	case <-g.ended:
	case <-time.After(10 * time.Second):
		_ = g.command.Process.Kill()
		<-g.ended
	}
}

func (s *sim) stopGuests() {
	s.Lock()
	all := make([]*machine, 0, len(s.machines))
	for _, m := range s.machines {
		all = append(all, m)
	}
	s.Unlock()
	for _, m := range all {
		m.stopWriter()
		m.stopGuest()
	}
}
