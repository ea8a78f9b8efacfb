package bridge_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// sent returns how many bytes of a page go over the wire to a browser, which takes gzip.
func (v *visitor) sent(path string) int {
	v.t.Helper()
	a := v.request("GET", path, "", header{"Accept-Encoding", "gzip"})
	if a.status != 200 {
		v.t.Fatalf("%s: %d", path, a.status)
	}
	return len(a.raw)
}

// TestTheListOfFabricsIsSmall: a page of the list, each of whose fabrics has something to tell.
func TestTheListOfFabricsIsSmall(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	v.signIn(v.bootstrap)
	v.backend.mu.Lock()
	for id := range int32(40) {
		v.backend.fabrics[id+1] = telling(id + 1)
	}
	v.backend.mu.Unlock()
	page := v.page("/")
	if rows := strings.Count(page, "<tr data-row"); rows != 40 || len(page) > 60_000 {
		t.Errorf("%d rows in %d bytes, at most 60,000", rows, len(page))
	}
	t.Logf("a page of 40 fabrics: %d bytes, packed %d", len(page), v.sent("/"))
}

// telling is a fabric of which everything is known that there may be.
func telling(id int32) *fabricv1.Fabric {
	long := strings.Repeat("network-", 6)
	return &fabricv1.Fabric{
		FabricId: id, Name: fmt.Sprintf("fabric-%s%d", long, id), CreatedAt: timestamppb.Now(), UpdatedAt: timestamppb.Now(),
		RepositoryKey: "git.example/x", NextSyncAt: timestamppb.Now(),
		Location: &gitv1.Location{
			RepositoryUrl: "https://git.example.com/" + long + "/fabrics.git", Branch: "main",
			Directory: fmt.Sprintf("gitops/hedgehog/fabric-%d", id),
		},
		Status: &fabricv1.FabricStatus{
			State:  fabricv1.FabricState_FABRIC_STATE_DEGRADED,
			Reason: &reportv1.Finding{Code: "FGD_1003", Message: strings.Repeat("Files wait in quarantine. ", 4)},
			Published: &fabricv1.PublishedState{
				Commit: commitA, CompletedAt: timestamppb.Now(), ResourcesTotal: 1234, QuarantinedFiles: proto.Int32(17),
				CommitUrl: "https://git.example.com/" + long + "/fabrics/commit/" + commitA,
			},
		},
	}
}

// TestTheFirstPageIsSmall: the page with all that it needs, packed.
func TestTheFirstPageIsSmall(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	v.register(35)
	v.signIn(v.bootstrap)
	total := v.sent("/")
	for _, asset := range regexp.MustCompile(`(?:src|href)="(/assets/[^"]*)"`).FindAllStringSubmatch(v.page("/"), -1) {
		if !strings.HasSuffix(asset[1], ".svg") { // it is there twice, and a browser asks once
			total += v.sent(asset[1])
		}
	}
	t.Logf("the first page: %d bytes", total)
	if total > 40_000 {
		t.Errorf("%d bytes, at most 40,000", total)
	}
}
