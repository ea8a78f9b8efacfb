package remote

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Audit lists lines of the audit, the newest first: as many as the request says, of as many pages as it takes.
func (s System) Audit(ctx context.Context, req *bridgev1.ListAuditRequest) (*bridgev1.ListAuditResponse, error) {
	all, want := &bridgev1.ListAuditResponse{}, int(req.GetLimit())
	err := s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		for {
			req.Limit = int32(min(want-len(all.GetLines()), pageSize))
			page, err := bridgev1.NewAuditServiceClient(conn).ListAudit(ctx, req)
			if err != nil {
				return err
			}
			all.Lines, all.NextPageToken = append(all.Lines, page.GetLines()...), page.GetNextPageToken()
			req.PageToken = page.GetNextPageToken()
			if req.GetPageToken() == "" || len(all.GetLines()) >= want {
				return nil
			}
		}
	})
	return all, err
}

// VerifyAudit has the audit verified.
func (s System) VerifyAudit(
	ctx context.Context, req *bridgev1.VerifyAuditRequest,
) (answer *bridgev1.VerifyAuditResponse, err error) {
	err = s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err = bridgev1.NewAuditServiceClient(conn).VerifyAudit(ctx, req)
		return err
	})
	return answer, err
}

// ExportAudit writes the audit to w.
func (s System) ExportAudit(ctx context.Context, req *bridgev1.ExportAuditRequest, w io.Writer) error {
	return s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		stream, err := bridgev1.NewAuditServiceClient(conn).ExportAudit(ctx, req)
		if err != nil {
			return err
		}
		for {
			piece, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if _, err := io.WriteString(w, piece.GetChunk()); err != nil {
				return err
			}
		}
	})
}
