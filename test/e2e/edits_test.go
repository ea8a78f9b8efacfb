package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// edited is what an edit came to.
type edited struct {
	SyncID    string           `json:"sync_id"`
	CommitSHA string           `json:"commit_sha"`
	Resources []editedResource `json:"resources"`
	Diff      string           `json:"diff"`
}

type editedResource struct {
	Kind, Name, Effect, Path string
	BlobID                   string `json:"blob_id"`
}

// shown is a resource as the API shows it.
type shown struct {
	BlobID  string `json:"blob_id"`
	Path    string
	Content struct{ Spec map[string]any }
}

// editing is a fabric whose resources people edit.
type editing struct {
	*host
	*system.System
	t *testing.T
}

func newEditing(t *testing.T, env ...string) *editing {
	t.Helper()
	h := newHost(t, map[string]string{directory + "/raw/all.yaml": fabric.File([]string{
		fabric.VPC("vpc-1", 1), fabric.VPC("vpc-2", 2), fabric.VPC("vpc-3", 3),
	})})
	e := &editing{host: h, System: programs.Up(t, env), t: t}
	var registered system.Accepted
	e.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	e.Ended(registered.SyncID)
	return e
}

const vpcs = "/api/v1/fabrics/1/resources/VPC/default/"

// do makes a call that edits, and returns what it came to.
func (e *editing) do(method, path string, body any) edited {
	e.t.Helper()
	var out edited
	e.Call(method, path, body, &out)
	return out
}

// refused holds that a call is refused with a status and a code, and that nothing is committed.
func (e *editing) refused(status int, code, method, path string, body any) {
	e.t.Helper()
	commits := e.Commits(e.t, repository, branch)
	got, raw := e.Try(method, path, body)
	var answer struct {
		Error struct{ Code, Message, Remedy string }
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		e.t.Fatal(err)
	}
	if got != status || answer.Error.Code != code || answer.Error.Message == "" || answer.Error.Remedy == "" {
		e.t.Errorf("%s %s answered %d %s, want %d %s", method, path, got, raw, status, code)
	}
	e.requireCommits(commits)
}

func (e *editing) read(name string) shown {
	e.t.Helper()
	var out shown
	e.Call(http.MethodGet, vpcs+name, nil, &out)
	return out
}

// changedLines are the lines that the last commit took out of files of managed/ and put in.
func (e *editing) changedLines() []string {
	e.t.Helper()
	var lines []string
	diff := e.Git(e.t, repository, "show", "--unified=0", "--format=", branch, "--", directory+"/managed")
	for line := range strings.Lines(diff) {
		line = strings.TrimSuffix(line, "\n")
		if len(line) > 1 && (line[0] == '+' || line[0] == '-') && line[1] != line[0] {
			lines = append(lines, line)
		}
	}
	return lines
}

func spec(vlan any) map[string]any {
	return map[string]any{"spec": map[string]any{"subnets": map[string]any{"default": map[string]any{"vlan": vlan}}}}
}

