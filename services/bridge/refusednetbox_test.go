package bridge_test

import (
	"fmt"
	"strings"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

func refusedNetBox() map[string][]refused {
	long := strings.Repeat("x", 501)
	url := fmt.Sprintf(`{"url":%q}`, long)
	return map[string][]refused{
		"NetBoxService.GetNetBox": {{"verbose", "GET /api/v1/netbox?verbose=true", nil}},
		"NetBoxService.UpdateNetBox": {
			{"url", "PATCH /api/v1/netbox " + url, &bridgev1.UpdateNetBoxRequest{Url: &long}},
			{
				"url", `PATCH /api/v1/netbox {"url":"ftp://netbox"}`,
				&bridgev1.UpdateNetBoxRequest{Url: new("ftp://netbox")},
			},
			{"token", "PATCH /api/v1/netbox " + `{"token":"x"}`, nil},
		},
		"NetBoxService.CheckNetBox": {
			{"url", "POST /api/v1/netbox:check " + url, &bridgev1.CheckNetBoxRequest{Url: long}},
			{
				"url", "POST /api/v1/netbox:check " + `{"url":"https://u:p@h","token_ref":"file:a"}`,
				&bridgev1.CheckNetBoxRequest{Url: "https://u:p@h", TokenRef: "file:a"},
			},
			{"url", "POST /api/v1/netbox:check {}", &bridgev1.CheckNetBoxRequest{}},
		},
		"NetBoxService.SetUpNetBox": {
			{
				"admin_token", "POST /api/v1/netbox:setUp " + `{"url":"https://netbox.example.com"}`,
				&bridgev1.SetUpNetBoxRequest{Url: "https://netbox.example.com"},
			},
			{
				"allowed_networks[0]",
				`POST /api/v1/netbox:setUp {"url":"https://netbox.example.com","admin_token":"x","allowed_networks":["home"]}`,
				&bridgev1.SetUpNetBoxRequest{
					Url: "https://netbox.example.com", AdminToken: "x", AllowedNetworks: []string{"home"},
				},
			},
			{
				"webhook_address",
				`POST /api/v1/netbox:setUp {"url":"https://netbox.example.com","admin_token":"x","webhook_address":"fgd"}`,
				&bridgev1.SetUpNetBoxRequest{Url: "https://netbox.example.com", AdminToken: "x", WebhookAddress: "fgd"},
			},
		},
		"NetBoxService.RemoveNetBox": {
			{
				"admin_token", "POST /api/v1/netbox:remove " + `{"url":"https://netbox.example.com"}`,
				&bridgev1.RemoveNetBoxRequest{Url: "https://netbox.example.com"},
			},
		},
		"NetBoxService.ListNetBoxFabrics": {
			{"url", "GET /api/v1/netbox/fabrics", &bridgev1.ListNetBoxFabricsRequest{}},
		},
		"NetBoxService.ListReceipts": {
			{
				"limit", "GET /api/v1/fabrics/35/receipts?limit=1001",
				&bridgev1.ListReceiptsRequest{FabricId: 35, Limit: 1001},
			},
			{
				"state", "GET /api/v1/fabrics/35/receipts?state=good",
				&bridgev1.ListReceiptsRequest{FabricId: 35, State: "good"},
			},
			{
				"page_token", "GET /api/v1/fabrics/35/receipts?page_token=x",
				&bridgev1.ListReceiptsRequest{FabricId: 35, PageToken: "x"},
			},
			{"fabric_id", "GET /api/v1/fabrics/0/receipts", &bridgev1.ListReceiptsRequest{}},
		},
		"NetBoxService.DeliverRecords": {
			{
				"fabric_id", "POST /api/v1/fabrics/0/receipts:deliver {}", &bridgev1.DeliverRecordsRequest{},
			},
		},
	}
}
