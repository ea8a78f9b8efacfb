package grpcapi

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/ingestion/internal/dirlog"
	"fgdsync.dev/services/ingestion/internal/quarantine"
)

// ListQuarantine lists what is in quarantine.
func (s *Server) ListQuarantine(ctx context.Context,
	req *ingestionv1.ListQuarantineRequest,
) (*ingestionv1.ListQuarantineResponse, error) {
	files, err := s.pipeline.Quarantine(ctx, treeFromProto(req))
	if err != nil {
		return nil, err
	}
	response := &ingestionv1.ListQuarantineResponse{}
	for _, file := range files {
		response.Files = append(response.Files, quarantinedToProto(file))
	}
	return response, nil
}

func quarantinedToProto(f quarantine.File) *reportv1.QuarantinedFile {
	out := &reportv1.QuarantinedFile{Path: f.Path, BlobId: f.Blob, Size: f.Size, Changed: f.Changed()}
	r := f.Reason
	if r == nil {
		return out
	}
	out.Reason = reasonToProto(f.Path, r)
	out.Origin, out.OriginBlobId, out.OriginCommit = r.From, r.Blob, r.Commit
	if r.Document != nil {
		number := count(*r.Document)
		out.OriginDocument = &number
	}
	if !r.At.IsZero() {
		out.QuarantinedAt = timestamppb.New(r.At)
	}
	return out
}

func reasonToProto(p string, r *dirlog.Reason) *reportv1.Finding {
	return &reportv1.Finding{
		Severity: reportv1.Severity_SEVERITY_ERROR, Code: r.Code, Name: r.Name, Message: r.Message, File: p,
		Line: count(r.Line), Column: count(r.Column), Remedy: r.Remedy, Kind: reportv1.Kind_KIND_INVALID,
	}
}