// TestAnEditIsOneLine: a change of one field is a commit of one line, under the name of who asked for it, and says what
// it did. Nothing that waits elsewhere comes along.
func TestAnEditIsOneLine(t *testing.T) {
	t.Parallel()
	e := newEditing(t)
	e.Commit(t, repository, branch, map[string]string{directory + "/raw/waits.yaml": fabric.VPC("waits", 9)})
	before := e.read("vpc-1")
	out := e.do(http.MethodPatch, vpcs+"vpc-1", map[string]any{"patch": spec(1001), "if_match": before.BlobID})
	if lines := e.changedLines(); !slices.Equal(lines, []string{"-      vlan: 2", "+      vlan: 1001"}) {
		t.Errorf("the commit changed %q", lines)
	}
	message := e.Git(t, repository, "log", "-1", "--format=%an%n%B", branch)
	for _, want := range []string{
		"bootstrap\n", "update VPC vpc-1", "Edited: update VPC default/vpc-1.", "Fgd-Sync-Id: " + out.SyncID, "Fgd-Audit: ",
	} {
		if !strings.Contains(message, want) {
			t.Errorf("the commit does not say %q:\n%s", want, message)
		}
	}
	after := e.read("vpc-1")
	want := editedResource{"VPC", "vpc-1", "updated", "managed/vpcs/vpc-1.yaml", after.BlobID}
	if len(out.Resources) != 1 || out.Resources[0] != want || out.CommitSHA != e.Head(t, repository, branch) {
		t.Errorf("the answer is %+v, want %+v", out, want)
	}
	if after.BlobID == before.BlobID || after.Path != "managed/vpcs/vpc-1.yaml" {
		t.Errorf("it is read as %+v", after)
	}
	if _, waits := e.Files(t, repository, branch)[directory+"/raw/waits.yaml"]; !waits {
		t.Error("a file that waited was ingested with the edit")
	}
	commits := e.Commits(t, repository, branch)
	same := e.do(http.MethodPatch, vpcs+"vpc-1", map[string]any{"patch": spec(1001)})
	if same.CommitSHA != "" || same.Resources[0].Effect != "unchanged" || same.Resources[0].BlobID != after.BlobID {
		t.Errorf("an edit that changes nothing came to %+v", same)
	}
	e.requireCommits(commits)
	e.refused(http.StatusPreconditionFailed, "FGD_1069", http.MethodPatch, vpcs+"vpc-1",
		map[string]any{"patch": spec(7), "if_match": before.BlobID})
	e.refused(http.StatusPreconditionFailed, "FGD_1069", http.MethodDelete, vpcs+"vpc-1?if_match="+before.BlobID, nil)
	e.refused(http.StatusNotFound, "FGD_1067", http.MethodPatch, vpcs+"none", map[string]any{"patch": spec(7)})
	e.refused(http.StatusBadRequest, "FGD_1004", http.MethodPatch, vpcs+"vpc-1", map[string]any{"patch": spec("seven")})
	e.refused(http.StatusBadRequest, "FGD_1002", http.MethodPatch, "/api/v1/fabrics/1/resources/Pod/default/x",
		map[string]any{"patch": spec(7)})
}

// TestResourcesComeAndGo: what is put and was not there is ingested as a file of its own, and what is deleted goes.
func TestResourcesComeAndGo(t *testing.T) {
	t.Parallel()
	e := newEditing(t)
	content := map[string]any{"spec": map[string]any{
		"ipv4Namespace": "default", "vlanNamespace": "default",
		"subnets": map[string]any{"default": map[string]any{"subnet": "10.9.0.0/24", "vlan": 999}},
	}}
	made := e.do(http.MethodPut, vpcs+"vpc-9", map[string]any{"content": content, "if_none_match": true})
	want := editedResource{"VPC", "vpc-9", "created", "managed/vpcs/vpc-9.yaml", e.read("vpc-9").BlobID}
	if len(made.Resources) != 1 || made.Resources[0] != want {
		t.Errorf("it came to %+v, want %+v", made, want)
	}
	text := e.Files(t, repository, branch)[directory+"/managed/vpcs/vpc-9.yaml"]
	if !strings.Contains(text, "hnp.githedgehog.com/managed-by") || !strings.Contains(text, "\n      vlan: 999\n") {
		t.Errorf("the file is\n%s", text)
	}
	e.refused(http.StatusConflict, "FGD_1068", http.MethodPut, vpcs+"vpc-9",
		map[string]any{"content": content, "if_none_match": true})
	gone := e.do(http.MethodDelete, vpcs+"vpc-9", nil)
	if gone.Resources[0].Effect != "deleted" || gone.Resources[0].Path != "" {
		t.Errorf("it came to %+v", gone)
	}
	if code, _ := e.Try(http.MethodGet, vpcs+"vpc-9", nil); code != http.StatusNotFound {
		t.Errorf("what is deleted is read with %d", code)
	}
	commits := e.Commits(t, repository, branch)
	again := e.do(http.MethodDelete, vpcs+"vpc-9", nil)
	if again.CommitSHA != "" || again.Resources[0].Effect != "unchanged" {
		t.Errorf("deleting it again came to %+v", again)
	}
	e.requireCommits(commits)
}

