package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/cli"
	"fgdsync.dev/proto/openapi"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/redistest"
)

// documented validates what commands print against the OpenAPI document. A field that is not in it is refused.
type documented struct {
	t        *testing.T
	compiler *jsonschema.Compiler
}

const definitions = "fgd.json"

func newDocumented(t *testing.T) documented {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(openapi.Document()))
	if err != nil {
		t.Fatal(err)
	}
	object := doc.(map[string]any)
	for _, definition := range object["definitions"].(map[string]any) {
		if fields := definition.(map[string]any); fields["properties"] != nil {
			fields["additionalProperties"] = false
		}
	}
	// Two calls of the API are one document of a command.
	result := object["definitions"].(map[string]any)["Result"].(map[string]any)["properties"].(map[string]any)
	result["plan"], result["diff"] = map[string]any{"$ref": "#/definitions/Plan"}, map[string]any{"type": "string"}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft4)
	compiler.AssertFormat()
	if err := compiler.AddResource(definitions, map[string]any{"definitions": object["definitions"]}); err != nil {
		t.Fatal(err)
	}
	return documented{t, compiler}
}

// check validates a document against a definition, or a list of it when its name ends with [].
func (d documented) check(call, printed, definition string) {
	d.t.Helper()
	name, isList := strings.CutSuffix(definition, "[]")
	schema, err := d.compiler.Compile(definitions + "#/definitions/" + name)
	if err != nil {
		d.t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(printed))
	if err != nil {
		d.t.Errorf("%s: %v\n%s", call, err, printed)
		return
	}
	values := []any{value}
	if isList {
		if values, isList = value.([]any); !isList {
			d.t.Errorf("%s prints no list:\n%s", call, printed)
		}
	}
	for _, one := range values {
		if err := schema.Validate(one); err != nil {
			d.t.Errorf("%s: %v\n%s", call, err, printed)
		}
	}
}

// Tests of systems that have more than the one here look at what is printed of that.
const (
	inConflicts = "TestConflictsFromTheCommandLine has a conflict"
	inSetUp     = "TestANetBoxIsSetUpFromTheCommandLine has a NetBox"
	inImport    = "TestFabricsAreImported has a fabric in NetBox"
)

// withoutDocument are commands whose JSON is none of the API's, with what it is of, or is looked at elsewhere.
var withoutDocument = map[string]string{ //nolint:gochecknoglobals // read only
	"fgd check": "a repository", "fgd doctor": "a repository", "fgd validate": "files", "fgd sync": "as fgd sync show",
	"fgd certs show": "files", "fgd context list": "files", "fgd netbox import": "what a command did",
	"fgd audit export": "lines of a file",
	"fgd login":        "TestLogin has an issuer", "fgd logout": "prints none",
	"fgd conflicts list": inConflicts, "fgd conflicts show": inConflicts, "fgd conflicts resolve": inConflicts,
	"fgd netbox set": inSetUp, "fgd netbox check": inSetUp, "fgd netbox setup": inSetUp, "fgd netbox remove": inSetUp,
	"fgd netbox receipts": inImport, "fgd netbox deliver": inImport,
	"fgd dead-letters replay": "needs a dead letter", "fgd notification test": "TestNotifications has a target",
	"fgd event tail": "TestEventTailOverACut looks at messages", "fgd top": "several objects of the API",
	"fgd support-bundle": "what a command did",
	"fgd config check":   "a configuration", "fgd config print": "a configuration", "fgd config explain": "a key of it",
	"fgd migrate plan": "a plan in a file", "fgd migrate apply": "what a command did",
}

