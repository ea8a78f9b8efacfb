package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// ObjectTypes are the names that NetBox has for fabrics and the kinds of the plugin.
func ObjectTypes() []string {
	var all []string
	for _, model := range []string{
		"hedgehogfabric", "connection", "external", "externalattachment", "externalpeering", "ipv4namespace", "server",
		"switch", "switchgroup", "vlannamespace", "vpc", "vpcattachment", "vpcpeering",
	} {
		all = append(all, standIn+"."+model)
	}
	return all
}

// Hook has NetBox send a webhook to a URL when an object of some types is made, changed or deleted, signed with a
// secret. What it returns takes it away again.
func (n *NetBox) Hook(ctx context.Context, url, secret string, types []string) (remove func(context.Context) error,
	err error,
) {
	const hooks, rules = "/api/extras/webhooks/", "/api/extras/event-rules/"
	var hook, rule struct{ ID int }
	name := fmt.Sprint("lab ", count.Add(1))
	if err := n.call(ctx, http.MethodPost, hooks, map[string]any{
		"name": name, "payload_url": url, "http_method": http.MethodPost, "secret": secret,
	}, &hook); err != nil {
		return nil, err
	}
	if err := n.call(ctx, http.MethodPost, rules, map[string]any{
		"name": name, "object_types": types, "event_types": []string{"object_created", "object_updated", "object_deleted"},
		"action_type": "webhook", "action_object_type": "extras.webhook", "action_object_id": hook.ID,
	}, &rule); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		return errors.Join(n.call(ctx, http.MethodDelete, fmt.Sprintf("%s%d/", rules, rule.ID), nil, nil),
			n.call(ctx, http.MethodDelete, fmt.Sprintf("%s%d/", hooks, hook.ID), nil, nil))
	}, nil
}

// call asks NetBox's API, as the administrator where there is a token. What it answers goes into a value.
func (n *NetBox) call(ctx context.Context, method, path string, body, into any) error {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, n.URL+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if n.Token != "" {
		request.Header.Set("Authorization", n.Token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %s %s", method, path, response.Status, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
