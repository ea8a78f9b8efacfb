package bridge_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"fgdsync.dev/libs/app"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

type object = map[string]any

// openAPI is the document that a bridge serves.
type openAPI struct {
	t   *testing.T
	raw string
	doc object
}

func (b *bundle) openAPI() openAPI {
	b.t.Helper()
	a := b.call("GET", "/openapi.json", "")
	if a.body == nil {
		b.t.Fatalf("the document is no JSON object: %s", a.raw)
	}
	return openAPI{b.t, a.raw, a.body}
}

func (o openAPI) definitions() object { return o.doc["definitions"].(object) }

// operations calls back with every operation.
func (o openAPI) operations(visit func(method, path string, operation object)) {
	for path, operations := range o.doc["paths"].(object) {
		for method, operation := range operations.(object) {
			visit(method, path, operation.(object))
		}
	}
}

// parameters returns the parameters of an operation by their names.
func parameters(operation object) map[string]object {
	out := map[string]object{}
	list, _ := operation["parameters"].([]any)
	for _, p := range list {
		out[p.(object)["name"].(string)] = p.(object)
	}
	return out
}

// rpcOf returns the RPC that an operation is named after; nil for the paths beside the API.
func rpcOf(operation object) protoreflect.MethodDescriptor {
	id := strings.TrimRight(operation["operationId"].(string), "0123456789")
	name := protoreflect.FullName(publicPackage + "." + strings.ReplaceAll(id, "_", "."))
	found, _ := protoregistry.GlobalFiles.FindDescriptorByName(name)
	rpc, _ := found.(protoreflect.MethodDescriptor)
	return rpc
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	o := setup(t).openAPI()
	if info := o.doc["info"].(object); info["title"] != "FGD Sync" || info["version"] != app.Version {
		t.Errorf("info %v", info)
	}
	for _, noise := range []string{"buf.validate", "protovalidate", "Stream result"} {
		if strings.Contains(o.raw, noise) {
			t.Errorf("the document has %q", noise)
		}
	}
	var refs func(at string, value any)
	refs = func(at string, value any) {
		switch v := value.(type) {
		case object:
			if ref, ok := v["$ref"].(string); ok && o.definitions()[strings.TrimPrefix(ref, "#/definitions/")] == nil {
				t.Errorf("%s: %s leads nowhere", at, ref)
			}
			for key, inner := range v {
				refs(at+"/"+key, inner)
			}
		case []any:
			for i, inner := range v {
				refs(fmt.Sprint(at, "/", i), inner)
			}
		}
	}
	refs("", o.doc)
	o.operations(func(method, path string, operation object) {
		byDefault, _ := json.Marshal(operation["responses"].(object)["default"])
		if !strings.Contains(string(byDefault), "#/definitions/Error") {
			t.Errorf("%s %s does not say how it fails", method, path)
		}
	})
}

// TestOperationIDs: clients are generated from them, so they are the names of the RPCs and nothing else.
func TestOperationIDs(t *testing.T) {
	t.Parallel()
	ids, described := map[string]string{}, map[protoreflect.FullName]bool{}
	setup(t).openAPI().operations(func(method, path string, operation object) {
		id := operation["operationId"].(string)
		if other := ids[id]; other != "" {
			t.Errorf("%s is both %s and %s %s", id, other, method, path)
		}
		ids[id] = method + " " + path
		if rpc := rpcOf(operation); rpc != nil {
			described[rpc.FullName()] = true
		}
	})
	for _, rpc := range rpcs() {
		id := string(rpc.Parent().Name()) + "_" + string(rpc.Name())
		if isPublic(rpc) && (!described[rpc.FullName()] || ids[id] == "") {
			t.Errorf("%s has no operation %s", rpc.FullName(), id)
		}
	}
	for id, path := range map[string]string{
		"healthz": "/healthz", "readyz": "/readyz", "metrics": "/metrics", "openapi": "/openapi.json", "docs": "/docs",
		"webSocket":  "/ws/sync-progress/{sync_id}",
		"webSocket2": "/ws/plugins/hedgehog/sync-progress/{sync_id}",
	} {
		if ids[id] != "get "+path {
			t.Errorf("%s is %q", id, ids[id])
		}
	}
}

