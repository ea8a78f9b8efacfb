package health

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	healthv1 "fgdsync.dev/proto/fgd/health/v1"
)

// Components serves what a monitor finds out.
type Components struct {
	healthv1.UnsafeComponentServiceServer
	monitor *Monitor
}

var _ healthv1.ComponentServiceServer = (*Components)(nil)

// NewComponents returns a server over a monitor.
func NewComponents(m *Monitor) *Components { return &Components{monitor: m} }

// ListComponents finds out how a service and its parts are.
func (c *Components) ListComponents(
	ctx context.Context, req *healthv1.ListComponentsRequest,
) (*healthv1.ListComponentsResponse, error) {
	found, err := c.monitor.Look(ctx, req.GetService())
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errs.New(errs.PathNotFound, "There is no service %q in this process.", req.GetService()).
			WithRemedy("Correct the address that leads here.")
	}
	out := &healthv1.ListComponentsResponse{}
	for _, state := range found {
		out.Components = append(out.Components, toProto(state))
	}
	return out, nil
}

func toProto(s State) *healthv1.Component {
	return &healthv1.Component{
		Name: s.Name, Status: healthv1.Status(s.Status + 1), Since: timestamppb.New(s.Since), Reason: s.Reason,
		Remedy: s.Remedy, Code: s.Code, Details: s.Details,
	}
}

// FromProto returns how a component is that another process has told of.
func FromProto(c *healthv1.Component) State {
	state := State{
		Name: c.GetName(), Status: Unknown, Since: c.GetSince().AsTime(), Reason: c.GetReason(), Remedy: c.GetRemedy(),
		Code: c.GetCode(), Details: c.GetDetails(),
	}
	if s := c.GetStatus(); s >= healthv1.Status_STATUS_HEALTHY && s <= healthv1.Status_STATUS_UNKNOWN {
		state.Status = Status(s - 1)
	}
	return state
}
