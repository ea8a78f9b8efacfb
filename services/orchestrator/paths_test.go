package orchestrator_test

import (
	"testing"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// TestAPathThatNeverWas is not found, whatever is asked about it, and what is like it is named. What was deleted, and
// what the structure has, is a path.
func TestAPathThatNeverWas(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		ask := map[string]func(path string) error{
			"files": func(path string) error {
				_, err := b.ListFiles(t.Context(), &fabricv1.ListFilesRequest{FabricId: 35, Directory: path})
				return err
			},
			"commits": func(path string) error {
				_, err := b.DirectoryViewServiceClient.ListCommits(t.Context(),
					&fabricv1.ListCommitsRequest{FabricId: 35, Paths: []string{path}})
				return err
			},
			"difference": func(path string) error {
				_, err := b.DirectoryViewServiceClient.DiffCommits(t.Context(),
					&fabricv1.DiffCommitsRequest{FabricId: 35, FromCommit: longID(0), Paths: []string{path}})
				return err
			},
		}
		for name, of := range ask {
			err := of("managed/vpcs/nope")
			fails(t, name, err, errs.NoSuchPath)
			for path, meant := range map[string]string{
				"nope": "", "f1/managed/nope": "", "vpcs/nope": "", "raw/nope-big.yaml": "", "raw/bignope.yaml": "raw/big.yaml",
				"manageb/vpcs/a.yaml": "managed/vpcs/a.yaml", "raww/quite-nope/else.yaml": "raw",
			} {
				if got := errs.From(of(path)).Meta["meant"]; got != meant {
					t.Errorf("%s: %q is taken for %q, not %q", name, path, got, meant)
				}
			}
			for _, path := range []string{"managed/gone", "raw", ".hnp/manifest.yaml"} {
				if err := of(path); err != nil {
					t.Errorf("%s: %q: %v", name, path, err)
				}
			}
		}
		if n := b.openSnapshots(); n != 0 {
			t.Errorf("%d snapshots were left open", n)
		}
	})
}
