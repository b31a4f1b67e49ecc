package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
)

const (
	sessionPath = "/rest/com/vmware/cis/session"
	taggingPath = "/rest/com/vmware/cis/tagging"
)

// serveREST lets vcsim answer what is posted, unless the user lacks a privilege for it, which vcsim does not look at.
func (s *sim) serveREST(w http.ResponseWriter, r *http.Request) {
	name := s.restUser(r)
	if u, known := s.userNamed(name); known {
		for _, privilege := range taggingPrivileges(r) {
			if !u.has(privilege) {
				forbid(w, name, privilege)
				return
			}
		}
	}
	if out, ok := s.faulty(w, "POST /rest", r.URL.Path); ok {
		s.vapi(r.URL.Path).ServeHTTP(out, r)
	}
}

// taggingPrivileges are as vCenter's API reference and vSphere Security have them. Reading needs none of its own.
func taggingPrivileges(r *http.Request) []string {
	path, tagging := strings.CutPrefix(r.URL.Path, taggingPath)
	action := r.URL.Query().Get("~action")
	switch {
	case !tagging:
	case path == "/category":
		return []string{"InventoryService.Tagging.CreateCategory"}
	case path == "/tag":
		return []string{"InventoryService.Tagging.CreateTag"}
	case strings.HasPrefix(path, "/tag-association") && (strings.HasPrefix(action, "attach") || strings.HasPrefix(action, "detach")):
		return []string{"InventoryService.Tagging.AttachTag", "InventoryService.Tagging.ObjectAttachable"}
	}
	return nil
}

func forbid(w http.ResponseWriter, user, privilege string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	text := fmt.Sprintf("Unable to authorize user %s: %s", user, privilege)
	message := map[string]any{"id": "vapi.security.authorization.invalid", "default_message": text, "args": []string{}}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "com.vmware.vapi.std.errors.unauthorized", "value": map[string]any{"messages": []any{message}}})
}

// vapi is vcsim's handler: ours is for POST only, so that a GET of the same path finds it.
func (s *sim) vapi(path string) http.Handler {
	handler, _ := s.model.Service.ServeMux.Handler(httptest.NewRequest(http.MethodGet, path, nil))
	return handler
}

// restUser is whose session it is, as vcsim says.
func (s *sim) restUser(r *http.Request) string {
	const header = "vmware-api-session-id"
	ask := httptest.NewRequest(http.MethodGet, sessionPath, nil)
	ask.Header.Set(header, r.Header.Get(header))
	answer := httptest.NewRecorder()
	s.vapi(sessionPath).ServeHTTP(answer, ask)
	var session struct {
		Value struct {
			User string `json:"user"`
		} `json:"value"`
	}
	_ = json.Unmarshal(answer.Body.Bytes(), &session)
	return session.Value.User
}
