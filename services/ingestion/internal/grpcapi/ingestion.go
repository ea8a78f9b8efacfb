// Package grpcapi is the ingestion over gRPC: messages in and out, and what is counted on the way.
package grpcapi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"google.golang.org/grpc"

	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
)

// batchItems is how many items a message of results has at most.
const batchItems = 500

// Server serves the IngestionService.
type Server struct {
	ingestionv1.UnsafeIngestionServiceServer
	pipeline *pipeline.Pipeline
	metrics  *Metrics
	log      *slog.Logger
	now      func() time.Time
}

var _ ingestionv1.IngestionServiceServer = (*Server)(nil)

// New returns a server.
func New(p *pipeline.Pipeline, metrics *Metrics, log *slog.Logger, now func() time.Time) *Server {
	return &Server{pipeline: p, metrics: metrics, log: log, now: now}
}

// Discover says which files would be ingested.
func (s *Server) Discover(ctx context.Context, req *ingestionv1.DiscoverRequest) (*ingestionv1.DiscoverResponse,
	error,
) {
	inv, err := s.pipeline.Discover(ctx, treeFromProto(req))
	if err != nil {
		return nil, err
	}
	response := &ingestionv1.DiscoverResponse{Findings: findingsToProto(inv.Findings)}
	for _, source := range inv.Sources {
		switch {
		case source.Managed:
			response.ManagedFiles++
			response.Managed = append(response.Managed, source.Path)
		case !source.Unlogged: // such a file waits only when it is valid
			response.Inputs = append(response.Inputs, source.Path)
		}
		if source.Problem != nil {
			response.Findings = append(response.Findings, findingToProto(*source.Problem))
		}
	}
	return response, nil
}

// Ingest ingests a tree.
func (s *Server) Ingest(req *ingestionv1.IngestRequest,
	stream grpc.ServerStreamingServer[ingestionv1.IngestResponse],
) error {
	r, err := requestFromProto(req)
	if err != nil {
		return err
	}
	r.Notify = func(p pipeline.Progress) error {
		part := &ingestionv1.IngestResponse_Progress{Progress: progressToProto(p)}
		return stream.Send(&ingestionv1.IngestResponse{Part: part})
	}
	started := s.now()
	result, err := s.pipeline.Ingest(stream.Context(), r)
	if err != nil {
		return err
	}
	s.metrics.observe(result, s.now().Sub(started))
	s.log.DebugContext(stream.Context(), "tree ingested", "fabric", r.Fabric, "files", result.Files, "documents",
		result.Documents,
		"changed", result.Tree != r.Tree.ID)
	summary := summaryToProto(result)
	summary.ResourcesKnown = result.Digest == req.GetKnownDigest()
	if err := sendResults(stream, result, summary.GetResourcesKnown()); err != nil {
		return err
	}
	return stream.Send(&ingestionv1.IngestResponse{Part: &ingestionv1.IngestResponse_Summary{Summary: summary}})
}

func summaryToProto(result *pipeline.Result) *ingestionv1.IngestSummary {
	quarantined := 0
	for _, item := range result.Plan.Items {
		if item.Outcome == plan.Quarantined {
			quarantined++
		}
	}
	return &ingestionv1.IngestSummary{
		Tree: result.Tree, FilesProcessed: count(result.Files), DocumentsProcessed: count(result.Documents),
		Quarantined: count(quarantined), ResourcesTotal: count(len(result.Plan.Resources)), Digest: result.Digest,
		FindingCounts: countsToProto(result.Counts),
	}
}

// sendResults sends what was done and found, in batches. Resources that the caller knows are left out, and with them
// the references that dangle: they are those of the last time.
func sendResults(stream grpc.ServerStreamingServer[ingestionv1.IngestResponse], result *pipeline.Result,
	known bool,
) error {
	var documents []*ingestionv1.DocumentResult
	for _, item := range result.Plan.Items {
		if item.Outcome != plan.Stays {
			documents = append(documents, itemToProto(item))
		}
	}
	for _, r := range result.Released {
		documents = append(documents, &ingestionv1.DocumentResult{
			File: r.From, Outcome: ingestionv1.Outcome_OUTCOME_RELEASED,
			Destination: r.To,
		})
	}
	var resources []*ingestionv1.Resource
	var dangling []*reportv1.DanglingReference
	if !known {
		dangling = danglingToProto(result.Plan.Dangling)
		for _, r := range result.Plan.Resources {
			resources = append(resources, resourceToProto(r))
		}
	}
	err := inBatches(documents, func(part []*ingestionv1.DocumentResult) error {
		return sendBatch(stream, &ingestionv1.IngestResults{Documents: part})
	})
	if err != nil {
		return err
	}
	err = inBatches(findingsToProto(result.Findings), func(part []*reportv1.Finding) error {
		return sendBatch(stream, &ingestionv1.IngestResults{Findings: part})
	})
	if err != nil {
		return err
	}
	err = inBatches(dangling, func(part []*reportv1.DanglingReference) error {
		return sendBatch(stream, &ingestionv1.IngestResults{DanglingReferences: part})
	})
	if err != nil {
		return err
	}
	return inBatches(resources, func(part []*ingestionv1.Resource) error {
		return sendBatch(stream, &ingestionv1.IngestResults{Resources: part})
	})
}

func sendBatch(stream grpc.ServerStreamingServer[ingestionv1.IngestResponse],
	results *ingestionv1.IngestResults,
) error {
	return stream.Send(&ingestionv1.IngestResponse{Part: &ingestionv1.IngestResponse_Results{Results: results}})
}

func inBatches[T any](items []T, send func([]T) error) error {
	for len(items) > 0 {
		n := min(batchItems, len(items))
		if err := send(items[:n]); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}

// ValidateFiles judges files that are sent along.
func (s *Server) ValidateFiles(stream grpc.BidiStreamingServer[ingestionv1.ValidateFilesRequest,
	ingestionv1.ValidateFilesResponse],
) error {
	validation := s.pipeline.Validate()
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return sendRest(stream, validation)
		}
		if err != nil {
			return err
		}
		judged, err := validation.File(stream.Context(), pipeline.Loose{
			Name: req.GetPath(), InDirectory: req.GetPathInDirectory(), Content: req.GetContent(),
		})
		if err != nil {
			return err
		}
		if err := stream.Send(judgedToProto(judged)); err != nil {
			return err
		}
	}
}

func sendRest(stream grpc.ServerStreamingServer[ingestionv1.ValidateFilesResponse],
	validation *pipeline.Validation,
) error {
	for _, judged := range validation.Rest() {
		if err := stream.Send(judgedToProto(judged)); err != nil {
			return err
		}
	}
	return nil
}
