// manifests OUT CDI_CRDS_GO [CRD_YAML...] writes, as JSON, what a cluster with KubeVirt and CDI has before its first VM:
// OUT/crds/NAME.json of each CustomResourceDefinition, and OUT/webhooks.json, the webhook configurations of virt-api.
//
// KubeVirt builds its definitions in Go, so they are taken from its own packages. CDI keeps them as string literals in one
// generated Go file, which is parsed here: compiling CDI for that would need a second, conflicting set of dependencies.
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"kubevirt.io/kubevirt/pkg/virt-operator/resource/generate/components"
	"sigs.k8s.io/yaml"
)

// The namespace that KubeVirt is installed in: as its own manifests have it.
const namespace = "kubevirt"

var kubevirt = []func() (*apiextensions.CustomResourceDefinition, error){
	components.NewVirtualMachineInstanceCrd,
	components.NewVirtualMachineCrd,
	components.NewPresetCrd,
	components.NewReplicaSetCrd,
	components.NewVirtualMachineInstanceMigrationCrd,
	components.NewKubeVirtCrd,
	components.NewVirtualMachinePoolCrd,
	components.NewVirtualMachineSnapshotCrd,
	components.NewVirtualMachineSnapshotContentCrd,
	components.NewVirtualMachineRestoreCrd,
	components.NewVirtualMachineExportCrd,
	components.NewVirtualMachineBackupCrd,
	components.NewVirtualMachineBackupTrackerCrd,
	components.NewVirtualMachineInstancetypeCrd,
	components.NewVirtualMachineClusterInstancetypeCrd,
	components.NewVirtualMachinePreferenceCrd,
	components.NewVirtualMachineClusterPreferenceCrd,
	components.NewMigrationPolicyCrd,
	components.NewVirtualMachineCloneCrd,
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: manifests OUT CDI_CRDS_GO [CRD_YAML...]")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "manifests:", err)
		os.Exit(1)
	}
}

func write(out, cdi string, files []string) error {
	if err := os.MkdirAll(filepath.Join(out, "crds"), 0o755); err != nil {
		return err
	}
	for _, define := range kubevirt {
		crd, err := define()
		if err != nil {
			return err
		}
		crd.APIVersion, crd.Kind = "apiextensions.k8s.io/v1", "CustomResourceDefinition"
		text, err := json.Marshal(crd)
		if err != nil {
			return err
		}
		if err := writeCrd(out, text); err != nil {
			return err
		}
	}
	literals, err := stringValues(cdi)
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		literals = append(literals, string(text))
	}
	for _, text := range literals {
		converted, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			return err
		}
		if err := writeCrd(out, converted); err != nil {
			return err
		}
	}
	text, err := json.Marshal([]any{
		components.NewVirtAPIValidatingWebhookConfiguration(namespace),
		components.NewVirtAPIMutatingWebhookConfiguration(namespace),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "webhooks.json"), text, 0o644)
}

// writeCrd writes a definition without its status, under its name.
func writeCrd(out string, text []byte) error {
	var crd map[string]any
	if err := json.Unmarshal(text, &crd); err != nil {
		return err
	}
	metadata, _ := crd["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	if crd["kind"] != "CustomResourceDefinition" || name == "" {
		return fmt.Errorf("no CustomResourceDefinition: %.80s", text)
	}
	delete(crd, "status")
	text, err := json.Marshal(crd)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "crds", name+".json"), text, 0o644)
}

// stringValues gives the values of every map literal in a Go file that are string literals.
func stringValues(path string) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var values []string
	ast.Inspect(file, func(node ast.Node) bool {
		pair, isPair := node.(*ast.KeyValueExpr)
		if !isPair {
			return true
		}
		if literal, isLiteral := pair.Value.(*ast.BasicLit); isLiteral && literal.Kind == token.STRING {
			var value string
			if value, err = strconv.Unquote(literal.Value); err == nil {
				values = append(values, value)
			}
		}
		return true
	})
	if err == nil && len(values) == 0 {
		err = fmt.Errorf("%s has no map of strings", path)
	}
	return values, err
}
