package structure

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/layout"
)

// MaxManifestBytes bounds a manifest that is read; a larger one is taken for damaged.
const MaxManifestBytes = 64 << 10

const manifestHeader = "# Written by FGD Sync: whose directory this is and how it is laid out. A repair restores it.\n"

// Manifest is what .hnp/manifest.yaml states.
type Manifest struct {
	StructureVersion string            `yaml:"structure_version"`
	FabricName       Name              `yaml:"fabric_name"`
	FabricID         int32             `yaml:"fabric_id"`
	Directories      map[string]string `yaml:"directories"`
	KindFolders      []string          `yaml:"kind_folders"`
	// LastStructureChange is when something that the manifest states last changed, RFC 3339 in UTC.
	LastStructureChange string `yaml:"last_structure_change"`
}

// Name is a text chosen by a person. It is always written in double quotes: the encoder's own choice of style does not
// read back for every text, and with a fixed style a name never changes how the line looks.
type Name string

// MarshalYAML writes the name.
func (n Name) MarshalYAML() (any, error) {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: string(n)}, nil
}

func wantedFacts(fabric Fabric, kinds Kinds, now time.Time) Manifest {
	return Manifest{
		StructureVersion: layout.StructureVersion, FabricName: Name(fabric.Name), FabricID: fabric.ID,
		Directories: map[string]string{
			"raw": layout.Raw, "managed": layout.Managed, "unmanaged": layout.Unmanaged, "metadata": layout.Metadata,
		},
		KindFolders:         kinds.Required,
		LastStructureChange: now.UTC().Format(time.RFC3339),
	}
}

// ParseManifest reads a manifest. Keys that it does not know are none of its business; a missing one is an error.
func ParseManifest(content []byte) (Manifest, error) {
	var m Manifest
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	if err := decoder.Decode(&m); err != nil {
		if errors.Is(err, io.EOF) {
			return Manifest{}, errors.New("it is empty")
		}
		return Manifest{}, errors.New("it is not readable as YAML of that form")
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Manifest{}, errors.New("it holds more than one document")
	}
	return m, m.complete()
}

func (m Manifest) complete() error {
	var missing []string
	for key, absent := range map[string]bool{
		"structure_version": m.StructureVersion == "", "fabric_name": m.FabricName == "", "fabric_id": m.FabricID == 0,
		"directories": len(m.Directories) == 0, "kind_folders": len(m.KindFolders) == 0,
	} {
		if absent {
			missing = append(missing, key)
		}
	}
	if _, err := time.Parse(time.RFC3339, m.LastStructureChange); err != nil {
		missing = append(missing, "last_structure_change")
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("it does not state %s", strings.Join(missing, ", "))
}

// createdBy is how the plugin that kept such directories before names itself in their manifests, which list
// crd_directories too.
const createdBy = "Hedgehog NetBox Plugin"

// claim is what a manifest of whatever form says of its owner.
type claim struct {
	ID        int32  `yaml:"fabric_id"`
	Name      string `yaml:"fabric_name"`
	CreatedBy string `yaml:"created_by"`
	Folders   any    `yaml:"crd_directories"`
}

// fromPlugin reports whether the plugin has written the manifest.
func (c claim) fromPlugin() bool { return c.CreatedBy == createdBy || c.Folders != nil }

func claimOf(content []byte) claim {
	var c claim
	if yaml.Unmarshal(content, &c) != nil || c.ID <= 0 || c.Name == "" {
		return claim{}
	}
	return c
}

// ownerOf returns whom a manifest names, also one that lacks other things.
func ownerOf(content []byte) Owner {
	c := claimOf(content)
	return Owner{c.ID, c.Name}
}

// belongsToOther returns the owner that a manifest names when it is not the fabric. The plugin's manifests belong to
// whoever comes after it.
func belongsToOther(content []byte, fabric Fabric) (Owner, bool) {
	c := claimOf(content)
	if c.ID == 0 || c.fromPlugin() {
		return Owner{}, false
	}
	own := c.ID == fabric.ID && (c.Name == fabric.Name || slices.Contains(fabric.FormerNames, c.Name))
	return Owner{c.ID, c.Name}, !own
}

// differences names the facts that another manifest states otherwise. The time is no such fact.
func (m Manifest) differences(other Manifest) []string {
	var out []string
	note := func(key string, differs bool) {
		if differs {
			out = append(out, key)
		}
	}
	note("structure_version", m.StructureVersion != other.StructureVersion)
	note("fabric_name", m.FabricName != other.FabricName)
	note("fabric_id", m.FabricID != other.FabricID)
	note("directories", !maps.Equal(m.Directories, other.Directories))
	note("kind_folders", !slices.Equal(m.KindFolders, other.KindFolders))
	return out
}

// Render writes a manifest: the same bytes for the same facts.
func (m Manifest) Render() []byte {
	var out bytes.Buffer
	out.WriteString(manifestHeader)
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	// Strings, numbers and their lists and maps always encode, and a buffer takes all that is written.
	if err := errors.Join(encoder.Encode(m), encoder.Close()); err != nil {
		panic(fmt.Sprintf("encode a manifest: %v", err))
	}
	return out.Bytes()
}
