package bridge_test

import bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"

func refusedResources() map[string][]refused {
	const one = " /api/v1/fabrics/35/resources/VPC/default/vpc-1"
	return map[string][]refused{
		"ResourceService.ListResources": {{
			"limit", "GET /api/v1/fabrics/35/resources?limit=1001", &bridgev1.ListResourcesRequest{FabricId: 35, Limit: 1001},
		}},
		"ResourceService.GetResource": {{
			"fabric_id", "GET /api/v1/fabrics/0/resources/VPC/default/vpc-1",
			&bridgev1.GetResourceRequest{Kind: "VPC", Namespace: "default", Name: "vpc-1"},
		}},
		"ResourceService.GetReferences": {{
			"fabric_id", "GET /api/v1/fabrics/0/resources/VPC/default/vpc-1/references",
			&bridgev1.GetReferencesRequest{Kind: "VPC", Namespace: "default", Name: "vpc-1"},
		}},
		"ResourceService.GetTopology": {{"fabric_id", "GET /api/v1/fabrics/0/topology", &bridgev1.GetTopologyRequest{}}},
		"ResourceService.ListResourceChanges": {{
			"limit", "GET" + one + "/history?limit=101", &bridgev1.ListResourceChangesRequest{
				FabricId: 35, Kind: "VPC", Namespace: "default", Name: "vpc-1", Limit: 101,
			},
		}},
		"ResourceService.PutResource": {
			{
				"content", "PUT" + one + " {}",
				&bridgev1.PutResourceRequest{FabricId: 35, Kind: "VPC", Namespace: "default", Name: "vpc-1"},
			},
			{
				"if_match", "PUT" + one + ` {"content":{},"if_match":"x"}`, &bridgev1.PutResourceRequest{
					FabricId: 35, Kind: "VPC", Namespace: "default", Name: "vpc-1", Content: &bridgev1.ResourceContent{}, IfMatch: "x",
				},
			},
		},
		"ResourceService.PatchResource": {{
			"patch", "PATCH" + one + " {}",
			&bridgev1.PatchResourceRequest{FabricId: 35, Kind: "VPC", Namespace: "default", Name: "vpc-1"},
		}},
		"ResourceService.DeleteResource": {{
			"if_match", "DELETE" + one + "?if_match=x", &bridgev1.DeleteResourceRequest{
				FabricId: 35, Kind: "VPC", Namespace: "default", Name: "vpc-1", IfMatch: "x",
			},
		}},
		"ResourceService.BatchEditResources": {
			{"edits", "POST /api/v1/fabrics/35/resources:batch {}", &bridgev1.BatchEditResourcesRequest{FabricId: 35}},
			{
				"edits[0].change", `POST /api/v1/fabrics/35/resources:batch {"edits":[{"kind":"VPC","name":"a"}]}`,
				&bridgev1.BatchEditResourcesRequest{FabricId: 35, Edits: []*bridgev1.ResourceEdit{{Kind: "VPC", Name: "a"}}},
			},
		},
	}
}
