package directory

import (
	"fmt"
	"io/fs"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/directory/internal/structure"
)

// crd is the part of a CustomResourceDefinition that names a kind.
type crd struct {
	Spec struct {
		Group string `yaml:"group"`
		Names struct {
			Kind   string `yaml:"kind"`
			Plural string `yaml:"plural"`
		} `yaml:"names"`
	} `yaml:"spec"`
}

// kindFolders gives the folders of managed/: those that are always there, and those of all kinds that people write.
func kindFolders(cfg Config) (structure.Kinds, error) {
	kinds := structure.Kinds{Required: hedgehog.CoreKindFolders()}
	definitions := hedgehog.BuiltinCRDs()
	if cfg.CRDDir != "" {
		definitions = os.DirFS(cfg.CRDDir)
	}
	files, err := fs.ReadDir(definitions, ".")
	if err != nil {
		return kinds, errs.New(errs.Invalid, errs.ConfigurationInvalid, "crd_dir is %q, which can't be read.", cfg.CRDDir).Because(err)
	}
	for _, file := range files {
		if file.IsDir() || !layout.IsYAML(file.Name()) {
			continue
		}
		folder, err := folderOf(definitions, file.Name())
		if err != nil {
			return kinds, err
		}
		if folder != "" && !slices.Contains(kinds.Known, folder) {
			kinds.Known = append(kinds.Known, folder)
		}
	}
	return kinds, nil
}

// folderOf gives the folder of the kind that a file defines; none for what operators write or is not Hedgehog's.
func folderOf(definitions fs.FS, name string) (string, error) {
	content, err := fs.ReadFile(definitions, name)
	if err != nil {
		return "", fmt.Errorf("read the definition %s: %w", name, err)
	}
	var definition crd
	if err := yaml.Unmarshal(content, &definition); err != nil {
		return "", errs.New(errs.Invalid, errs.ConfigurationInvalid, "crd_dir has %s, which is no CustomResourceDefinition.", name).Because(err)
	}
	spec := definition.Spec
	if !hedgehog.IsHedgehogGroup(spec.Group) || hedgehog.OperatorWritten(spec.Group, spec.Names.Kind) {
		return "", nil
	}
	return spec.Names.Plural, nil
}
