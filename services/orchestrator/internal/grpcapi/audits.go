package grpcapi

import (
	"context"

	"fgdsync.dev/libs/chain"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

// RecordAuditHead remembers the head of the audit of a bridge, and returns those of all.
func (t *Tokens) RecordAuditHead(
	ctx context.Context, req *accessv1.RecordAuditHeadRequest,
) (*accessv1.RecordAuditHeadResponse, error) {
	if head, ok := chain.ParseHead(req.GetHead()); ok {
		if err := t.heads.RecordAuditHead(ctx, head); err != nil {
			return nil, err
		}
	}
	heads, err := t.heads.AuditHeads(ctx)
	if err != nil {
		return nil, err
	}
	return &accessv1.RecordAuditHeadResponse{Heads: heads}, nil
}