// TestJSONIsThatOfTheAPI: what -o json prints is what the OpenAPI document says of the same object.
func TestJSONIsThatOfTheAPI(t *testing.T) {
	t.Parallel()
	d, tried := newDocumented(t), map[string]bool{}
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document + "---\nkind: [\n"})
	at, _ := up(t, nil, "--redis", redistest.Start(t).URL(), "--allow-http", "--allow-network=127.0.0.0/8")
	fgd := func(definition string, command string, args ...string) (printed string) {
		words := append(strings.Fields(command), args...)
		words = append(words, "--server", at.GRPC, "--token-file", at.tokenFile, "-o", "json")
		var out, err bytes.Buffer
		code := cli.Run(t.Context(), cli.Environment{Args: words, Stdout: &out, Stderr: &err})
		if code != 0 && code != 3 {
			t.Errorf("%s: exit %d\n%s%s", command, code, &out, &err)
		}
		d.check(command, out.String(), definition)
		tried["fgd "+command] = true
		return out.String()
	}
	field := func(printed, name string) string {
		var object map[string]any
		if err := json.Unmarshal([]byte(printed), &object); err != nil {
			t.Fatal(err)
		}
		text, _ := object[name].(string)
		return text
	}
	file := filepath.Join(t.TempDir(), "other.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(document, "default", "other", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	first := field(fgd("CreateFabricResponse", "fabric register", "--repo", host.URL("r.git"), "--dir", "f",
		"--fabric-id", "5", "--name", "five"), "sync_id")
	fgd("SyncStatus", "sync watch", first)
	fgd("SyncStatus", "wait fabric", "five")
	fgd("Fabric[]", "fabric list")
	fgd("Fabric", "fabric show", "five")
	fgd("Fabric", "fabric update", "five", "--interval", "0")
	fgd("Fabric", "fabric suspend", "five", "--reason", "a test")
	fgd("ResumeFabricResponse", "fabric resume", "five")
	fgd("TriggerSyncResponse", "sync start", "five", "--dry-run")
	fgd("SyncStatus[]", "sync list", "five")
	fgd("SyncStatus[]", "sync list")
	fgd("SyncStatus", "sync show", first)
	fgd("SyncStatus", "sync cancel", first)
	fgd("QuarantinedFile[]", "quarantine list", "five")
	fgd("QuarantinedFile", "quarantine show", "five", "unmanaged/a.doc-1.yaml")
	fgd("SyncStatus", "quarantine retry", "five", "--all")
	fgd("SyncStatus", "quarantine release", "five", "unmanaged/a.doc-1.yaml")
	fgd("Commit[]", "history", "five")
	fgd("DiffDirectoryResponse", "diff", "five", "HEAD~1")
	fgd("SyncStatus", "restore", "five", "--commit", "HEAD", "--dry-run")
	fgd("Resource[]", "resource list", "five")
	fgd("Resource", "resource get", "five", "IPv4Namespace", "default")
	fgd("EditResult", "resource patch", "five", "IPv4Namespace", "default", "--patch", `{"labels":{"a":"b"}}`)
	fgd("EditResult", "resource put", "five", "-f", file, "--dry-run")
	fgd("PastChange[]", "resource history", "five", "IPv4Namespace", "default")
	fgd("EditResult", "resource delete", "five", "IPv4Namespace", "default")
	fgd("DeadLetter[]", "dead-letters list")
	fgd("RebuildStateResponse", "state rebuild")
	fgd("GetNetBoxResponse", "netbox show")
	fgd("GetHealthResponse", "health")
	fgd("NotificationTarget[]", "notification list")
	fgd("AuditLine[]", "audit list")
	fgd("VerifyAuditResponse", "audit verify")
	token := fgd("CreateTokenResponse", "token create", "v", "--role", "viewer", "--fabric", "five")
	var made struct {
		Token struct {
			TokenID string `json:"token_id"`
		}
	}
	if err := json.Unmarshal([]byte(token), &made); err != nil {
		t.Fatal(err)
	}
	fgd("Token[]", "token list")
	fgd("RotateTokenResponse", "token rotate", made.Token.TokenID)
	fgd("Token", "token revoke", made.Token.TokenID, "--yes")
	fgd("DeleteFabricResponse", "fabric delete", "five", "--yes")
	cli.Tree(func(cmd *cobra.Command) {
		call := cmd.CommandPath()
		if cmd.Flags().Lookup("output") != nil && !tried[call] && withoutDocument[call] == "" {
			t.Errorf("what %s prints as JSON is not looked at", call)
		}
	})
}
