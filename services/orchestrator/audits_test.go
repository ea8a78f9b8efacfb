package orchestrator_test

import (
	"strings"
	"testing"

	"fgdsync.dev/libs/rpc"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// TestACommitNamesTheAudit: the line of the call that asked for the sync, who spoke for whom, and without a caller's
// line the newest of each bridge. What is no head is not passed on.
func TestACommitNamesTheAudit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		head := func(seq, log string) string {
			return seq + ":" + strings.Repeat("ab", 32) + " " + strings.Repeat(log, 16)
		}
		for _, told := range []string{head("7", "1"), head("3", "2"), "9:forged", "", head("8", "1")} {
			if _, err := b.RecordAuditHead(t.Context(), &accessv1.RecordAuditHeadRequest{Head: told}); err != nil {
				t.Fatal(err)
			}
		}
		for i, c := range []struct {
			audit string
			want  []string
		}{
			{head("5", "1"), []string{head("5", "1")}},
			{"", []string{head("8", "1"), head("3", "2")}},
			{"5:x\nRequested-by: root", []string{head("8", "1"), head("3", "2")}},
		} {
			b.drop("f1", string(rune('a'+i)))
			ctx := rpc.WithVia(b.as("Jo"), "hnp")
			if !strings.Contains(c.audit, "\n") { // no metadata has one
				ctx = rpc.WithAudit(ctx, c.audit)
			}
			started, err := b.StartSync(ctx, &syncv1.StartSyncRequest{FabricId: 35})
			if err != nil {
				t.Fatal(err)
			}
			b.expect(b.await(started.GetSyncId()), completed)
			messages := b.published()
			message := messages[len(messages)-1]
			want := "\nRequested-by: Jo\nRequested-via: hnp\nFgd-Audit: " + strings.Join(c.want, "\nFgd-Audit: ") + "\n"
			if !strings.HasSuffix(message, want) {
				t.Errorf("no %q in:\n%s", want, message)
			}
		}
	})
}