// words returns the words that the contract allows for a field or for the entries of a list.
func words(field protoreflect.FieldDescriptor) []string {
	rules, _ := proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules)
	if field.IsList() {
		return rules.GetRepeated().GetItems().GetString().GetIn()
	}
	return rules.GetString().GetIn()
}

// TestEveryRuleIsDescribed: the words that the contract allows are an enum wherever the field is described.
func TestEveryRuleIsDescribed(t *testing.T) {
	t.Parallel()
	o := setup(t).openAPI()
	enums := 0
	check := func(where string, field protoreflect.FieldDescriptor, described object) {
		if field == nil || len(words(field)) == 0 {
			return
		}
		if field.IsList() {
			described = described["items"].(object)
		}
		enums++
		if got, want := fmt.Sprint(described["enum"]), fmt.Sprint(words(field)); got != want {
			t.Errorf("%s: enum %s, want %s", where, got, want)
		}
	}
	for name, definition := range o.definitions() {
		message := messageOf(name)
		properties, _ := definition.(object)["properties"].(object)
		for property, described := range properties {
			if message != nil {
				check(name+"."+property, message.Fields().ByTextName(property), described.(object))
			}
		}
	}
	o.operations(func(method, path string, operation object) {
		rpc := rpcOf(operation)
		if rpc == nil {
			return
		}
		for name, described := range parameters(operation) {
			if described["in"] != "body" {
				check(method+" "+path+" "+name, rpc.Input().Fields().ByTextName(name), described)
			}
		}
	})
	if enums < 25 {
		t.Errorf("only %d enums were looked at", enums)
	}
}

func messageOf(definition string) protoreflect.MessageDescriptor {
	name := definition
	if request, ok := strings.CutSuffix(name, "Body"); ok {
		name = request + "Request"
	}
	found, _ := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(publicPackage + "." + name))
	message, _ := found.(protoreflect.MessageDescriptor)
	return message
}

// TestGroupsAreInTheOrderOfUse: the page shows them as the document has them.
func TestGroupsAreInTheOrderOfUse(t *testing.T) {
	t.Parallel()
	var groups []string
	for _, tag := range setup(t).openAPI().doc["tags"].([]any) {
		groups = append(groups, tag.(object)["name"].(string))
	}
	if groups[0] != "FabricService" || groups[1] != "SyncService" || groups[len(groups)-1] != "Operations" {
		t.Errorf("groups %v", groups)
	}
}

// TestNumbersAreNumbers: texts in place of numbers are what JSON makes of 64 bits.
func TestNumbersAreNumbers(t *testing.T) {
	t.Parallel()
	if raw := setup(t).openAPI().raw; strings.Contains(raw, "int64") {
		t.Error("a number of 64 bits is a text in JSON")
	}
}

// TestListsArePaged: no list is unbounded. That of syncs goes on by offset, as HNP's interface has it.
func TestListsArePaged(t *testing.T) {
	t.Parallel()
	setup(t).openAPI().operations(func(method, path string, operation object) {
		rpc := rpcOf(operation)
		if rpc == nil || !strings.HasPrefix(string(rpc.Name()), "List") {
			return
		}
		next := "page_token"
		if rpc.Name() == "ListSyncs" {
			next = "offset"
		}
		got := parameters(operation)
		limit := got["limit"]
		if limit == nil || got[next] == nil {
			t.Fatalf("%s %s: parameters %v", method, path, slices.Sorted(maps.Keys(got)))
		}
		if limit["default"] == nil || limit["maximum"] == nil || limit["minimum"] == nil {
			t.Errorf("%s %s: limit %v", method, path, limit)
		}
	})
}

