// Package auditapi serves AuditService: it shows the audit of a bridge to who may see it, hands it out, and has it
// verified.
package auditapi

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/bridge/internal/access"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/audit"
)

const (
	// maxLooked bounds the lines that are looked at for one page.
	maxLooked = 200_000
	// clockSlack is by how much a line may be older than those before it.
	clockSlack = time.Hour
	chunkBytes = 256 << 10
)

// Server implements fgd.bridge.v1.AuditService.
type Server struct {
	bridgev1.UnsafeAuditServiceServer
	log     *audit.Log // nil where nothing is written down
	teller  *audit.Teller
	fabrics fabricv1.FabricServiceClient
	views   fabricv1.DirectoryViewServiceClient
}

var _ bridgev1.AuditServiceServer = (*Server)(nil)

// New returns the server of an audit, which is nil where nothing is written down. The orchestrator knows the fabrics,
// what was committed to them, and other bridges.
func New(log *audit.Log, teller *audit.Teller, orchestrator grpc.ClientConnInterface) *Server {
	return &Server{
		log: log, teller: teller, fabrics: fabricv1.NewFabricServiceClient(orchestrator),
		views: fabricv1.NewDirectoryViewServiceClient(orchestrator),
	}
}

func noAudit() error {
	return errs.New(errs.AuditAbsent, "This bridge writes no audit.")
}

// ListAudit lists lines that the caller may see.
func (s *Server) ListAudit(
	ctx context.Context, req *bridgev1.ListAuditRequest,
) (answer *bridgev1.ListAuditResponse, err error) {
	if s.log == nil {
		return nil, noAudit()
	}
	before := int64(1) << 62
	if token := req.GetPageToken(); token != "" {
		if before, err = strconv.ParseInt(token, 10, 64); err != nil || before < 1 {
			return nil, errs.Field("page_token", "page_token is not one that was given out.")
		}
	}
	parts, err := s.log.Parts()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, parts.Close()) }()
	page := &page{
		req: req, caller: access.PrincipalOf(ctx), limit: int(apiv1.Limit(req.GetLimit(), apiv1.DefaultAudit)),
		answer: &bridgev1.ListAuditResponse{},
	}
	if err := parts.Newest(ctx, min(before, parts.Head.Seq+1), page.take); err != nil {
		return nil, err
	}
	return page.answer, nil
}

// page is an answer that is put together.
type page struct {
	req    *bridgev1.ListAuditRequest
	caller *access.Principal
	limit  int
	looked int
	answer *bridgev1.ListAuditResponse
}

// take takes a line, and reports whether there is to be another one.
func (p *page) take(line chain.Line) bool {
	if p.looked == maxLooked || len(p.answer.GetLines()) == p.limit {
		p.answer.NextPageToken = strconv.FormatInt(line.Seq+1, 10)
		return false
	}
	p.looked++
	if since := p.req.GetSince(); since != nil && line.Time.Before(since.AsTime().Add(-clockSlack)) {
		return false
	}
	if p.visible(line) && p.matches(line) {
		p.answer.Lines = append(p.answer.Lines, toProto(line))
	}
	return true
}

// visible reports whether the caller may see a line.
func (p *page) visible(line chain.Line) bool {
	if line.FabricID == 0 {
		return p.caller.AdminOfAll()
	}
	return p.caller.Sees(line.FabricID)
}

func (p *page) matches(line chain.Line) bool {
	r := p.req
	who := r.GetPrincipal()
	switch {
	case r.FabricId != nil && r.GetFabricId() != line.FabricID,
		who != "" && (line.Principal == nil || line.Principal.Name != who && line.Principal.Via != who),
		!strings.Contains(line.Action, r.GetAction()):
		return false
	}
	return within(line.Time, r.GetSince(), r.GetUntil())
}

func within(at time.Time, since, until *timestamppb.Timestamp) bool {
	return (since == nil || !at.Before(since.AsTime())) && (until == nil || at.Before(until.AsTime()))
}

// number returns a number of 32 bits, as all numbers of the API are. A log has no two thousand million lines.
func number(n int64) int32 { return int32(min(n, math.MaxInt32)) }

func toProto(l chain.Line) *bridgev1.AuditLine {
	out := &bridgev1.AuditLine{
		Log: l.Log, Seq: number(l.Seq), Prev: l.Prev, Hash: l.Hash, Id: l.ID, Stage: string(l.Stage),
		Time:   timestamppb.New(l.Time),
		Source: l.Source, Action: l.Action, FabricId: l.FabricID, SyncId: l.SyncID, Code: l.Code, Message: l.Message,
		CorrelationId: l.CorrelationID, TraceId: l.TraceID, Count: number(l.Count), ValidateOnly: l.ValidateOnly,
	}
	if p := l.Principal; p != nil {
		out.Principal = &bridgev1.AuditPrincipal{
			Name: p.Name, Method: p.Method, TokenId: p.TokenID, Subject: p.Subject, Via: p.Via,
		}
	}
	if o := l.Object; o != nil {
		out.Object = &bridgev1.AuditObject{Kind: o.Kind, Name: o.Name, Count: int32(o.Count)}
	}
	return out
}

// ExportAudit hands out all lines.
func (s *Server) ExportAudit(
	req *bridgev1.ExportAuditRequest, stream grpc.ServerStreamingServer[bridgev1.ExportAuditResponse],
) (err error) {
	if s.log == nil {
		return noAudit()
	}
	parts, err := s.log.Parts()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.Close()) }()
	var chunk []byte
	err = parts.Oldest(stream.Context(), func(raw []byte) error {
		line, err := exported(raw, req)
		if err != nil || line == nil {
			return err
		}
		if chunk = append(append(chunk, line...), '\n'); len(chunk) < chunkBytes {
			return nil
		}
		err = stream.Send(piece(chunk))
		chunk = nil
		return err
	})
	if err != nil || len(chunk) == 0 {
		return err
	}
	return stream.Send(piece(chunk))
}

// exported returns a line as it is handed out; nothing when it is not asked for.
func exported(raw []byte, req *bridgev1.ExportAuditRequest) ([]byte, error) {
	plain := req.GetFormat() != "ocsf"
	if plain && req.GetSince() == nil && req.GetUntil() == nil {
		return raw, nil
	}
	line, err := chain.Parse(raw)
	if err != nil && line.Seq == 0 { // nobody knows what it is about; who verifies finds it
		return nil, nil
	}
	switch {
	case !within(line.Time, req.GetSince(), req.GetUntil()):
		return nil, nil
	case plain:
		return raw, nil
	}
	return toOCSF(line)
}

// heads returns the logs of other bridges, and what else is known of this one.
func (s *Server) heads(ctx context.Context) (map[string]chain.Head, error) {
	told, err := s.teller.Heads(ctx)
	heads := map[string]chain.Head{}
	for _, text := range told {
		if head, ok := chain.ParseHead(text); ok {
			heads[head.Log] = head
		}
	}
	return heads, err
}

// piece returns the next lines. What is no text was put there by somebody else, and can't be sent as it is.
func piece(lines []byte) *bridgev1.ExportAuditResponse {
	return &bridgev1.ExportAuditResponse{Chunk: strings.ToValidUTF8(string(lines), "\uFFFD")}
}
