package main

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// user may log in as "name" or "name@anything".
type user struct {
	Password string `json:"password"`
	// Deny is of patterns of SOAP method names.
	Deny []string `json:"deny"`
	// Privileges of the user's role, on everything; null: an administrator's.
	Privileges []string `json:"privileges"`
	// State: "" or "locked" (a login says no more than InvalidLogin), "no-access", "password-expired".
	State string `json:"state"`
}

// needed is the privilege that a method asks for, as VMware's API reference has it.
var needed = map[string]string{
	"CreateSnapshot_Task":            "VirtualMachine.State.CreateSnapshot",
	"CreateSnapshotEx_Task":          "VirtualMachine.State.CreateSnapshot",
	"RemoveSnapshot_Task":            "VirtualMachine.State.RemoveSnapshot",
	"RemoveAllSnapshots_Task":        "VirtualMachine.State.RemoveSnapshot",
	"RevertToSnapshot_Task":          "VirtualMachine.State.RevertToSnapshot",
	"RevertToCurrentSnapshot_Task":   "VirtualMachine.State.RevertToSnapshot",
	"PowerOnVM_Task":                 "VirtualMachine.Interact.PowerOn",
	"PowerOffVM_Task":                "VirtualMachine.Interact.PowerOff",
	"ShutdownGuest":                  "VirtualMachine.Interact.PowerOff",
	"SuspendVM_Task":                 "VirtualMachine.Interact.Suspend",
	"ResetVM_Task":                   "VirtualMachine.Interact.Reset",
	"RebootGuest":                    "VirtualMachine.Interact.Reset",
	"QueryChangedDiskAreas":          "VirtualMachine.Provisioning.DiskRandomRead",
	"ExportVm":                       "VApp.Export",
	"ExportSnapshot":                 "VApp.Export",
	"Rename_Task":                    "VirtualMachine.Config.Rename",
	"Destroy_Task":                   "VirtualMachine.Inventory.Delete",
	"CreateVM_Task":                  "VirtualMachine.Inventory.Create",
	"UnregisterVM":                   "VirtualMachine.Inventory.Unregister",
	"RelocateVM_Task":                "Resource.ColdMigrate",
	"DisableMethods":                 "Global.DisableMethods",
	"EnableMethods":                  "Global.EnableMethods",
	"SearchDatastore_Task":           "Datastore.Browse",
	"SearchDatastoreSubFolders_Task": "Datastore.Browse",
	"DeleteDatastoreFile_Task":       "Datastore.FileManagement",
	"SetCustomValue":                 "Global.SetCustomField",
	"SetField":                       "Global.SetCustomField",
	"AddCustomFieldDef":              "Global.ManageCustomFields",
	"ConsolidateVMDisks_Task":        "VirtualMachine.State.RemoveSnapshot",
}

const (
	browsePrivilege   = "Datastore.Browse"
	downloadPrivilege = "Datastore.FileManagement"
	readPrivilege     = "VirtualMachine.Provisioning.DiskRandomRead"
	filesPrivilege    = "VirtualMachine.Provisioning.GetVmFiles"
)

func (u user) has(privilege string) bool {
	return u.Privileges == nil || slices.Contains(u.Privileges, privilege)
}

func (u user) denies(method string) bool {
	return slices.ContainsFunc(u.Deny, func(pattern string) bool {
		matches, _ := filepath.Match(pattern, method)
		return matches
	})
}

// privilegesOf a method. What a reconfiguration needs depends on what it changes.
func privilegesOf(m *simulator.Method) []string {
	reconfigure, ok := m.Body.(*types.ReconfigVM_Task)
	if !ok {
		if privilege := needed[m.Name]; privilege != "" {
			return []string{privilege}
		}
		return nil
	}
	spec, all := reconfigure.Spec, []string{}
	if spec.ChangeTrackingEnabled != nil {
		all = append(all, "VirtualMachine.Config.ChangeTracking")
	}
	if spec.Name != "" {
		all = append(all, "VirtualMachine.Config.Rename")
	}
	if spec.Annotation != "" {
		all = append(all, "VirtualMachine.Config.Annotation")
	}
	if len(spec.ExtraConfig) > 0 {
		all = append(all, "VirtualMachine.Config.AdvancedConfig")
	}
	for _, change := range spec.DeviceChange {
		all = append(all, "VirtualMachine.Config.EditDevice")
		if change.GetVirtualDeviceConfigSpec().Device.GetVirtualDevice().Connectable != nil {
			all = append(all, "VirtualMachine.Interact.DeviceConnection")
		}
	}
	if spec.NumCPUs != 0 {
		all = append(all, "VirtualMachine.Config.CPUCount")
	}
	if spec.MemoryMB != 0 {
		all = append(all, "VirtualMachine.Config.Memory")
	}
	return all
}

