package ingestion_test

import (
	"slices"
	"strings"
	"testing"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	"fgdsync.dev/testkit/treestore"
)

// said is a VPC with a name and a subnet that says something.
func said(name, says string) string {
	return "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nmetadata: {name: " + name + "}\n" +
		"spec:\n  subnets:\n    a: " + says + "\n"
}

// TestCompareMeaning: the order of keys, comments, quotes and style make no difference, nor do the file that a document
// is in, and what the system writes beside it. What a document says does, and so does whether it is in quarantine.
func TestCompareMeaning(t *testing.T) {
	t.Parallel()
	const plain = "{subnet: 10.0.1.0/24, vlan: 1001}"
	other := `kind: "VPC" # the same
spec: {subnets: {a: {vlan: 1001, "subnet": '10.0.1.0/24'}}}
metadata:
  annotations:
    hnp.githedgehog.com/managed-by: hedgehog-netbox-plugin
  namespace: default
  name: words
apiVersion: vpc.githedgehog.com/v1beta1
`
	both := said("c", plain) + "---\n" + said("d", plain)
	same := map[string][2]string{
		"managed/vpcs/words.yaml": {said("words", plain), other},
		"managed/vpcs/yes.yaml":   {said("yes", "{dhcp: {enable: yes}}"), said("yes", "{dhcp: {enable: true}}")},
		"raw/two.yaml":            {both, ""},
		"managed/vpcs/c.yaml":     {"", said("c", plain)},
		"managed/vpcs/d.yaml":     {"", said("d", plain)},
		"once.yaml":               {said("once", plain), ""},
		"twice.yaml":              {said("once", plain), ""},
		"managed/vpcs/once.yaml":  {"", said("once", plain)},
		"raw/words.yaml":          {"# words alone\n", ""},
		".hnp/manifest.yaml":      {"a: 1\n", "a: 2\n"},
		"raw/x.yaml.archived":     {"", both},
	}
	differ := map[string][2]string{
		"managed/vpcs/vlan.yaml":  {said("vlan", "{vlan: 1}"), said("vlan", "{vlan: 2}")},
		"managed/vpcs/text.yaml":  {said("text", "{isolated: yes}"), said("text", `{isolated: "yes"}`)},
		"managed/vpcs/gone.yaml":  {said("gone", plain), ""},
		"managed/vpcs/put.yaml":   {said("put", plain), ""},
		"unmanaged/put.yaml":      {"", said("put", plain)},
		"managed/vpcs/part.yaml":  {said("words", plain) + "---\n" + said("part", plain), said("words", plain)},
		"managed/vpcs/bad.yaml":   {"kind: [\n", "kind: [ \n"},
		"README.md":               {"# a\n", "# b\n"},
		"managed/vpcs/large.yaml": {said("large", plain), said("large", plain) + strings.Repeat("# x\n", 3<<20)},
	}
	store := treestore.New()
	client := withTrees(t, store)
	snapshot, _ := store.Open(map[string]string{"raw/.gitkeep": ""})
	request := &ingestionv1.CompareMeaningRequest{SnapshotId: snapshot}
	var want []string
	for _, some := range []map[string][2]string{same, differ} {
		for path, texts := range some {
			request.Changes = append(request.Changes, change(store, path, texts))
		}
		if want == nil {
			for _, c := range request.GetChanges() {
				want = append(want, c.GetPath())
			}
		}
	}
	link := change(store, "managed/vpcs/link.yaml", [2]string{said("link", plain), said("link", plain)})
	link.NewMode = gitv1.FileMode_FILE_MODE_SYMLINK
	request.Changes = append(request.Changes, link)
	answer, err := client.CompareMeaning(t.Context(), request)
	if err != nil || !slices.Equal(answer.GetPaths(), want) {
		t.Errorf("the same mean %q, not %q; %v", answer.GetPaths(), want, err)
	}
}

// change is what became of a file that said the one thing and says the other; nothing where it is not there.
func change(store *treestore.Store, path string, texts [2]string) *gitv1.FileChange {
	c := &gitv1.FileChange{Path: path}
	if texts[0] != "" {
		c.OldBlobId, c.OldMode = store.PutBlob([]byte(texts[0])), gitv1.FileMode_FILE_MODE_REGULAR
	}
	if texts[1] != "" {
		c.NewBlobId, c.NewMode = store.PutBlob([]byte(texts[1])), gitv1.FileMode_FILE_MODE_REGULAR
	}
	return c
}
