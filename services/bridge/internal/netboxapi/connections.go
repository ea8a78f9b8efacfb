package netboxapi

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/services/bridge/internal/netboxdefault"
	"fgdsync.dev/services/bridge/internal/netboxdial"
	"fgdsync.dev/services/bridge/internal/netboxsetup"
)

// askedAtOnce is how many are asked at the same time.
const askedAtOnce = 8

// The states of a connection.
const (
	reachable   = "reachable"
	unreachable = "unreachable"
	denied      = "denied"
)

// connections asks the NetBoxes that fabrics are linked to how they are, each with the token of one of them.
func (s *Server) connections(ctx context.Context) ([]*bridgev1.NetBoxConnection, error) {
	all, err := s.deps.Fabrics.ListFabrics(ctx, &fabricv1.ListFabricsRequest{})
	if err != nil {
		return nil, err
	}
	byURL, refs := map[string]*bridgev1.NetBoxConnection{}, map[string]string{}
	for _, fabric := range all.GetFabrics() {
		link := fabric.GetNetbox()
		if link == nil {
			continue
		}
		c := byURL[link.GetUrl()]
		if c == nil {
			c = &bridgev1.NetBoxConnection{Url: link.GetUrl()}
			byURL[link.GetUrl()], refs[link.GetUrl()] = c, link.GetTokenRef()
		}
		c.FabricIds = append(c.FabricIds, fabric.GetFabricId())
	}
	var out []*bridgev1.NetBoxConnection
	var asking errgroup.Group
	asking.SetLimit(askedAtOnce)
	for _, url := range slices.Sorted(maps.Keys(byURL)) {
		c := byURL[url]
		out = append(out, c)
		asking.Go(func() error {
			s.ask(ctx, c, refs[url])
			return nil
		})
	}
	return out, asking.Wait()
}

// ask notes how a NetBox is.
func (s *Server) ask(ctx context.Context, c *bridgev1.NetBoxConnection, tokenRef string) {
	client, err := s.deps.Dialer.Connect(c.GetUrl(), tokenRef, netboxdial.Bare)
	if err != nil {
		c.State, c.Reason = denied, netboxsetup.Sentence(err)
		return
	}
	status, err := netboxsetup.Ask(ctx, client)
	switch {
	case hnp.Is(err, hnp.Denied), hnp.Is(err, hnp.Forbidden):
		c.State, c.Reason = denied, netboxsetup.Sentence(err)
	case err != nil:
		c.State, c.Reason = unreachable, netboxsetup.Sentence(err)
	default:
		c.State, c.Version = reachable, status.Version
	}
}

// ListNetBoxFabrics lists the fabrics that a NetBox knows.
func (s *Server) ListNetBoxFabrics(
	ctx context.Context, req *bridgev1.ListNetBoxFabricsRequest,
) (*bridgev1.ListNetBoxFabricsResponse, error) {
	after := int64(0)
	if token := req.GetPageToken(); token != "" {
		number, err := strconv.ParseInt(token, 10, 32)
		if err != nil {
			return nil, errs.Field("page_token", "page_token is not one that was given out.")
		}
		after = number
	}
	chosen, client, err := s.chosen(ctx, req.GetUrl(), req.GetTokenRef())
	if err != nil {
		return nil, err
	}
	if _, err := netboxsetup.Ask(ctx, client); err != nil {
		return nil, netboxsetup.Explain(err)
	}
	found, err := client.Sources(ctx)
	if err != nil {
		return nil, netboxsetup.Explain(err)
	}
	linked, err := s.linkedTo(ctx, chosen)
	if err != nil {
		return nil, err
	}
	out := &bridgev1.ListNetBoxFabricsResponse{Total: apiv1.Number(int64(len(found)))}
	limit := int(apiv1.Limit(req.GetLimit(), apiv1.DefaultLinks))
	for _, f := range found {
		if f.ID <= after {
			continue
		}
		if len(out.GetFabrics()) == limit {
			out.NextPageToken = strconv.Itoa(int(out.GetFabrics()[limit-1].GetFabric()))
			break
		}
		out.Fabrics = append(out.Fabrics, &bridgev1.NetBoxFabric{
			Fabric: apiv1.Number(f.ID), Name: f.Name, RepositoryUrl: f.Repository, Branch: f.Branch,
			GitopsDirectory: f.Directory, FabricId: linked[f.ID],
		})
	}
	return out, nil
}

// linkedTo returns which fabrics are linked to which records of a NetBox.
func (s *Server) linkedTo(ctx context.Context, netbox netboxdefault.NetBox) (map[int64]int32, error) {
	all, err := s.deps.Fabrics.ListFabrics(ctx, &fabricv1.ListFabricsRequest{})
	if err != nil {
		return nil, err
	}
	linked := map[int64]int32{}
	for _, fabric := range all.GetFabrics() {
		link := fabric.GetNetbox()
		if link == nil || link.GetUrl() != netbox.URL {
			continue
		}
		id := int64(link.GetFabric())
		if id == 0 {
			id = int64(fabric.GetFabricId())
		}
		linked[id] = fabric.GetFabricId()
	}
	return linked, nil
}