// refusal is NoPermission where the user may not call the method.
func (s *sim) refusal(name string, m *simulator.Method) types.BaseMethodFault {
	u, known := s.userNamed(name)
	if !known {
		return nil // vcsim's own calls
	}
	privileges := privilegesOf(m)
	for _, privilege := range privileges {
		if !u.has(privilege) {
			return &types.NoPermission{Object: &m.This, PrivilegeId: privilege}
		}
	}
	if strings.HasPrefix(m.Name, "Retrieve") && m.This.Type == "PropertyCollector" && !u.has("System.View") {
		return &types.NoPermission{Object: &m.This, PrivilegeId: "System.View"}
	}
	if u.denies(m.Name) {
		privilege := "System.Modify"
		if len(privileges) > 0 {
			privilege = privileges[0]
		}
		return &types.NoPermission{Object: &m.This, PrivilegeId: privilege}
	}
	return nil
}

func (s *sim) userNamed(name string) (user, bool) {
	name, _, _ = strings.Cut(name, "@")
	if _, short, found := strings.Cut(name, `\`); found { // DOMAIN\name
		name = short
	}
	u, known := s.config.Users[name]
	return u, known
}

// mayLogIn compares; why a login fails is told by loginFault alone.
func (s *sim) mayLogIn(l *types.Login) bool {
	u, known := s.userNamed(l.UserName)
	return known && u.Password == l.Password && u.State == ""
}

// loginFault is for a user whose password is right and who may not come in all the same.
func (s *sim) loginFault(l *types.Login) types.BaseMethodFault {
	u, known := s.userNamed(l.UserName)
	if !known || u.Password != l.Password {
		return nil
	}
	switch u.State {
	case "no-access":
		root := s.model.ServiceContent.RootFolder
		return &types.NoPermission{Object: &root, PrivilegeId: "System.View"}
	case "password-expired":
		return &types.PasswordExpired{}
	}
	return nil
}

// sender answers who sent a request beside /sdk: by basic authentication or by the cookie of a session.
func (s *sim) sender(r *http.Request) (user, bool) {
	if name, password, ok := r.BasicAuth(); ok {
		if s.mayLogIn(&types.Login{UserName: name, Password: password}) {
			return s.userNamed(name)
		}
		return user{}, false
	}
	cookie, err := r.Cookie(soap.SessionCookieName)
	if err != nil {
		return user{}, false
	}
	for _, session := range s.sessions() {
		if session.Key == strings.Trim(cookie.Value, `"`) {
			return s.userNamed(session.UserName)
		}
	}
	return user{}, false
}

func (s *sim) sessions() []types.UserSession {
	registry := s.registry()
	view := (&simulator.Session{Registry: simulator.NewRegistry(), Map: registry}).Get(*s.model.ServiceContent.SessionManager)
	return view.(*simulator.SessionManager).SessionList
}

// authorization answers for the caller's own role, where vcsim grants everything.
type authorization struct {
	*simulator.AuthorizationManager
	sim *sim
}

func (a *authorization) granted(userName string, entities []reference, ids []string) (all []types.EntityPrivilege) {
	u, known := a.sim.userNamed(userName)
	for _, entity := range entities {
		one := types.EntityPrivilege{Entity: entity}
		for _, id := range ids {
			one.PrivAvailability = append(one.PrivAvailability,
				types.PrivilegeAvailability{PrivId: id, IsGranted: known && u.has(id)})
		}
		all = append(all, one)
	}
	return
}

func (a *authorization) HasPrivilegeOnEntities(ctx *simulator.Context, r *types.HasPrivilegeOnEntities) soap.HasFault {
	name := ctx.Session.UserName
	for _, session := range a.sim.sessions() {
		if session.Key == r.SessionId {
			name = session.UserName
		}
	}
	return &methods.HasPrivilegeOnEntitiesBody{
		Res: &types.HasPrivilegeOnEntitiesResponse{Returnval: a.granted(name, r.Entity, r.PrivId)}}
}

