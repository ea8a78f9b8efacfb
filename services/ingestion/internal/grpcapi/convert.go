package grpcapi

import (
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/hedgehog"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/references"
	"fgdsync.dev/services/ingestion/internal/schema"
)

// requestFromProto reads an Ingest request.
func requestFromProto(req *ingestionv1.IngestRequest) (pipeline.Request, error) {
	if !req.GetCommitTime().IsValid() {
		return pipeline.Request{}, errs.Field("commit_time", "commit_time is no time between the years 1 and 9999.")
	}
	o := req.GetOptions()
	return pipeline.Request{
		Tree:   treeFromProto(req),
		Fabric: req.GetFabric().GetName(),
		Plan: plan.Options{
			Archive:           archives[o.GetArchiveStrategy()],
			Conflict:          conflicts[o.GetOnConflict()],
			QuarantineManaged: o.GetManagedInvalid() == fabricv1.ManagedInvalid_MANAGED_INVALID_QUARANTINE,
			QuarantineForeign: o.GetForeignFiles() == fabricv1.ForeignFiles_FOREIGN_FILES_QUARANTINE,
		},
		Schema:     schemaFromProto(o),
		References: referenceChoices[o.GetReferences()],
		Last:       lastFromProto(req),
		Retry:      req.GetRetryQuarantined(),
		RetryOf:    req.GetRetryPaths(),
		Release:    req.GetReleasePaths(),
		Refresh:    req.GetRefresh(),
		Only:       onlyFromProto(req.GetOnly()),
		Commit:     req.GetCommit(),
		Time:       req.GetCommitTime().AsTime(),
	}, nil
}

func schemaFromProto(o *fabricv1.Options) schema.Options {
	return schema.Options{
		RejectUnknown: o.GetUnknownFields() == fabricv1.UnknownFields_UNKNOWN_FIELDS_REJECT,
		StripServer:   o.GetServerFields() == fabricv1.ServerFields_SERVER_FIELDS_STRIP,
		Upgrade:       o == nil || o.UpgradeApiVersions == nil || o.GetUpgradeApiVersions(),
	}
}

func onlyFromProto(only *ingestionv1.OnlyFiles) *[]string {
	if only == nil {
		return nil
	}
	return new(only.GetPaths())
}

func lastFromProto(req *ingestionv1.IngestRequest) *document.Last {
	last := &document.Last{
		Resources: make([]document.LastResource, len(req.GetLastResources())), Complete: req.GetLastResourcesComplete(),
	}
	for i, r := range req.GetLastResources() {
		last.Resources[i] = document.LastResource{
			ID: keyFromProto(r.GetKey()), Path: r.GetPath(), APIVersion: r.GetApiVersion(), Blob: r.GetBlobId(),
		}
	}
	return last
}

func keyFromProto(k *reportv1.ResourceKey) hedgehog.ResourceID {
	return hedgehog.ResourceID{Group: k.GetGroup(), Kind: k.GetKind(), Namespace: k.GetNamespace(), Name: k.GetName()}
}

// inTree is a request about a tree.
type inTree interface {
	GetSnapshotId() string
	GetTree() string
}

func treeFromProto(req inTree) gittree.Ref {
	return gittree.Ref{Snapshot: req.GetSnapshotId(), ID: req.GetTree()}
}

// Choices of a fabric; one that a map does not have is its first.
var (
	archives = map[fabricv1.ArchiveStrategy]plan.Archive{
		fabricv1.ArchiveStrategy_ARCHIVE_STRATEGY_RENAME_WITH_EXTENSION: plan.ArchiveRename,
		fabricv1.ArchiveStrategy_ARCHIVE_STRATEGY_MOVE_TO_ARCHIVE_DIR:   plan.ArchiveMove,
		fabricv1.ArchiveStrategy_ARCHIVE_STRATEGY_BACKUP_WITH_TIMESTAMP: plan.ArchiveBackup,
	}
	referenceChoices = map[fabricv1.References]pipeline.References{
		fabricv1.References_REFERENCES_REJECT: pipeline.ReferencesReject,
		fabricv1.References_REFERENCES_OFF:    pipeline.ReferencesOff,
	}
	conflicts = map[fabricv1.OnConflict]plan.Conflict{
		fabricv1.OnConflict_ON_CONFLICT_KEEP_MANAGED: plan.ConflictKeep,
		fabricv1.OnConflict_ON_CONFLICT_QUARANTINE:   plan.ConflictQuarantine,
	}
)

