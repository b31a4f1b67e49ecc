// vsim is a vSphere to test against: govmomi's simulator, and what a migration needs that it lacks: disks with real
// bytes, changed block tracking, guests, roles, faults on demand, and a control port for the test.
//
// Usage: vsim -config FILE. Its first line on stdout is JSON: where it listens, and the thumbprints of its certificate.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/vmware/govmomi/simulator"
	_ "github.com/vmware/govmomi/vapi/simulator" // /rest and /api: sessions, tags, content library
)

// config is the file named by -config. A file, for passwords in the arguments could be read by everyone.
type config struct {
	Listen       string          `json:"listen"`
	Control      string          `json:"control"`
	Folder       string          `json:"folder"`
	Users        map[string]user `json:"users"`
	Machines     []machineSpec   `json:"vms"`
	MaxAreas     int             `json:"maxAreas"`
	APIVersion   string          `json:"apiVersion"`
	ESXi         bool            `json:"esxi"`
	Seed         int64           `json:"seed"`
	Certificate  certificateSpec `json:"certificate"`
	QEMU         string          `json:"qemu"`
	LeaseSeconds int             `json:"leaseSeconds"`
}

func main() {
	path := flag.String("config", "", "JSON file: what to simulate")
	flag.Parse()
	text, err := os.ReadFile(*path)
	check(err)
	var c config
	check(json.Unmarshal(text, &c))
	check(os.MkdirAll(c.Folder, 0o700))
	// vcsim keeps its datastores below the system's temporary folder.
	check(os.Setenv("TMPDIR", c.Folder))

	certificate, err := makeCertificate(c.Certificate, c.Folder)
	check(err)
	s := newSim(c)
	s.thumbprint = certificate.sha1
	check(s.populate())
	s.serve(certificate)
	control, err := net.Listen("tcp", c.Control)
	check(err)
	go func() { check(http.Serve(control, s.control())) }()
	first, err := json.Marshal(map[string]any{
		"url": "https://" + c.Listen + "/sdk", "control": "http://" + control.Addr().String(),
		"thumbprint": certificate.sha1, "thumbprint256": certificate.sha256,
		"caFile": certificate.caFile,
	})
	check(err)
	fmt.Println(string(first))

	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	<-end
	s.stopGuests()
	s.model.Remove()
}

// serve opens the TLS port. Go's mux prefers a pattern with a method, so ours win over vcsim's own for the same path.
func (s *sim) serve(certificate *certificate) {
	service := s.model.Service
	service.RegisterEndpoints = true
	service.Listen = &url.URL{Host: s.config.Listen, User: url.UserPassword("nobody", "")}
	service.TLS = certificate.tls()
	service.ServeMux = http.NewServeMux()
	for pattern, answer := range map[string]http.HandlerFunc{
		"POST /sdk":    s.serveSDK,
		"GET /nfc/":    s.serveLease,
		"GET /folder/": s.serveFolder,
		"GET /_vddk/":  s.serveVDDK,
		"POST /rest/":  s.serveREST,
	} {
		service.ServeMux.HandleFunc(pattern, s.unlessDown(answer))
	}
	service.ServeMux.HandleFunc("HEAD /folder/", s.unlessDown(s.serveFolder))
	if !s.config.ESXi {
		service.ServeMux.HandleFunc("POST /sts/STSService/{domain}", s.unlessDown(s.serveSTS))
		service.ServeMux.HandleFunc("POST /sts/STSService", s.unlessDown(s.serveSTS))
	}
	service.NewServer()
	// After NewServer: the endpoints of /rest set their own.
	s.registry().SessionManager().ValidLogin = s.mayLogIn
}

func (s *sim) registry() *simulator.Registry { return s.model.Map() }

func (s *sim) path(names ...string) string {
	return filepath.Join(append([]string{s.config.Folder}, names...)...)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