// TestRulesOfTheMainRequest looks at the description of one request whole.
func TestRulesOfTheMainRequest(t *testing.T) {
	t.Parallel()
	o := setup(t).openAPI()
	definition := o.definitions()["CreateFabricRequest"].(object)
	if got := fmt.Sprint(definition["required"]); got != "[repository_url]" {
		t.Errorf("required %s", got)
	}
	properties := definition["properties"].(object)
	for name, want := range map[string]string{
		"fabric_id": "map[description:HNP's number. When absent, the one that the manifest in the directory names, or else one " +
			"that is chosen. format:int32 minimum:0 type:integer]",
		"name": "map[description:Name, unique among fabrics. It may be absent where the manifest in the directory names one. " +
			"maxLength:100 minLength:1 type:string]",
		"branch":     `map[default:main description:Branch; "main" when absent. type:string]`,
		"created_at": "<nil>",
	} {
		if got := fmt.Sprint(properties[name]); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	options := o.definitions()["FabricOptions"].(object)["properties"].(object)
	if got := options["archive_strategy"].(object)["default"]; got != "none" {
		t.Errorf("default of archive_strategy is %v", got)
	}
	if got := o.definitions()["Credentials"].(object)["description"].(string); !strings.Contains(got, "exactly one way") {
		t.Errorf("credentials: %s", got)
	}
	release := o.definitions()["ReleaseQuarantinedBody"].(object)["properties"].(object)["paths"].(object)
	if release["minItems"] != 1.0 || release["items"].(object)["pattern"] != "^unmanaged/" {
		t.Errorf("paths %v", release)
	}
}

// TestExamplesAreRequests: the main requests have an example, and each is one that the server takes.
func TestExamplesAreRequests(t *testing.T) {
	t.Parallel()
	o := setup(t).openAPI()
	n := 0
	for name, definition := range o.definitions() {
		example, _ := definition.(object)["example"].(object)
		if example == nil || name == "Error" {
			continue
		}
		n++
		message := dynamicpb.NewMessage(messageOf(name))
		raw, err := json.Marshal(example)
		if err != nil {
			t.Fatal(err)
		}
		if err := protojson.Unmarshal(raw, message); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if field := message.Descriptor().Fields().ByTextName("fabric_id"); field != nil { // as the path says
			message.Set(field, protoreflect.ValueOfInt32(35))
		}
		if field := message.Descriptor().Fields().ByTextName("conflict_id"); field != nil {
			message.Set(field, protoreflect.ValueOfString("c-1"))
		}
		if strings.HasSuffix(name, "ResourceBody") {
			for _, part := range []protoreflect.Name{"kind", "namespace", "name"} {
				message.Set(message.Descriptor().Fields().ByName(part), protoreflect.ValueOfString("x"))
			}
		}
		if err := protovalidate.Validate(message); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n < 10 {
		t.Errorf("only %d requests have an example", n)
	}
}

// TestDescribedPathsAreServed: what the document names is there.
func TestDescribedPathsAreServed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backend.kept = &fabricv1.ListQuarantineResponse{
		Files: []*fabricv1.QuarantinedFile{{File: &reportv1.QuarantinedFile{}}},
	}
	replace := strings.NewReplacer("{fabric_id}", "35", "{sync_id}", b.fabric(), "{path}", "unmanaged/a.yaml")
	b.openAPI().operations(func(method, path string, operation object) {
		if method != "get" || strings.HasSuffix(path, "/events") || strings.HasSuffix(path, ":watch") {
			return // a stream goes on
		}
		target, want := replace.Replace(path), 200
		for name, p := range parameters(operation) {
			if p["in"] == "query" && p["required"] == true {
				target += "?" + name + "=" + commitA
			}
		}
		if strings.HasPrefix(path, "/ws/") {
			want = 426
		}
		if path == "/api/v1/login" {
			want = 404 // nobody can sign in here
		}
		if strings.HasSuffix(path, "/netbox/fabrics") || strings.HasSuffix(path, "/receipts") ||
			strings.Contains(path, "/conflicts") {
			want = 400 // there is no NetBox
		}
		if strings.HasSuffix(path, "/{kind}/{namespace}/{name}") || strings.HasSuffix(path, "/references") {
			want = 404 // no fabric has resources
		}
		if a := b.call("GET", target, ""); a.status != want {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	})
}
