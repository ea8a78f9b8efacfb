package bridge_test

import (
	"strings"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

func refusedConflicts() map[string][]refused {
	const resolve = "POST /api/v1/fabrics/35/conflicts/c-1:resolve "
	long := strings.Repeat("x", 64)
	return map[string][]refused{
		"ConflictService.ListConflicts": {
			{
				"state", "GET /api/v1/fabrics/35/conflicts?state=good",
				&bridgev1.ListConflictsRequest{FabricId: 35, State: "good"},
			},
			{
				"kind", "GET /api/v1/fabrics/35/conflicts?kind=" + long,
				&bridgev1.ListConflictsRequest{FabricId: 35, Kind: long},
			},
			{
				"limit", "GET /api/v1/fabrics/35/conflicts?limit=1001",
				&bridgev1.ListConflictsRequest{FabricId: 35, Limit: 1001},
			},
			{
				"page_token", "GET /api/v1/fabrics/35/conflicts?page_token=x",
				&bridgev1.ListConflictsRequest{FabricId: 35, PageToken: "x"},
			},
		},
		"ConflictService.GetConflict": {
			{"fabric_id", "GET /api/v1/fabrics/0/conflicts/c-1", &bridgev1.GetConflictRequest{ConflictId: "c-1"}},
			{"verbose", "GET /api/v1/fabrics/35/conflicts/c-1?verbose=true", nil},
		},
		"ConflictService.ResolveConflict": {
			{
				"version", resolve + `{"take":"git"}`,
				&bridgev1.ResolveConflictRequest{FabricId: 35, ConflictId: "c-1", Take: "git"},
			},
			{
				"take", resolve + `{"version":"v","take":"hnp"}`,
				&bridgev1.ResolveConflictRequest{FabricId: 35, ConflictId: "c-1", Version: "v", Take: "hnp"},
			},
			{
				"choices[0].take", resolve + `{"version":"v","choices":[{"path":"spec"}]}`,
				&bridgev1.ResolveConflictRequest{
					FabricId: 35, ConflictId: "c-1", Version: "v", Choices: []*bridgev1.ConflictChoice{{Path: "spec"}},
				},
			},
		},
	}
}
