// Package notifyapi serves fgd.bridge.v1.NotificationService.
package notifyapi

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/notify"
)

// Server implements fgd.bridge.v1.NotificationService.
type Server struct {
	bridgev1.UnsafeNotificationServiceServer
	notify *notify.Service
}

var _ bridgev1.NotificationServiceServer = (*Server)(nil)

// New returns the server.
func New(told *notify.Service) *Server { return &Server{notify: told} }

// Register adds the service to a server.
func (s *Server) Register(r grpc.ServiceRegistrar) { bridgev1.RegisterNotificationServiceServer(r, s) }

// GetNotifications shows the targets, and how each is.
func (s *Server) GetNotifications(
	ctx context.Context, _ *bridgev1.GetNotificationsRequest,
) (*bridgev1.GetNotificationsResponse, error) {
	all, err := s.notify.Standings(ctx)
	if err != nil {
		return nil, err
	}
	out := &bridgev1.GetNotificationsResponse{}
	for _, one := range all {
		out.Targets = append(out.Targets, targetToProto(one))
	}
	return out, nil
}

// TestNotification tries a target.
func (s *Server) TestNotification(
	ctx context.Context, req *bridgev1.TestNotificationRequest,
) (*bridgev1.TestNotificationResponse, error) {
	tried, err := s.notify.Try(ctx, req.GetTarget())
	if err != nil {
		return nil, err
	}
	return &bridgev1.TestNotificationResponse{
		Taken: tried.Error == "", Status: apiv1.Number(int64(tried.Status)), TookMs: apiv1.Number(tried.Took.Milliseconds()),
		Error: tried.Error, Remedy: tried.Remedy,
	}, nil
}

func targetToProto(s notify.Standing) *bridgev1.NotificationTarget {
	return &bridgev1.NotificationTarget{
		Name: s.Name, Form: s.Form, Causes: s.Causes, FabricIds: s.Fabrics, Waiting: apiv1.Number(s.Waiting),
		DeadLetters: apiv1.Number(s.DeadLetters), LastSentAt: timeToProto(s.SentAt), LastFailedAt: timeToProto(s.FailedAt),
		LastError: s.Error,
	}
}

// timeToProto returns a time; nothing for none.
func timeToProto(at time.Time) *timestamppb.Timestamp {
	if at.IsZero() {
		return nil
	}
	return timestamppb.New(at)
}