// TestABatchIsOneCommit: all of it is done, or nothing; a dry run does nothing and shows what it would.
func TestABatchIsOneCommit(t *testing.T) {
	t.Parallel()
	e := newEditing(t)
	edit := func(name string, change map[string]any) map[string]any {
		change["kind"], change["name"] = "VPC", name
		return change
	}
	batch := func(last map[string]any) []map[string]any {
		return []map[string]any{
			edit("vpc-1", map[string]any{"patch": spec(1001)}), edit("vpc-2", map[string]any{"delete": true}), last,
		}
	}
	const path = "/api/v1/fabrics/1/resources:batch"
	e.refused(http.StatusNotFound, "FGD_1067", http.MethodPost, path,
		map[string]any{"edits": batch(edit("none", map[string]any{"patch": spec(3)}))})
	e.refused(http.StatusBadRequest, "FGD_1010", http.MethodPost, path,
		map[string]any{"edits": batch(edit("vpc-1", map[string]any{"patch": spec(3)}))})
	whole := map[string]any{"edits": batch(edit("vpc-3", map[string]any{"patch": spec(1003)}))}
	commits := e.Commits(t, repository, branch)
	whole["options"] = map[string]any{"validate_only": true}
	dry := e.do(http.MethodPost, path, whole)
	if dry.CommitSHA != "" || !strings.Contains(dry.Diff, "+      vlan: 1003") ||
		!strings.Contains(dry.Diff, "vpc-2.yaml") {
		t.Errorf("a dry run came to %+v", dry)
	}
	e.requireCommits(commits)
	delete(whole, "options")
	if out := e.do(http.MethodPost, path, whole); len(out.Resources) != 3 || out.Resources[1].Effect != "deleted" {
		t.Errorf("it came to %+v", out)
	}
	e.requireCommits(commits + 1)
	var list struct {
		Resources []struct{ Name string }
		Total     int
		Next      string `json:"next_page_token"`
	}
	e.Call(http.MethodGet, "/api/v1/fabrics/1/resources?kind=VPC&limit=1", nil, &list)
	if list.Total != 2 || len(list.Resources) != 1 || list.Resources[0].Name != "vpc-1" || list.Next == "" {
		t.Errorf("the list is %+v", list)
	}
}

// TestEditsBesideOthers: an edit that puts back what somebody has pushed says which file there is now, and a new
// resource is refused whose file nobody would look at.
func TestEditsBesideOthers(t *testing.T) {
	t.Parallel()
	e := newEditing(t)
	const file = directory + "/managed/vpcs/vpc-1.yaml"
	text := e.Files(t, repository, branch)[file]
	e.Commit(t, repository, branch, map[string]string{file: strings.Replace(text, "vlan: 2", "vlan: 77", 1)})
	out := e.do(http.MethodPatch, vpcs+"vpc-1", map[string]any{"patch": spec(2)})
	if now := e.read("vpc-1").BlobID; len(out.Resources) != 1 || out.Resources[0].BlobID != now ||
		e.Files(t, repository, branch)[file] != text {
		t.Errorf("the answer is %+v, and the file %s", out, now)
	}
	e.Commit(t, repository, branch, map[string]string{directory + "/.fgdignore": "raw/\n"})
	content := map[string]any{"spec": map[string]any{
		"subnets": map[string]any{"default": map[string]any{"subnet": "10.9.0.0/24", "vlan": 999}},
	}}
	e.refused(http.StatusBadRequest, "FGD_1070", http.MethodPut, vpcs+"vpc-9", map[string]any{"content": content})
}

