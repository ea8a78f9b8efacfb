package cli_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/testkit/grpctest"
)

// conflictServer is a bridge that has one conflict, and settles it as it is asked to.
type conflictServer struct {
	bridgev1.UnimplementedConflictServiceServer
	mu       sync.Mutex
	conflict *bridgev1.Conflict
	listed   *bridgev1.ListConflictsRequest
	asked    *bridgev1.ResolveConflictRequest
	refusal  error // what it says to resolutions
}

func (s *conflictServer) ListConflicts(
	_ context.Context, req *bridgev1.ListConflictsRequest,
) (*bridgev1.ListConflictsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed = req
	return &bridgev1.ListConflictsResponse{Conflicts: []*bridgev1.Conflict{s.conflict}, Total: 1}, nil
}

func (s *conflictServer) GetConflict(
	_ context.Context, req *bridgev1.GetConflictRequest,
) (*bridgev1.GetConflictResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if req.GetConflictId() != s.conflict.GetConflictId() {
		return nil, errs.New(errs.ConflictNotFound, "There is none.")
	}
	return &bridgev1.GetConflictResponse{Conflict: s.conflict}, nil
}

func (s *conflictServer) ResolveConflict(
	_ context.Context, req *bridgev1.ResolveConflictRequest,
) (*bridgev1.ResolveConflictResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = req
	if s.refusal != nil {
		return nil, s.refusal
	}
	if req.GetValidateOnly() {
		return &bridgev1.ResolveConflictResponse{Conflict: s.conflict, RecordFields: []string{"spec.vlan"}}, nil
	}
	settled := proto.CloneOf(s.conflict)
	settled.State, settled.ResolvedBy = "resolved", "alice"
	return &bridgev1.ResolveConflictResponse{Conflict: settled}, nil
}

func (s *conflictServer) refuse(with error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = with
}

// lastList returns the last request for a list.
func (s *conflictServer) lastList() *bridgev1.ListConflictsRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listed
}

// conflicting is a system with a conflict, and commands for it.
type conflicting struct {
	*conflictServer
	t             *testing.T
	address, file string
}

func newConflicting(t *testing.T) *conflicting {
	t.Helper()
	s := &conflictServer{conflict: &bridgev1.Conflict{
		ConflictId: "c-1", State: "open", Version: "v-1", Kind: "VPC", Namespace: "default", Name: "vpc-1",
		Paths: []*bridgev1.ConflictPath{
			{Path: "spec.vlan", Base: structpb.NewNumberValue(1), Git: structpb.NewNumberValue(2)},
			{Path: "spec.x[a]"},
			{Path: "spec.x[a=b]"},
		},
	}}
	c := &conflicting{conflictServer: s, t: t, file: filepath.Join(t.TempDir(), "token")}
	if err := os.WriteFile(c.file, []byte("fgd_000000000000_"+strings.Repeat("0", 38)), 0o600); err != nil {
		t.Fatal(err)
	}
	c.address = grpctest.Serve(t, rpc.Callers, func(r grpc.ServiceRegistrar) {
		bridgev1.RegisterConflictServiceServer(r, s)
	}).Target()
	return c
}

// fgd runs a command that has to end with a code, and returns what it says.
func (c *conflicting) fgd(want int, args ...string) string {
	c.t.Helper()
	args = append([]string{"conflicts"}, append(args, "--server", c.address, "--token-file", c.file)...)
	code, stdout, stderr := run(c.t.Context(), c.t, args...)
	if code != want {
		c.t.Fatalf("%v: exit %d, not %d\n%s%s", args, code, want, stdout, stderr)
	}
	return stdout + stderr
}

// given returns what was asked for last, and forgets it.
func (c *conflicting) given() string {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	raw, err := protojson.Marshal(c.asked)
	if err != nil {
		c.t.Fatal(err)
	}
	var asked map[string]any
	if err := json.Unmarshal(raw, &asked); err != nil {
		c.t.Fatal(err)
	}
	c.asked = nil
	delete(asked, "fabricId")
	delete(asked, "conflictId")
	raw, _ = json.Marshal(asked) // was JSON
	return string(raw)
}

