package directory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

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

// kindFolders returns the folders of managed/: those that are always there, and those of all kinds that people write.
func kindFolders(cfg Config) (structure.Kinds, error) {
	kinds := structure.Kinds{Required: hedgehog.CoreKindFolders()}
	definitions := hedgehog.BuiltinCRDs()
	if cfg.CRDDir != "" {
		definitions = os.DirFS(cfg.CRDDir)
	}
	files, err := fs.ReadDir(definitions, ".")
	if err != nil {
		return kinds, errs.New(errs.ConfigurationInvalid, "crd_dir is %q, which can't be read.", cfg.CRDDir).WithCause(err)
	}
	for _, file := range files {
		if file.IsDir() || !layout.IsYAML(file.Name()) {
			continue
		}
		folders, err := foldersOf(definitions, file.Name())
		if err != nil {
			return kinds, err
		}
		kinds.Known = append(kinds.Known, folders...)
	}
	return kinds, nil
}

// foldersOf returns the folders of the kinds that a file defines, without those that operators write and those that are
// not Hedgehog's.
func foldersOf(definitions fs.FS, name string) ([]string, error) {
	content, err := fs.ReadFile(definitions, name)
	if err != nil {
		return nil, fmt.Errorf("read the definition %s: %w", name, err)
	}
	var folders []string
	for decoder := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var definition crd
		err := decoder.Decode(&definition)
		if errors.Is(err, io.EOF) {
			return folders, nil
		}
		if err != nil {
			return nil, errs.New(errs.ConfigurationInvalid, "crd_dir has %s, which is no CustomResourceDefinition.", name).
				WithCause(err)
		}
		spec := definition.Spec
		if hedgehog.IsHedgehogGroup(spec.Group) && !hedgehog.OperatorWritten(spec.Group, spec.Names.Kind) {
			folders = append(folders, spec.Names.Plural)
		}
	}
}
