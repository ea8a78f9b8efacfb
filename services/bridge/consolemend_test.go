package bridge_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// withQuarantined puts a file into the quarantine of fabric 35.
func (v *visitor) withQuarantined(blob, content string) {
	v.register(35)
	v.backend.mu.Lock()
	defer v.backend.mu.Unlock()
	v.backend.kept = &fabricv1.ListQuarantineResponse{Files: []*fabricv1.QuarantinedFile{{
		File: &reportv1.QuarantinedFile{Path: "unmanaged/a.yaml", BlobId: blob}, Content: []byte(content),
	}}}
}

// mends returns what a sync was asked to mend, where a page leads to one.
func (v *visitor) mends(a answer) *editv1.Mend {
	v.t.Helper()
	id, leads := strings.CutPrefix(a.header.Get("Location"), "/syncs/")
	if a.status != http.StatusSeeOther || !leads {
		v.t.Fatalf("%d %v %s", a.status, a.header, a.raw)
	}
	v.backend.mu.Lock()
	defer v.backend.mu.Unlock()
	return v.backend.syncs[id].GetEditSet().GetMend()
}

// TestADocumentIsMendedInTheConsole: it is written as it was typed, when it still is the one that was seen. What is
// refused is not lost.
func TestADocumentIsMendedInTheConsole(t *testing.T) {
	t.Parallel()
	const page, turned = "/fabrics/35/quarantine/file", "kind: \u202eCPV # </textarea><script>\n"
	v, _ := visiting(t)
	v.withQuarantined(commitA, "\n"+turned)
	v.signIn(v.grant("operator", "35"))
	form := v.page(page + "?path=unmanaged/a.yaml")
	if !strings.Contains(form, ">\n\nkind: \u202eCPV # &lt;/textarea&gt;&lt;script&gt;\n</textarea>") {
		t.Errorf("it is not there as it is, to be mended: %s", form)
	}
	typed := url.Values{"path": {"unmanaged/a.yaml"}, "content": {"kind: VPC\r\n\r\n"}, "if_match": {commitA}}
	want := &editv1.Mend{Path: "unmanaged/a.yaml", IfMatch: commitA, Content: []byte("kind: VPC\n\n")}
	if got := v.mends(v.post(page, typed)); !proto.Equal(got, want) {
		t.Errorf("it asks for %v", got)
	}
	typed.Set("if_match", commitB)
	if a := v.post(page, typed); a.status != http.StatusBadRequest || !strings.Contains(a.raw, "FGD_1069") ||
		!strings.Contains(a.raw, ">\nkind: VPC\n\n</textarea>") || !strings.Contains(a.raw, `value="`+commitA+`"`) {
		t.Errorf("another file: %d %s", a.status, a.raw)
	}
	viewer := v.grant("viewer", "35")
	v.signIn(viewer)
	if strings.Contains(v.page(page+"?path=unmanaged/a.yaml"), "<textarea") {
		t.Error("who may not mend it is offered to")
	}
}

// TestALargeDocumentIsMendedElsewhere: one that is too large for a form has none.
func TestALargeDocumentIsMendedElsewhere(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	v.withQuarantined(commitA, strings.Repeat("a: b\n", 100_000))
	v.signIn(v.bootstrap)
	if strings.Contains(v.page("/fabrics/35/quarantine/file?path=unmanaged/a.yaml"), "<textarea") {
		t.Error("it is offered to be mended here")
	}
}