// TestConflictsFromTheCommandLine: listed, shown and settled, by what was seen.
func TestConflictsFromTheCommandLine(t *testing.T) {
	t.Parallel()
	c := newConflicting(t)
	said := c.fgd(0, "list", "35", "--kind", "VPC")
	if list := c.lastList(); !strings.Contains(said, "fgd conflicts show 35 c-1") || list.GetKind() != "VPC" ||
		list.GetState() != "open" || list.GetFabricId() != 35 {
		t.Errorf("asked for %v:\n%s", list, said)
	}
	if c.fgd(0, "list", "35", "--state", "all"); c.lastList().GetState() != "all" {
		t.Errorf("asked for %v", c.lastList())
	}
	said = c.fgd(0, "show", "35", "c-1")
	if !strings.HasSuffix(said, "\nfgd conflicts resolve 35 c-1 --version v-1 --take git\n") {
		t.Errorf("the last line is no next step:\n%s", said)
	}
	documents := newDocumented(t)
	for call, definition := range map[string]string{
		"list 35": "Conflict[]", "show 35 c-1": "Conflict", "resolve 35 c-1 --take git": "ResolveConflictResponse",
	} {
		documents.check("conflicts "+call, c.fgd(0, append(strings.Fields(call), "-o=json")...), definition)
	}
	for _, one := range []struct {
		args []string
		want string
	}{
		{[]string{"--take", "git"}, `{"take":"git","version":"v-1"}`},
		{[]string{"--take", "netbox", "--version", "v-0"}, `{"take":"netbox","version":"v-0"}`},
		{
			[]string{"--take", "git", "--set", "spec.vlan=netbox"},
			`{"choices":[{"path":"spec.vlan","take":"netbox"}],"take":"git","version":"v-1"}`,
		},
		{
			[]string{"--set", `spec.vlan={"a":[1,"=,"]}`, "--set", "spec.x[a]=git", "--set", "spec.x[a=b]=null"},
			`{"choices":[{"path":"spec.vlan","take":"value","value":{"a":[1,"=,"]}},{"path":"spec.x[a]","take":"git"},` +
				`{"path":"spec.x[a=b]","take":"value","value":null}],"version":"v-1"}`,
		},
		{
			[]string{"--set", `spec.vlan="git"`, "--set", "spec.x[a]="},
			`{"choices":[{"path":"spec.vlan","take":"value","value":"git"},{"path":"spec.x[a]","take":"value"}],` +
				`"version":"v-1"}`,
		},
	} {
		said := c.fgd(0, append([]string{"resolve", "35", "c-1"}, one.args...)...)
		if got := c.given(); got != one.want || !strings.Contains(said, "settled   by alice") {
			t.Errorf("%v asked for %s, not %s:\n%s", one.args, got, one.want, said)
		}
	}
}

// TestAResolutionIsTriedFromTheCommandLine: a dry run says what would change, and that nothing has.
func TestAResolutionIsTriedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	c := newConflicting(t)
	said := c.fgd(0, "resolve", "35", "c-1", "--take", "git", "--dry-run")
	if got := c.given(); got != `{"take":"git","validateOnly":true,"version":"v-1"}` ||
		!strings.Contains(said, "not settled") || !strings.Contains(said, "record    changes at spec.vlan\n") {
		t.Errorf("asked for %s:\n%s", got, said)
	}
	var answer map[string]any
	said = c.fgd(0, "resolve", "35", "c-1", "--take", "git", "--dry-run", "-o=json")
	if err := json.Unmarshal([]byte(said), &answer); err != nil || answer["diff"] == nil {
		t.Errorf("%v:\n%s", err, said)
	}
}

// TestConflictsThatCantBeSettled: a wrong call ends with 2 and asks for nothing, a refusal with 1.
func TestConflictsThatCantBeSettled(t *testing.T) {
	t.Parallel()
	c := newConflicting(t)
	for says, args := range map[string][]string{
		"Nothing says what is taken":          {"resolve", "35", "c-1"},
		"spec.vlan, spec.x[a], spec.x[a=b]":   {"resolve", "35", "c-1", "--set", "spec.y=git"},
		`"hnp" is neither git, netbox, nor`:   {"resolve", "35", "c-1", "--set", "spec.vlan=hnp"},
		"begins with no path of the conflict": {"resolve", "35", "c-1", "--take", "git", "--set", "spec.vlan"},
		`take is "hnp"; allowed is git, n`:    {"resolve", "35", "c-1", "--take", "hnp"},
		`state is "good"; allowed is open`:    {"list", "35", "--state", "good"},
		"needs a fabric's name or number":     {"show", "35"},
	} {
		if said := c.fgd(2, args...); !strings.Contains(said, says) {
			t.Errorf("%v: no %q in\n%s", args, says, said)
		}
	}
	if got := c.given(); got != "{}" {
		t.Errorf("asked for %s", got)
	}
	for _, command := range [][]string{{"show", "35", "c-9"}, {"resolve", "35", "c-9", "--take", "git"}} {
		if said := c.fgd(1, command...); !strings.Contains(said, "FGD_1071") {
			t.Errorf("%v:\n%s", command, said)
		}
	}
	c.refuse(errs.New(errs.ConflictMoved, "A side has changed since."))
	if said := c.fgd(1, "resolve", "35", "c-1", "--take", "git", "--version", "v-0"); !strings.Contains(said, "FGD_1072") {
		t.Errorf("refused:\n%s", said)
	}
	c.refuse(errs.New(errs.ConflictUnsettled, "Nothing says what is taken at spec.vlan."))
	if said := c.fgd(2, "resolve", "35", "c-1", "--set", "spec.x[a]=git"); !strings.Contains(said, "FGD_1073") {
		t.Errorf("unsettled:\n%s", said)
	}
}
