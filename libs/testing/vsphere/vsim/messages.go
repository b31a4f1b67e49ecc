package main

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

var messages = map[string]string{
	"MethodDisabled":          "The method is disabled.",
	"TaskInProgress":          "The operation is not allowed in the current state because another task is already in progress.",
	"InvalidState":            "The operation is not allowed in the current state.",
	"InvalidPowerState":       "The attempted operation cannot be performed in the current state.",
	"InvalidLogin":            "Cannot complete login due to an incorrect user name or password.",
	"PasswordExpired":         "The password has expired.",
	"NotAuthenticated":        "The session is not authenticated.",
	"ToolsUnavailable":        "Cannot complete operation because VMware Tools is not running in this virtual machine.",
	"SnapshotFault":           "An error occurred while taking a snapshot.",
	"ApplicationQuiesceFault": "An error occurred while quiescing the virtual machine. See the virtual machine's event log for details.",
	"FileLocked":              "Unable to access file since it is locked.",
	"NoDiskSpace":             "There is insufficient disk space on the datastore.",
	"HostNotConnected":        "Unable to communicate with the remote host, since it is disconnected.",
	"HostCommunication":       "Unable to communicate with the remote host, either due to network errors or because the host is not responding.",
	"ResourceInUse":           "The resource is in use.",
	"ConcurrentAccess":        "The resource was modified by another client.",
	"NoPermission":            "Permission to perform this operation was denied.",
	"InvalidCollectorVersion": "The version is not one of this property collector.",
	"RequestCanceled":         "The task was canceled by a user.",
}

// messageOf says a fault as vCenter would, in English.
func messageOf(fault types.BaseMethodFault) string {
	switch f := fault.(type) {
	case *types.InvalidArgument:
		return "A specified parameter was not correct: " + f.InvalidProperty
	case *types.FileFault:
		return "Error caused by file " + f.File
	case *types.ManagedObjectNotFound:
		return fmt.Sprintf("The object '%s:%s' has already been deleted or has not been completely created", f.Obj.Type, f.Obj.Value)
	case *types.InvalidPowerState:
		state := map[types.VirtualMachinePowerState]string{"poweredOn": "Powered on", "poweredOff": "Powered off", "suspended": "Suspended"}
		return fmt.Sprintf("The attempted operation cannot be performed in the current state (%s).", state[f.ExistingState])
	}
	name := reflect.TypeOf(fault).Elem().Name()
	if message := messages[name]; message != "" {
		return message
	}
	return name
}

// sayWhy gives the error of a task a message for people, where vcsim writes the name of a Go type.
func sayWhy(task *mo.Task, changes []types.PropertyChange) {
	for i, change := range changes {
		if fault, ok := change.Val.(types.LocalizedMethodFault); ok && change.Name == "info.error" && fault.Fault != nil {
			fault.LocalizedMessage = messageOf(fault.Fault)
			changes[i].Val = fault
			task.Info.Error = &fault
		}
	}
}

// speaking gives faults a message where vcsim leaves it empty.
type speaking struct{ http.ResponseWriter }

var faultType = regexp.MustCompile(`xsi:type="(\w+)"`)

func (w speaking) Write(text []byte) (int, error) {
	const silent, head = "<faultstring></faultstring>", "<faultstring>"
	at := bytes.Index(text, []byte(silent))
	if at < 0 {
		return w.ResponseWriter.Write(text)
	}
	name := ""
	if match := faultType.FindSubmatch(text); match != nil {
		name = string(match[1])
	}
	at += len(head)
	whole := slices.Concat(text[:at], []byte(orElse(messages[name], name)), text[at:])
	if n, err := w.ResponseWriter.Write(whole); err != nil {
		return n, err
	}
	return len(text), nil
}
