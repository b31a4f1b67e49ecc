package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
)

// serveSTS is the token service of vCenter's single sign-on. It says why it gives no token, where a login says only that
// it is refused. What it gives is not for use.
func (s *sim) serveSTS(w http.ResponseWriter, r *http.Request) {
	name, password := usernameToken(r.Body)
	s.Lock()
	s.calls["RequestSecurityToken"]++
	s.Unlock()
	u, known := s.userNamed(name)
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	fault := func(code, text string) {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, envelope, fmt.Sprintf(`<soapenv:Fault><faultcode xmlns:ns0="http://docs.oasis-open.org/ws-sx/ws-trust/200512/">`+
			`ns0:%s</faultcode><faultstring>%s</faultstring></soapenv:Fault>`, code, text))
	}
	switch {
	case known && u.State == "locked": // whatever the password
		fault("RequestFailed", "The account of the user trying to authenticate is locked. :: User account locked")
	case !known || u.Password != password:
		fault("FailedAuthentication", "Invalid credentials")
	default:
		fmt.Fprintf(w, envelope, `<RequestSecurityTokenResponseCollection xmlns="http://docs.oasis-open.org/ws-sx/ws-trust/200512"/>`)
	}
}

func usernameToken(body io.Reader) (name, password string) {
	decoder := xml.NewDecoder(body)
	for {
		token, err := decoder.Token()
		if err != nil {
			return
		}
		start, ok := token.(xml.StartElement)
		switch {
		case ok && start.Name.Local == "Username":
			_ = decoder.DecodeElement(&name, &start)
		case ok && start.Name.Local == "Password":
			_ = decoder.DecodeElement(&password, &start)
		}
	}
}
