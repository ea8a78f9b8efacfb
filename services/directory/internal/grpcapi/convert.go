package grpcapi

import (
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/directory/internal/structure"
)

func reportToProto(r structure.Report) *directoryv1.DirectoryReport {
	return &directoryv1.DirectoryReport{
		Valid: r.Valid(), FileCounts: r.FileCounts, Issues: issuesToProto(r.Issues), Owner: ownerToProto(r.Owner),
	}
}

func ownerToProto(o structure.Owner) *directoryv1.FabricIdentity {
	if o.ID == 0 {
		return nil
	}
	return &directoryv1.FabricIdentity{FabricId: o.ID, Name: o.Name}
}

func issuesToProto(issues []structure.Issue) []*directoryv1.Issue {
	out := make([]*directoryv1.Issue, 0, len(issues))
	for _, issue := range issues {
		out = append(out, issueToProto(issue))
	}
	return out
}

func issueToProto(i structure.Issue) *directoryv1.Issue {
	severity := reportv1.Severity_SEVERITY_WARNING
	if i.Error {
		severity = reportv1.Severity_SEVERITY_ERROR
	}
	return &directoryv1.Issue{
		CanAutoRepair: i.AutoRepair,
		Finding: &reportv1.Finding{
			Severity: severity, Code: i.Code.ID, Name: i.Code.Name, Message: i.Message, File: i.Path, Remedy: i.Remedy,
			Kind: reportv1.Kind(i.Code.Kind),
		},
	}
}
