package directory

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fgdsync.dev/libs/errs"
)

func TestKindFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"gateways.yaml": "spec: {group: gateway.githedgehog.com, names: {kind: Gateway, plural: gateways}}\n---\nspec: " +
			"{group: gateway.githedgehog.com, names: {kind: GatewayPeering, plural: gatewaypeerings}}",
		"agents.yml":  "spec: {group: agent.githedgehog.com, names: {kind: Agent, plural: agents}}",
		"others.yaml": "spec: {group: example.com, names: {kind: Other, plural: others}}",
		"README.md":   "no definition",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kinds, err := kindFolders(Config{CRDDir: dir})
	if err != nil || !slices.Equal(kinds.Known, []string{"gateways", "gatewaypeerings"}) || len(kinds.Required) != 12 {
		t.Errorf("%v, %v", kinds, err)
	}
	if kinds, err := kindFolders(Config{}); err != nil || slices.Contains(kinds.Known, "agents") || len(kinds.Known) == 0 {
		t.Errorf("built in: %v, %v", kinds, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad.yaml"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{dir, filepath.Join(dir, "nowhere")} {
		if _, err := kindFolders(Config{CRDDir: bad}); !errs.HasCode(err, errs.ConfigurationInvalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
