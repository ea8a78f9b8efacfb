package apiv1

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/health"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// ComponentToAPI shows how a component is, and the service that it is a part of; empty for a service itself.
func ComponentToAPI(s health.State, service string) *bridgev1.ComponentHealth {
	c := BareComponentToAPI(s, service)
	c.Since = timestamppb.New(s.Since)
	if s.Status != health.Healthy {
		c.Reason, c.Remedy, c.Details = proto.String(s.Reason), proto.String(s.Remedy), s.Details
	}
	return c
}

// BareComponentToAPI is ComponentToAPI for who may not see every fabric. Reasons name hosts, folders and repositories.
func BareComponentToAPI(s health.State, service string) *bridgev1.ComponentHealth {
	c := &bridgev1.ComponentHealth{Name: s.Name, Status: s.Status.String()}
	if service != "" {
		c.Service = proto.String(service)
	}
	if s.Status != health.Healthy && s.Code != "" {
		c.Code = proto.String(s.Code)
	}
	return c
}
