package cli_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/testkit/redistest"
)

// audited is a running system with some lines in its audit.
type audited struct {
	t    *testing.T
	at   started
	file string
}

func setupAudited(t *testing.T) *audited {
	t.Helper()
	folder := t.TempDir()
	at, _ := up(t, nil, "--redis", redistest.Start(t).URL(), "--data", folder)
	a := &audited{t: t, at: at, file: filepath.Join(folder, "audit", "audit.jsonl")}
	for id, name := range map[int]string{35: "one", 36: "two"} {
		definition, err := json.Marshal(map[string]any{
			"fabric_id": id, "name": name, "repository_url": "https://git.example/" + name + ".git", "gitops_directory": "f",
		})
		if err != nil {
			t.Fatal(err)
		}
		if code, answer := at.call(t, http.MethodPost, "/api/v1/fabrics", string(definition), ""); code != http.StatusOK {
			t.Fatalf("register: %d %s", code, answer)
		}
	}
	at.token = "fgd_nobody"
	if code, _ := at.call(t, http.MethodGet, "/api/v1/fabrics", "", ""); code != http.StatusUnauthorized {
		t.Errorf("somebody else: %d", code)
	}
	return a
}

// fgd runs fgd audit for the system, and returns what it printed for programs and for people.
func (a *audited) fgd(want int, args ...string) (stdout, stderr string) {
	a.t.Helper()
	args = append([]string{"audit"}, append(args, "--server", a.at.GRPC, "--token-file", a.at.tokenFile)...)
	code, stdout, stderr := run(a.t.Context(), a.t, args...)
	if code != want {
		a.t.Fatalf("%v: exit %d, not %d\n%s%s", args, code, want, stdout, stderr)
	}
	return stdout, stderr
}

// listed is a line as fgd audit list -o json has it.
type listed struct {
	Seq       int64
	Stage     string
	Action    string
	FabricID  int32 `json:"fabric_id"`
	Principal struct{ Name string }
}

func (a *audited) list(flags ...string) []listed {
	a.t.Helper()
	stdout, _ := a.fgd(0, append([]string{"list", "-o=json"}, flags...)...)
	var lines []listed
	if err := json.Unmarshal([]byte(stdout), &lines); err != nil {
		a.t.Fatalf("%v: %s", err, stdout)
	}
	return lines
}

// TestAuditList: the newest line first, those that are asked for, and in words.
func TestAuditList(t *testing.T) {
	t.Parallel()
	a := setupAudited(t)
	all := a.list()
	if !slices.IsSortedFunc(all, func(x, y listed) int { return int(y.Seq - x.Seq) }) || all[len(all)-1].Seq != 1 {
		t.Errorf("listed %+v", all)
	}
	for flags, is := range map[string]func(listed) bool{
		"--fabric 35":             func(l listed) bool { return l.FabricID == 35 },
		"--action CreateFabric":   func(l listed) bool { return strings.HasSuffix(l.Action, "/CreateFabric") },
		"--principal bootstrap":   func(l listed) bool { return l.Principal.Name == "bootstrap" },
		"--since 2026-01-01":      func(listed) bool { return true },
		"--until 2020-01-01":      func(listed) bool { return false },
		"--since 9999-01-01":      func(listed) bool { return false },
		"--principal nobody-else": func(listed) bool { return false },
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(l listed) bool { return !is(l) })
		if got := a.list(strings.Fields(flags)...); !slices.Equal(got, want) {
			t.Errorf("%s: %+v, not %+v", flags, got, want)
		}
	}
	if got := a.list("--limit", "2"); !slices.Equal(got, all[:2]) {
		t.Errorf("two of them: %+v", got)
	}
	words, _ := a.fgd(0, "list", "-o", "wide")
	for _, part := range []string{
		"LINE ", "bootstrap", "127.0.0.1", "CreateFabric", " 35 ", "completed", "denied", "FGD_1050",
	} {
		if !strings.Contains(words, part) {
			t.Errorf("no %q in\n%s", part, words)
		}
	}
	for flags, says := range map[string]string{
		"--since yesterday": "--since is no time", "--until 1": "--until is no time", "--limit 0": "--limit has to be 1",
	} {
		if _, stderr := a.fgd(2, append([]string{"list"}, strings.Fields(flags)...)...); !strings.Contains(stderr, says) {
			t.Errorf("%s: %s", flags, stderr)
		}
	}
}