// TestEditsTakeETags: the headers of HTTP say of which file an edit is, as the fields do.
func TestEditsTakeETags(t *testing.T) {
	t.Parallel()
	e := newEditing(t)
	seen := e.read("vpc-1").BlobID
	code, headers, _ := e.TryWith(http.MethodGet, vpcs+"vpc-1", "Accept", "*/*", nil)
	if tag := headers.Get("ETag"); code != http.StatusOK || tag != `"`+seen+`"` {
		t.Errorf("the ETag is %s", tag)
	}
	patch := map[string]any{"patch": spec(1001)}
	put := map[string]any{"content": map[string]any{"spec": map[string]any{"subnets": map[string]any{}}}}
	for _, c := range []struct {
		method, header, value string
		body                  any
		status                int
	}{
		{http.MethodPatch, "If-Match", `"` + seen + `", "` + seen + `"`, patch, http.StatusBadRequest},
		{http.MethodPatch, "If-Match", "*", patch, http.StatusBadRequest},
		{http.MethodPatch, "If-None-Match", "*", patch, http.StatusBadRequest},
		{http.MethodPut, "If-None-Match", `"` + seen + `"`, put, http.StatusBadRequest},
		{http.MethodPut, "If-None-Match", "*", put, http.StatusConflict},
		{http.MethodPatch, "If-Match", `W/"` + seen + `"`, patch, http.StatusOK},
		{http.MethodPatch, "If-Match", `"` + seen + `"`, patch, http.StatusPreconditionFailed},
		{http.MethodPut, "If-Match", seen, put, http.StatusPreconditionFailed},
		{http.MethodDelete, "If-Match", `"` + seen + `"`, nil, http.StatusPreconditionFailed},
	} {
		if code, _, raw := e.TryWith(c.method, vpcs+"vpc-1", c.header, c.value, c.body); code != c.status {
			t.Errorf("%s with %s: %s answered %d %s", c.method, c.header, c.value, code, raw)
		}
	}
}

// TestNumbersAreNotRounded: who sends one that JSON readers round is refused, and nobody is shown one; other fields of
// its file can be changed, and it stays.
func TestNumbersAreNotRounded(t *testing.T) {
	t.Parallel()
	e := newEditing(t)
	const path, large, file = "/api/v1/fabrics/1/resources:batch", 9007199254740993, directory + "/managed/vpcs/vpc-1.yaml"
	put := map[string]any{"content": spec(large)}
	batch := map[string]any{"edits": []map[string]any{{"kind": "VPC", "name": "vpc-1", "patch": spec(-large)}}}
	e.refused(http.StatusBadRequest, "FGD_1010", http.MethodPatch, vpcs+"vpc-1", map[string]any{"patch": spec(large)})
	e.refused(http.StatusBadRequest, "FGD_1010", http.MethodPut, vpcs+"vpc-1", put)
	e.refused(http.StatusBadRequest, "FGD_1010", http.MethodPost, path, batch)
	text := e.Files(t, repository, branch)[file]
	e.Commit(t, repository, branch, map[string]string{
		file: strings.Replace(text, "spec:\n", "spec:\n  extra: 9007199254740993\n", 1),
	})
	var read struct {
		Content map[string]any
		Problem struct{ Message string }
	}
	e.Call(http.MethodGet, vpcs+"vpc-1", nil, &read)
	if read.Content != nil || !strings.Contains(read.Problem.Message, "spec.extra") {
		t.Errorf("it is read as %+v", read)
	}
	e.do(http.MethodPatch, vpcs+"vpc-1", map[string]any{"patch": spec(1001)})
	if text := e.Files(t, repository, branch)[file]; !strings.Contains(text, "extra: 9007199254740993\n") ||
		!strings.Contains(text, "vlan: 1001\n") {
		t.Errorf("the file is\n%s", text)
	}
}