func (a *authorization) HasUserPrivilegeOnEntities(r *types.HasUserPrivilegeOnEntities) soap.HasFault {
	return &methods.HasUserPrivilegeOnEntitiesBody{
		Res: &types.HasUserPrivilegeOnEntitiesResponse{Returnval: a.granted(r.UserName, r.Entities, r.PrivId)}}
}

func (a *authorization) HasPrivilegeOnEntity(ctx *simulator.Context, r *types.HasPrivilegeOnEntity) soap.HasFault {
	granted := []bool{}
	for _, one := range a.granted(ctx.Session.UserName, []reference{r.Entity}, r.PrivId)[0].PrivAvailability {
		granted = append(granted, one.IsGranted)
	}
	return &methods.HasPrivilegeOnEntityBody{Res: &types.HasPrivilegeOnEntityResponse{Returnval: granted}}
}

func (a *authorization) FetchUserPrivilegeOnEntities(r *types.FetchUserPrivilegeOnEntities) soap.HasFault {
	u, known := a.sim.userNamed(r.UserName)
	if known && u.Privileges == nil {
		return a.AuthorizationManager.FetchUserPrivilegeOnEntities(r)
	}
	results := []types.UserPrivilegeResult{}
	for _, entity := range r.Entities {
		results = append(results, types.UserPrivilegeResult{Entity: entity, Privileges: u.Privileges})
	}
	return &methods.FetchUserPrivilegeOnEntitiesBody{
		Res: &types.FetchUserPrivilegeOnEntitiesResponse{Returnval: results}}
}

// wrap is Registry.Handler: it sees every call before vcsim does. A receiver that it answered would count only without
// a session, so the wrappers go into the session's own registry.
func (s *sim) wrap(ctx *simulator.Context, m *simulator.Method) (mo.Reference, types.BaseMethodFault) {
	if login, ok := m.Body.(*types.Login); ok {
		return nil, s.loginFault(login)
	}
	if ctx.Session == nil {
		return nil, nil
	}
	if fault := s.refusal(ctx.Session.UserName, m); fault != nil {
		return nil, fault
	}
	if fault := s.disabledBy(m); fault != nil {
		return nil, fault
	}
	if _, known := s.userNamed(ctx.Session.UserName); known {
		if fault := s.busy(m); fault != nil {
			return nil, fault
		}
		// vcsim has looked the object up before, and it may have gone while we waited.
		if strings.HasPrefix(m.This.Type, "VirtualMachine") && ctx.Map.Get(m.This) == nil {
			return nil, &types.ManagedObjectNotFound{Obj: m.This}
		}
	}
	s.wrapCollector(ctx.Session, m.This)
	switch m.Name {
	case "QueryChangedDiskAreas", "ExportVm", "ShutdownGuest", "RevertToCurrentSnapshot_Task":
		if vm := s.vm(m.This); vm != nil {
			s.wrapIn(ctx.Session.Registry, &wrapped{vm, s})
		}
	case "RemoveSnapshot_Task", "RemoveAllSnapshots_Task":
		s.forgetLayout(ctx, s.ownerOf(m.This))
		if request, ok := m.Body.(*types.RemoveSnapshot_Task); ok && request.RemoveChildren {
			s.Lock()
			s.withChildren[m.This] = true
			s.Unlock()
		}
	case "ExportSnapshot", "RevertToSnapshot_Task":
		if snapshot, ok := ctx.Map.Get(m.This).(*simulator.VirtualMachineSnapshot); ok {
			s.wrapIn(ctx.Session.Registry, &wrappedSnapshot{snapshot, s})
		}
	}
	switch manager := ctx.Map.Get(m.This).(type) {
	case *simulator.AuthorizationManager:
		s.wrapIn(ctx.Session.Registry, &authorization{manager, s})
	case *simulator.EventManager:
		s.wrapIn(ctx.Session.Registry, &events{manager, s})
	}
	return nil, nil
}

func (s *sim) wrapIn(registry *simulator.Registry, wrapper mo.Reference) {
	s.Lock()
	defer s.Unlock()
	if registry.Get(wrapper.Reference()) == nil {
		registry.Put(wrapper)
		s.wrappers[wrapper.Reference()] = append(s.wrappers[wrapper.Reference()], registry)
	}
}