// TestAuditExport: the lines as they are in the file, those of a time, and events of OCSF, one for each.
func TestAuditExport(t *testing.T) {
	t.Parallel()
	a := setupAudited(t)
	raw, err := os.ReadFile(a.file)
	if err != nil {
		t.Fatal(err)
	}
	for _, flags := range []string{"", "--format jsonl", "--since 2026-01-01 --until 9999-01-01"} {
		if got, _ := a.fgd(0, append([]string{"export"}, strings.Fields(flags)...)...); got != string(raw) {
			t.Errorf("%q: exported\n%s\nand not\n%s", flags, got, raw)
		}
	}
	events, _ := a.fgd(0, "export", "--format", "ocsf")
	if strings.Count(events, "\n") != strings.Count(string(raw), "\n") {
		t.Errorf("%s for %s", events, raw)
	}
	for event := range strings.Lines(events) {
		var one struct {
			ClassUID int `json:"class_uid"`
			Time     int64
			Metadata struct{ UID string }
		}
		if err := json.Unmarshal([]byte(event), &one); err != nil || one.ClassUID != 6003 || one.Time == 0 ||
			!strings.Contains(string(raw), one.Metadata.UID) {
			t.Errorf("%v: %s", err, event)
		}
	}
	if got, _ := a.fgd(0, "export", "--format", "ocsf", "--until", "2020-01-01"); got != "" {
		t.Errorf("of another time: %s", got)
	}
	if _, stderr := a.fgd(2, "export", "--format", "xml"); !strings.Contains(stderr, "--format is \"xml\"") {
		t.Errorf("another form: %s", stderr)
	}
}

// TestAuditVerify: by the bridge, and of files without one, which may have been changed.
func TestAuditVerify(t *testing.T) {
	t.Parallel()
	a := setupAudited(t)
	if words, _ := a.fgd(0, "verify"); !strings.Contains(words, "are intact: ") {
		t.Errorf("by the bridge: %s", words)
	}
	if said, _ := a.fgd(0, "verify", "-o=json"); !strings.Contains(said, `"intact": true`) {
		t.Errorf("by the bridge: %s", said)
	}
	if words, _ := a.fgd(0, "verify", "--file", a.file); !strings.Contains(words, "are intact: ") ||
		strings.Contains(words, "note: ") {
		t.Errorf("the file: %s", words)
	}
	lone := filepath.Join(t.TempDir(), "audit.jsonl")
	raw, err := os.ReadFile(a.file)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(lone, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(string(raw))
	if words, _ := a.fgd(0, "verify", "--file", lone); !strings.Contains(words, "note: Without a key") {
		t.Errorf("without a key: %s", words)
	}
	key := filepath.Join(filepath.Dir(a.file), "audit.key.pub")
	if words, _ := a.fgd(0, "verify", "--file", lone, "--key", key); strings.Contains(words, "note: ") {
		t.Errorf("with a key: %s", words)
	}
	write(strings.Replace(string(raw), "CreateFabric", "DeleteFabric", 1))
	words, stderr := a.fgd(1, "verify", "--file", lone)
	if !strings.Contains(words, "NOT INTACT") || !strings.Contains(words, "is not what it was") ||
		!strings.Contains(stderr, "FGD_1060") {
		t.Errorf("changed: %s%s", words, stderr)
	}
	said, stderr := a.fgd(1, "verify", "--file", lone, "-o=json")
	var document struct {
		Intact   bool
		Problems []struct{ Seq int }
	}
	if err := json.Unmarshal([]byte(said), &document); err != nil || document.Intact || len(document.Problems) == 0 ||
		stderr != "" {
		t.Errorf("changed: %v\n%s%s", err, said, stderr)
	}
	for flags, says := range map[string]string{
		"--file " + lone + ".none": "can't be read", "--file " + lone + " --key " + lone + ".none": "can't be read",
		"--file " + lone + " --key " + lone: "can't be read",
	} {
		if _, stderr := a.fgd(2, append([]string{"verify"}, strings.Fields(flags)...)...); !strings.Contains(stderr, says) {
			t.Errorf("%s: %s", flags, stderr)
		}
	}
}

// TestRetiredLogs: each that is named on the command line is judged by the bridge.
func TestRetiredLogs(t *testing.T) {
	at, _ := up(t, nil, "--redis", redistest.Start(t).URL())
	verify := func(want int, args ...string) string {
		t.Helper()
		args = append([]string{"audit", "verify", "--server", at.GRPC, "--token-file", at.tokenFile}, args...)
		code, stdout, stderr := run(t.Context(), t, args...)
		if code != want {
			t.Fatalf("%v: exit %d\n%s%s", args, code, stdout, stderr)
		}
		return stdout + stderr
	}
	var answer struct{ Log string }
	if err := json.Unmarshal([]byte(verify(0, "--retired-log", "0123456789abcdef", "-o=json")), &answer); err != nil {
		t.Fatal(err)
	}
	refused := verify(1, "--retired-log", "0123456789abcdef", "--retired-log", answer.Log)
	if !strings.Contains(refused, answer.Log+", which is the log of the bridge that answers") {
		t.Errorf("the own log is said to be retired: %s", refused)
	}
	if refused := verify(1, "--retired-log", "0123"); !strings.Contains(refused, "retired_logs[0]") {
		t.Errorf("what is no log: %s", refused)
	}
}
