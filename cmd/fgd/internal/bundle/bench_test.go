package bundle

import (
	"fmt"
	"testing"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// BenchmarkDocument redacts what there is to see of 10,000 fabrics.
func BenchmarkDocument(b *testing.B) {
	list := &bridgev1.ListFabricsResponse{}
	for i := range 10_000 {
		list.Fabrics = append(list.Fabrics, &bridgev1.Fabric{
			FabricId: int32(i), Name: fmt.Sprint("fabric-", i),
			RepositoryUrl: fmt.Sprintf("https://git.example.com/team/%d.git", i),
			Branch:        "main", GitopsDirectory: fmt.Sprint("gitops/hedgehog/fabric-", i), State: "ok",
			LastSuccess: &bridgev1.LastSuccess{
				CommitSha: "86f0fba587babbfb72636fbc4e1ee06ce8127217",
				SyncId:    "01a230b5-c116-8b37-860c-c03400000001",
			},
			LastSync: &bridgev1.LastSync{
				SyncId: "01a230b5-c116-8b37-860c-c03400000001", State: "completed",
				Trigger: "manual",
			},
		})
	}
	r := NewRedactor([]string{"hunter2", "swordfish"})
	for b.Loop() {
		document, err := r.document(list)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(r.Known(document))))
	}
}
