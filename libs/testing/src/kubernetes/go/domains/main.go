// domains reads, from its standard input, a JSON list of {"vm": VirtualMachine, "block": [volume]}, each as an API server with KubeVirt's
// admission keeps it, and writes a JSON list of {"xml": domain} or {"refused": why}, in the same order: the libvirt domain that KubeVirt
// would start. All of it is KubeVirt's own code: virt-controller's step from a VM to its instance, the defaults, and virt-launcher's converter.
//
// `domains emulated` takes a node without /dev/kvm; otherwise one that has it.
package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"

	v1 "kubevirt.io/api/core/v1"
	"kubevirt.io/kubevirt/pkg/defaults"
	"kubevirt.io/kubevirt/pkg/testutils"
	"kubevirt.io/kubevirt/pkg/virt-controller/watch/vm"
	"kubevirt.io/kubevirt/pkg/virt-launcher/virtwrap/api"
	"kubevirt.io/kubevirt/pkg/virt-launcher/virtwrap/converter"
	"kubevirt.io/kubevirt/pkg/virt-launcher/virtwrap/converter/arch"
	convertertypes "kubevirt.io/kubevirt/pkg/virt-launcher/virtwrap/converter/types"
)

type request struct {
	VM v1.VirtualMachine `json:"vm"`
	// Names of the volumes whose claims are block devices.
	Block []string `json:"block"`
}

type answer struct {
	XML     string `json:"xml,omitempty"`
	Refused string `json:"refused,omitempty"`
}

func main() {
	if err := run(len(os.Args) == 2 && os.Args[1] == "emulated", os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "domains:", err)
		os.Exit(1)
	}
}

func run(emulated bool, in io.Reader, out io.Writer) error {
	var requests []request
	decoder := json.NewDecoder(in)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&requests); err != nil {
		return err
	}
	answers := make([]answer, len(requests))
	for index := range requests {
		text, err := domainOf(&requests[index], emulated)
		if err != nil {
			answers[index] = answer{Refused: err.Error()}
		} else {
			answers[index] = answer{XML: text}
		}
	}
	return json.NewEncoder(out).Encode(answers)
}

func domainOf(request *request, emulated bool) (string, error) {
	developer := &v1.DeveloperConfiguration{UseEmulation: emulated}
	config, _, _ := testutils.NewFakeClusterConfigUsingKVConfig(&v1.KubeVirtConfiguration{DeveloperConfiguration: developer})
	if request.VM.Spec.Template == nil {
		return "", fmt.Errorf("the VirtualMachine %q has no template", request.VM.Name)
	}
	instance := vm.SetupVMIFromVM(&request.VM)
	if err := defaults.SetDefaultVirtualMachineInstance(config, instance); err != nil {
		return "", err
	}
	block := map[string]bool{}
	for _, volume := range request.Block {
		block[volume] = true
	}
	context := &convertertypes.ConverterContext{
		Architecture:                    arch.NewConverter("amd64"),
		VirtualMachine:                  instance,
		AllowEmulation:                  emulated,
		HypervisorDeviceAvailable:       !emulated,
		HypervisorName:                  v1.KvmHypervisorName,
		IsBlockPVC:                      block,
		IsBlockDV:                       map[string]bool{},
		MemBalloonStatsPeriod:           10,
		DomainAttachmentByInterfaceName: map[string]string{},
		EFIConfiguration:                firmwareOf(instance),
	}
	// As virt-handler attaches bridge and masquerade.
	for _, nic := range instance.Spec.Domain.Devices.Interfaces {
		context.DomainAttachmentByInterfaceName[nic.Name] = "tap"
	}
	domain := api.NewMinimalDomainWithNS(instance.Namespace, instance.Name)
	if err := converter.Convert_v1_VirtualMachineInstance_To_api_Domain(instance, domain, context); err != nil {
		return "", err
	}
	api.NewDefaulter("amd64").SetObjectDefaults_Domain(domain)
	text, err := xml.MarshalIndent(&domain.Spec, "", "  ")
	return string(text), err
}

// Debian's package ovmf has it where virt-launcher's image does.
func firmwareOf(instance *v1.VirtualMachineInstance) *convertertypes.EFIConfiguration {
	if !instance.IsBootloaderEFI() {
		return nil
	}
	secure := instance.Spec.Domain.Firmware.Bootloader.EFI.SecureBoot
	if secure == nil || *secure {
		return &convertertypes.EFIConfiguration{
			EFICode:      "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
			EFIVars:      "/usr/share/OVMF/OVMF_VARS_4M.ms.fd",
			SecureLoader: true,
		}
	}
	return &convertertypes.EFIConfiguration{
		EFICode: "/usr/share/OVMF/OVMF_CODE_4M.fd",
		EFIVars: "/usr/share/OVMF/OVMF_VARS_4M.fd",
	}
}
