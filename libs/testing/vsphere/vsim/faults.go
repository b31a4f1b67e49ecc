package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// fault is a rule for the next calls that match. It is used up by `Times` of them.
type fault struct {
	Method string          `json:"method"` // a pattern of SOAP method names
	Object string          `json:"object"` // a VM's name or a managed object id; "": any
	As     string          `json:"as"`     // fault (default), task-error, slow-task, cut, delay, http
	After  bool            `json:"after"`  // the effect takes place first
	Fault  string          `json:"fault"`  // name of a vim fault type
	Detail json.RawMessage `json:"detail"` // its fields
	Times  int             `json:"times"`  // 0: one
	Skip   int             `json:"skip"`   // so many calls pass first
	Ms     int             `json:"ms"`
	// AfterBytes of a download or of VDDK reads it comes.
	AfterBytes int `json:"afterBytes"`
	Status     int `json:"status"` // of as: http
}

// takeFault answers the first rule that matches, used up by one.
func (s *sim) takeFault(method string, this reference) *fault {
	name := ""
	if vm := s.vm(this); vm != nil {
		name = vm.Name
	}
	s.Lock()
	defer s.Unlock()
	for i, f := range s.faults {
		matches, _ := filepath.Match(f.Method, method)
		if !matches || (f.Object != "" && f.Object != this.Value && f.Object != name) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times--; f.Times <= 0 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		}
		return f
	}
	return nil
}

// serveSDK lets vcsim answer, unless a fault is set for the call.
func (s *sim) serveSDK(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	method, this := called(text)
	s.Lock()
	s.calls[method]++
	s.Unlock()
	pass := func(w http.ResponseWriter) {
		r.Body = io.NopCloser(bytes.NewReader(text))
		s.model.Service.ServeSDK(speaking{w}, r)
	}
	f := s.takeFault(method, this)
	if f == nil {
		pass(w)
		return
	}
	s.record("fault", this.Value, method, f.As+" "+f.Fault)
	answer := httptest.NewRecorder()
	if f.After {
		pass(answer)
	}
	if f.As != "slow-task" {
		f.sleep()
	}
	switch f.As {
	case "delay":
		if !f.After {
			pass(w)
			return
		}
		replay(w, answer)
	case "cut":
		cut(w)
	case "http":
		http.Error(w, http.StatusText(f.Status), f.Status)
	case "slow-task":
		s.slowTask(w, r, text, method, this, f)
	case "task-error":
		if f.After {
			s.waitForTask(answer.Body.String())
		}
		s.failTask(w, method, this, f)
	default:
		writeFault(w, f)
	}
}

func replay(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// cut ends the connection without an answer.
func cut(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = connection.Close()
	}
}

// unlessDown cuts every request while the server is said to be down.
func (s *sim) unlessDown(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.Lock()
		down := time.Now().Before(s.downUntil)
		s.Unlock()
		if down {
			cut(w)
			return
		}
		answer(w, r)
	}
}

// called answers the method of a SOAP request, and whose it is.
func called(text []byte) (method string, this reference) {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	inBody := false
	for {
		token, err := decoder.Token()
		if err != nil {
			return
		}
		start, ok := token.(xml.StartElement)
		switch {
		case !ok:
		case start.Name.Local == "Body":
			inBody = true
		case inBody && method == "":
			method = start.Name.Local
		case method != "":
			if start.Name.Local == "_this" {
				_ = decoder.DecodeElement(&this, &start)
			}
			return
		}
	}
}

var returnedTask = regexp.MustCompile(`type="Task">([^<]+)<`)

// waitForTask answers the task of a response, at its end.
func (s *sim) waitForTask(answer string) *simulator.Task {
	match := returnedTask.FindStringSubmatch(answer)
	if match == nil {
		return nil
	}
	task, ok := s.registry().Get(reference{Type: "Task", Value: match[1]}).(*simulator.Task)
	if ok {
		task.Wait()
	}
	return task
}

// failTask answers a task of the method that ends with the fault.
func (s *sim) failTask(w http.ResponseWriter, method string, this reference, f *fault) {
	made, err := f.make()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	run := func(*simulator.Task) (types.AnyType, types.BaseMethodFault) { return nil, made }
	// Of the VM, but not with its lock: another task may run.
	task := simulator.CreateTask(reference{Type: "Failing", Value: uuid.NewString()}, taskName(method), run)
	owner := s.ownerOf(this)
	answerTask(w, method, task.Run(&simulator.Context{Map: s.registry()}).Value)
	task.Info.Entity = &owner
}

func answerTask(w http.ResponseWriter, method, id string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	fmt.Fprintf(w, envelope, fmt.Sprintf(`<%sResponse xmlns="urn:vim25"><returnval type="Task">%s</returnval></%sResponse>`,
		method, html.EscapeString(id), method))
}

const envelope = xml.Header + `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"` +
	` xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
	`<soapenv:Body>%s</soapenv:Body></soapenv:Envelope>`

func writeFault(w http.ResponseWriter, f *fault) {
	made, err := f.make()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	kind := reflect.TypeOf(made).Elem().Name()
	var detail bytes.Buffer
	start := xml.StartElement{Name: xml.Name{Local: kind + "Fault"}, Attr: []xml.Attr{
		{Name: xml.Name{Local: "xmlns"}, Value: "urn:vim25"}, {Name: xml.Name{Local: "xsi:type"}, Value: kind}}}
	if err := xml.NewEncoder(&detail).EncodeElement(made, start); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, envelope, fmt.Sprintf(
		`<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>%s</faultstring><detail>%s</detail></soapenv:Fault>`,
		html.EscapeString(messageOf(made)), detail.String()))
}

// make builds the fault by the name of its type.
func (f *fault) make() (types.BaseMethodFault, error) {
	kind, known := types.TypeFunc()(f.Fault)
	if !known {
		return nil, fmt.Errorf("there is no vim type %q", f.Fault)
	}
	value := reflect.New(kind).Interface()
	if len(f.Detail) > 0 {
		if err := json.Unmarshal(f.Detail, value); err != nil {
			return nil, err
		}
	}
	made, ok := value.(types.BaseMethodFault)
	if !ok {
		return nil, fmt.Errorf("%s is no fault", f.Fault)
	}
	return made, nil
}

func (f *fault) sleep() { time.Sleep(time.Duration(f.Ms) * time.Millisecond) }
