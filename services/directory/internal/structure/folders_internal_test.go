package structure

import (
	"strings"
	"testing"

	"fgdsync.dev/libs/gittree"
)

// TestAFolderLikeThatOfAKind is told from the one that it is like.
func TestAFolderLikeThatOfAKind(t *testing.T) {
	t.Parallel()
	kinds := Kinds{Required: []string{"vpcs", "connections"}, Known: []string{"gateways"}}
	for name, meant := range map[string]string{
		"vpcs-2": "managed/vpcs", "vpc": "managed/vpcs", "gateway": "managed/gateways", "tests": "", "drawings": "",
	} {
		issue := unknownFolders([]gittree.Entry{{Path: "managed/" + name + "/a.yaml"}}, kinds)[0]
		if _, said, _ := strings.Cut(issue.Message, "; perhaps "); strings.TrimSuffix(said, " is meant.") != meant {
			t.Errorf("%s: %s", name, issue.Message)
		}
	}
}
