package httpapi

import "fmt"

// addExamples adds an example to the bodies of the main requests.
func (d *document) addExamples() error {
	for name, example := range examples() {
		definition := d.Definitions[name]
		if definition == nil {
			return fmt.Errorf("there is an example of %s, which is not defined", name)
		}
		definition.Example = example
	}
	return nil
}

// examples are bodies of requests by the names of their definitions.
func examples() map[string]object {
	const (
		repository = "https://github.com/example/network.git"
		directory  = "gitops/hedgehog/fabric-1"
		commit     = "5ea0f1e9b3c1d7a2468ace013579bdf02468ace1"
		kept       = "unmanaged/prepop.doc-12.yaml"
		netbox     = "https://netbox.example.com"
	)
	return map[string]object{
		"CreateFabricRequest": {
			"fabric_id": 35, "name": "fabric-1", "repository_url": repository, "branch": "main",
			"gitops_directory": directory, "credentials": object{"ref": "env:GIT_TOKEN"}, "sync_interval_seconds": 300,
			"options": object{"archive_strategy": "none", "on_conflict": "update"},
		},
		"UpdateFabricBody":       {"sync_interval_seconds": 600, "options": object{"publish_mode": "pull_request"}},
		"SuspendFabricBody":      {"reason": "The network is being rebuilt."},
		"CheckConnectionRequest": {"repository_url": repository, "credentials": object{"ref": "env:GIT_TOKEN"}},
		"TriggerSyncBody": {
			"trigger": "manual", "options": object{"validate_only": true, "if_running": "queue"},
			"request_id": "9f0c1d8e-6a55-4a53-9c7e-0d9d1a3b5c7f",
		},
		"InitializeDirectoryBody":  {"create_samples": true},
		"RestoreDirectoryBody":     {"commit": commit, "paths": []string{"managed/vpcs"}, "validate_only": true},
		"RetryQuarantinedBody":     {"paths": []string{kept}},
		"ReleaseQuarantinedBody":   {"paths": []string{kept}},
		"MendQuarantinedBody":      {"path": kept, "content": "kind: VPC\n…\n", "if_match": commit},
		"ReplayDeadLettersRequest": {"ids": []string{"0/1772366400000-0"}},
		"TestNotificationRequest":  {"target": "network-team"},
		"UpdateNetBoxRequest":      {"url": netbox, "token_ref": "file:netbox"},
		"CheckNetBoxRequest":       {"url": netbox, "token_ref": "file:netbox"},
		"SetUpNetBoxRequest": {
			"url": netbox, "admin_token": "nbt_0123456789ab.example", "plan_only": true,
			"webhook_address": "https://fgd.example.com", "allowed_networks": []string{"192.0.2.0/24"},
		},
		"RemoveNetBoxRequest": {"url": netbox, "admin_token": "nbt_0123456789ab.example", "plan_only": true},
		"DeliverRecordsBody":  {"confirm_deletions": false},
		"ResolveConflictBody": {
			"version": "9b1d5f0c2a7e", "take": "git",
			"choices": []object{
				{"path": "spec.subnets.default.vlan", "take": "netbox"},
				{"path": `annotations."example.com/owner"`, "take": "value", "value": "network"},
			},
		},
		"PutResourceBody": {
			"content": object{"spec": object{"subnets": []string{"10.10.0.0/16"}}}, "if_none_match": true,
		},
		"PatchResourceBody": {
			"patch":    object{"spec": object{"subnets": object{"default": object{"vlan": 1001}}}},
			"if_match": commit, "options": object{"validate_only": true},
		},
		"BatchEditResourcesBody": {"edits": []object{
			{"kind": "VPC", "name": "vpc-1", "patch": object{"labels": object{"tenant": "blue", "owner": nil}}},
			{"kind": "VPC", "name": "vpc-2", "delete": true},
		}},
	}
}
