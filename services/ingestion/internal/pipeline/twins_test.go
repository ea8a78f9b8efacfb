package pipeline_test

import (
	"maps"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/plan"
)

// TestTwins: files of which a checkout on Windows or macOS has only one are told of, each becomes what it is, and no
// sync makes two such names.
func TestTwins(t *testing.T) {
	t.Parallel()
	vpcA := vpc("v1beta1", "a", "", "", 1)
	const composed, decomposed = "caf\u00e9", "cafe\u0301"
	for name, test := range map[string]struct {
		files map[string]string
		told  []string // in each message, one after the other
		kept  map[string]string
	}{
		"both are sound": {
			files: map[string]string{"raw/A.yaml": vpcA, "raw/a.yaml": vpc("v1beta1", "b", "", "", 2)},
			told:  []string{"raw/a.yaml and raw/A.yaml"},
			kept:  map[string]string{managedA: "vlan: 1", "managed/vpcs/b.yaml": "vlan: 2"},
		},
		"both are refused": {
			files: map[string]string{
				"raw/A.yaml": "kind: [\n", "raw/a.yaml": "kind: {\n", "raw/B/x.yaml": "- [\n", "raw/b/x.yaml": "- {\n",
			},
			told: []string{"raw/a.yaml and raw/A.yaml", "raw/b/x.yaml and raw/B/x.yaml"},
			kept: map[string]string{
				"unmanaged/A.yaml": "kind: [\n", "unmanaged/a-2.yaml": "kind: {\n",
				"unmanaged/B/x.yaml": "- [\n", "unmanaged/b/x-2.yaml": "- {\n",
			},
		},
		"with an accent in one or two code points": {
			files: map[string]string{"raw/" + composed + ".yaml": "kind: [\n", "raw/" + decomposed + ".yaml": "kind: {\n"},
			told:  []string{"raw/" + decomposed + ".yaml and raw/" + composed + ".yaml"},
			kept: map[string]string{
				"unmanaged/" + decomposed + ".yaml": "kind: {\n", "unmanaged/" + composed + "-2.yaml": "kind: [\n",
			},
		},
		"one is in quarantine already": {
			files: map[string]string{"raw/bad.yaml": "kind: [\n", "unmanaged/Bad.yaml": "kind: {\n"},
			kept:  map[string]string{"unmanaged/bad-2.yaml": "kind: [\n", "unmanaged/Bad.yaml": "kind: {\n"},
		},
		"one is managed and broken": {
			files: map[string]string{"raw/x.yaml": vpcA, "managed/vpcs/A.yaml": "kind: [\n"},
			kept: map[string]string{
				"managed/vpcs/a_default_vpc.githedgehog.com.yaml": "vlan: 1", "managed/vpcs/A.yaml": "kind: [\n",
			},
		},
		"a file is as a folder": {
			files: map[string]string{"raw/x.yaml": vpcA, "managed/VPCs": "notes\n"},
			kept:  map[string]string{"managed/vpcs-2/a.yaml": "vlan: 1", "managed/VPCs": "notes\n"},
		},
		"both are managed": {
			files: map[string]string{"managed/vpcs/B.txt": "1\n", "managed/vpcs/b.txt": "2\n", managedA: vpcA},
			told:  []string{"managed/vpcs/b.txt and managed/vpcs/B.txt"},
			kept:  map[string]string{"managed/vpcs/B.txt": "1\n", "managed/vpcs/b.txt": "2\n", managedA: "vlan: 1"},
		},
	} {
		for _, archive := range []plan.Archive{plan.ArchiveNone, plan.ArchiveRename, plan.ArchiveMove} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newSynced(t, maps.Clone(test.files))
				s.sync(plan.Options{Archive: archive})
				told := s.found(errs.NamesCollide)
				for i, names := range test.told {
					if len(told) != len(test.told) || !told[i].Warning || !strings.HasPrefix(told[i].Message, names) {
						t.Fatalf("told of %+v, not of %q", told, test.told)
					}
				}
				if len(told) != len(test.told) {
					t.Errorf("told of %+v", told)
				}
				for path, text := range test.kept {
					if !strings.Contains(s.files[path], text) {
						t.Errorf("%s is %q: %v", path, s.files[path], s.files)
					}
				}
				requireNoNewTwins(t, test.files, s.files)
				s.requireRest()
			})
		}
	}
}

// requireNoNewTwins holds that of two files that are alike one at least was there before and stands where it stood.
func requireNoNewTwins(t *testing.T, before, after map[string]string) {
	t.Helper()
	for a := range after {
		for b := range after {
			_, had := before[a]
			_, has := before[b]
			if a != b && layout.Alike(a, b) && (!had || !has) {
				t.Errorf("both %s and %s", a, b)
			}
		}
	}
}