var outcomes = map[plan.Outcome]ingestionv1.Outcome{
	plan.Created:     ingestionv1.Outcome_OUTCOME_CREATED,
	plan.Updated:     ingestionv1.Outcome_OUTCOME_UPDATED,
	plan.Duplicate:   ingestionv1.Outcome_OUTCOME_DUPLICATE,
	plan.Quarantined: ingestionv1.Outcome_OUTCOME_QUARANTINED,
	plan.Moved:       ingestionv1.Outcome_OUTCOME_MOVED,
	plan.KeptManaged: ingestionv1.Outcome_OUTCOME_KEPT_MANAGED,
}

func progressToProto(p pipeline.Progress) *ingestionv1.Progress {
	return &ingestionv1.Progress{
		FilesProcessed: count(p.Files), TotalFiles: count(p.TotalFiles), DocumentsProcessed: count(p.Documents),
		CurrentFile: p.Current,
	}
}

func itemToProto(item *plan.Item) *ingestionv1.DocumentResult {
	r := &ingestionv1.DocumentResult{File: item.File.Path, Outcome: outcomes[item.Outcome], Destination: item.Destination}
	if item.Doc != nil {
		number := count(item.Doc.Number)
		r.Document, r.Resource = &number, keyToProto(item.Doc.Identity)
	}
	return r
}

func keyToProto(id hedgehog.ResourceID) *reportv1.ResourceKey {
	if id == (hedgehog.ResourceID{}) {
		return nil
	}
	return &reportv1.ResourceKey{Group: id.Group, Kind: id.Kind, Namespace: id.Namespace, Name: id.Name}
}

func resourceToProto(r plan.Resource) *ingestionv1.Resource {
	return &ingestionv1.Resource{
		Key: keyToProto(r.Identity), Path: r.Path, ApiVersion: r.APIVersion, BlobId: r.Blob,
		Valid: r.Valid,
	}
}

func judgedToProto(judged pipeline.Judged) *ingestionv1.ValidateFilesResponse {
	return &ingestionv1.ValidateFilesResponse{
		Path: judged.Name, Documents: count(len(judged.Docs)), Findings: findingsToProto(judged.Findings),
	}
}

func findingToProto(f finding.Finding) *reportv1.Finding {
	out := &reportv1.Finding{
		Severity: severityToProto(f.Warning), Code: f.Code.ID, Name: f.Code.Name, Message: f.Message,
		File: f.File, Line: count(f.Line), Column: count(f.Column), Field: f.Field, Remedy: f.RemedyText(),
		Kind: reportv1.Kind(f.Code.Kind),
	}
	if f.Document >= 0 {
		number := count(f.Document)
		out.Document = &number
	}
	return out
}

func severityToProto(warning bool) reportv1.Severity {
	if warning {
		return reportv1.Severity_SEVERITY_WARNING
	}
	return reportv1.Severity_SEVERITY_ERROR
}

func countsToProto(list []finding.Count) []*ingestionv1.FindingCount {
	var out []*ingestionv1.FindingCount
	for _, c := range list {
		out = append(out, &ingestionv1.FindingCount{
			Severity: severityToProto(c.Warning), Code: c.Code.ID, Name: c.Code.Name, Number: count(c.Number),
		})
	}
	return out
}

func findingsToProto(list []finding.Finding) []*reportv1.Finding {
	var out []*reportv1.Finding
	for _, f := range list {
		out = append(out, findingToProto(f))
	}
	return out
}

func danglingToProto(list []references.Dangling) []*reportv1.DanglingReference {
	var out []*reportv1.DanglingReference
	for _, d := range list {
		out = append(out, &reportv1.DanglingReference{From: keyToProto(d.From), Field: d.Field, To: keyToProto(d.To)})
	}
	return out
}

// count fits a number into the contract's.
func count(n int) int32 { return int32(min(n, 1<<31-1)) }
