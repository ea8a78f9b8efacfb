package remote

import (
	"context"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Notifications returns the targets of notifications, and how each is.
func (s System) Notifications(ctx context.Context) (*bridgev1.GetNotificationsResponse, error) {
	return ask(ctx, s, bridgev1.NewNotificationServiceClient, bridgev1.NotificationServiceClient.GetNotifications,
		&bridgev1.GetNotificationsRequest{})
}

// TestNotification sends a message to a target, once, and returns what came of it.
func (s System) TestNotification(ctx context.Context, target string) (*bridgev1.TestNotificationResponse, error) {
	return ask(ctx, s, bridgev1.NewNotificationServiceClient, bridgev1.NotificationServiceClient.TestNotification,
		&bridgev1.TestNotificationRequest{Target: target})
}
