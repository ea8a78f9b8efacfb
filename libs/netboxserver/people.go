package netboxserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
)

// fieldsOfPeople are what a form shows. Without naming them the plugin answers with an error (Q2).
const fieldsOfPeople = "?fields=id,fabric,name,namespace,spec,last_updated&ordering=id&limit=1000"

// Edit has a user change the spec of the record with a name, over the API. The server has to be served at its URL.
func (s *Server) Edit(ctx context.Context, user, endpoint, name string, change func(spec map[string]any)) error {
	type record struct {
		ID   int            `json:"id"`
		Name string         `json:"name"`
		Spec map[string]any `json:"spec"`
	}
	var list struct{ Results []record }
	if err := s.ask(ctx, http.MethodGet, endpoint+"/"+fieldsOfPeople, nil, &list); err != nil {
		return err
	}
	at := slices.IndexFunc(list.Results, func(r record) bool { return r.Name == name })
	if at < 0 {
		return fmt.Errorf("there is no %s among the %s", name, endpoint)
	}
	change(list.Results[at].Spec)
	s.Act(user)
	defer s.Act("")
	return s.ask(ctx, http.MethodPatch, fmt.Sprintf("%s/%d/%s", endpoint, list.Results[at].ID, fieldsOfPeople),
		map[string]any{"spec": list.Results[at].Spec}, &record{})
}

// SetVLAN has a user change the VLAN of the default subnet of a VPC.
func (s *Server) SetVLAN(ctx context.Context, user, vpc string, vlan any) error {
	return s.Edit(ctx, user, "vpcs", vpc, func(spec map[string]any) {
		subnets, _ := spec["subnets"].(map[string]any)
		if subnet, is := subnets["default"].(map[string]any); is {
			subnet["vlan"] = vlan
		}
	})
}

// ask makes a request at an endpoint of the plugin, with the token that may do everything.
func (s *Server) ask(ctx context.Context, method, path string, body, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode a request of NetBox: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, s.URL+"/api/plugins/hedgehog/"+path, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("make a request of NetBox: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", Token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("call NetBox: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	said, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= http.StatusMultipleChoices {
		return errors.Join(fmt.Errorf("%s %s: %s %s", method, path, response.Status, said), err)
	}
	return json.Unmarshal(said, into)
}
