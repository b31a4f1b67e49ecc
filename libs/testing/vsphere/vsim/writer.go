package main

import (
	"math/rand"
	"os"
	"time"

	"github.com/vmware/govmomi/simulator"
)

// writer stands for a busy guest: blocks of chance, from a seed, to the VM's current disk files while it is on.
type writer struct {
	spec writerSpec
	stop chan struct{}
	done chan struct{}
}

type writerSpec struct {
	RoundsPerSecond float64 `json:"roundsPerSecond"`
	Seed            int64   `json:"seed"`
	// MaxBytes of one write; by default 64 KiB.
	MaxBytes int `json:"maxBytes"`
}

func (s *sim) startWriter(vm *simulator.VirtualMachine) {
	m := s.machine(vm.Self)
	m.blocks.Lock()
	defer m.blocks.Unlock()
	if m.spec.Writer == nil || m.writer != nil || m.spec.Writer.RoundsPerSecond <= 0 {
		return
	}
	m.writer = &writer{spec: *m.spec.Writer, stop: make(chan struct{}), done: make(chan struct{})}
	go m.writer.run(m)
}

// stopWriter returns when the last write is done. Not under m.blocks.
func (m *machine) stopWriter() {
	m.blocks.Lock()
	w := m.writer
	m.writer = nil
	m.blocks.Unlock()
	if w != nil {
		close(w.stop)
		<-w.done
	}
}

func (w *writer) run(m *machine) {
	defer close(w.done)
	chance := rand.New(rand.NewSource(w.spec.Seed))
	limit := w.spec.MaxBytes
	if limit <= 0 {
		limit = 64 << 10
	}
	ticker := time.NewTicker(max(time.Duration(float64(time.Second)/w.spec.RoundsPerSecond), 100*time.Microsecond))
	defer ticker.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
			m.writeOnce(chance, limit)
		}
	}
}

// writeOnce writes whole sectors of one disk, as a guest does: a snapshot sees all of them or none.
func (m *machine) writeOnce(chance *rand.Rand, limit int) {
	m.blocks.Lock()
	defer m.blocks.Unlock()
	if len(m.files) == 0 {
		return
	}
	disk := m.files[chance.Intn(len(m.files))]
	size := min(512*(1+chance.Intn(max(limit/512, 1))), int(disk.size))
	offset := chance.Int63n((disk.size-int64(size))/512+1) * 512
	bytes := make([]byte, size)
	chance.Read(bytes)
	file, err := os.OpenFile(disk.path, os.O_WRONLY, 0)
	must(err)
	_, err = file.WriteAt(bytes, offset)
	must(err)
	must(file.Close())
}
