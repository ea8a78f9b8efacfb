package netboxsetup

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/hnp"
)

const (
	webhookAction = "webhook"
	webhookType   = "extras.webhook"
)

// eventTypes are those that the bridge is told of.
func eventTypes() []string { return []string{"object_created", "object_updated", "object_deleted"} }

// WebhookURL returns where NetBox sends to, of the address of the API. NetBox would take braces for a template.
func WebhookURL(address string) (string, error) {
	address = strings.TrimRight(strings.TrimSpace(address), "/")
	if address == "" {
		return "", nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" ||
		u.Fragment != "" || strings.ContainsAny(address, "{}") {
		return "", errs.Field("webhook_address", "webhook_address has to be the address of this API as NetBox reaches it, "+
			"like https://fgd.example.com.")
	}
	return address + webhookPath, nil
}

// webhook makes the webhook, and what says which changes it is told of.
func (s *setup) webhook(ctx context.Context) error {
	id, err := s.putWebhook(ctx)
	if err != nil {
		return fmt.Errorf("set up the webhook: %w", err)
	}
	if err := s.eventRule(ctx, id); err != nil {
		return fmt.Errorf("set up the event rule: %w", err)
	}
	return nil
}

func (s *setup) putWebhook(ctx context.Context) (int64, error) {
	found := s.there.webhook
	id, signs := int64(0), s.wish.Secret
	if found != nil {
		id = found.ID
		if signs.IsZero() {
			signs = secret.New(found.Secret)
		}
	}
	if signs.IsZero() {
		signs = secret.New(rand.Text() + rand.Text())
	}
	wanted := hnp.Webhook{
		ID: id, Name: ownName, URL: s.wish.Webhook, Method: http.MethodPost, ContentType: "application/json",
		Secret: signs.Reveal(), VerifyTLS: true, Description: s.mark.described("to tell of changes"),
	}
	if s.wish.Secret.IsZero() && !s.wish.PlanOnly { // as long as the bridge has none, it may not have been seen
		s.done.Secret = signs
	}
	switch {
	case found == nil:
		s.note(webhookAction, ownName, Created, "to "+s.wish.Webhook)
	case *found == wanted:
		s.note(webhookAction, ownName, Unchanged, "to "+s.wish.Webhook)
		return id, nil
	default:
		s.note(webhookAction, ownName, Updated, "where it goes to, or how, differs")
	}
	if s.wish.PlanOnly {
		return id, nil
	}
	made, err := s.client.PutWebhook(ctx, id, map[string]any{
		"name": wanted.Name, "payload_url": wanted.URL, "http_method": wanted.Method,
		"http_content_type": wanted.ContentType, "body_template": "", "secret": wanted.Secret, "ssl_verification": true,
		"description": wanted.Description,
	})
	return made.ID, err
}

// eventRule makes the rule. A kind whose page NetBox does not find (Q2) is left out: with a rule for it, each time that
// somebody saves such a record NetBox says that it failed.
func (s *setup) eventRule(ctx context.Context, webhookID int64) error {
	types, without, err := s.tellable(ctx)
	if err != nil {
		return err
	}
	found := s.there.eventRule
	detail, id := fmt.Sprintf("for %d types of objects", len(types)), int64(0)
	if len(without) > 0 {
		detail += "; without " + strings.Join(without, ", ") + ", of which the plugin lacks pages: they are heard of later"
	}
	switch {
	case found == nil:
		s.note("event_rule", ownName, Created, detail)
	case same(found.Types, types) && same(found.Events, eventTypes()) && found.Enabled && found.Conditions == nil &&
		found.ActionType.Value == webhookAction && found.ActionID == webhookID:
		s.note("event_rule", ownName, Unchanged, detail)
		return nil
	default:
		id = found.ID
		s.note("event_rule", ownName, Updated, "what it is for differs")
	}
	if s.wish.PlanOnly {
		return nil
	}
	_, err = s.client.PutEventRule(ctx, id, map[string]any{
		"name": ownName, "enabled": true, "object_types": types, "event_types": eventTypes(), "conditions": nil,
		"action_type": webhookAction, "action_object_type": webhookType, "action_object_id": webhookID,
		"description": s.mark.described("to tell of changes"),
	})
	return err
}

// pageless are the kinds of which the plugin is known to lack pages, as long as NetBox does not show that it has them.
func pageless() []string {
	return []string{
		"External", "ExternalAttachment", "ExternalPeering", "VPCAttachment", "VPCPeering", hnp.FabricKind,
	}
}

// tellable returns the types of objects whose changes NetBox can tell of, and the kinds of which it can't.
func (s *setup) tellable(ctx context.Context) (types, without []string, err error) {
	kinds := append(hnp.Kinds(), hnp.FabricKind)
	lacks := make([]bool, len(kinds))
	var asking errgroup.Group
	asking.SetLimit(parallel)
	for i, kind := range kinds {
		asking.Go(func() error {
			has, known, err := s.client.HasPage(ctx, kind)
			lacks[i] = !has || !known && slices.Contains(pageless(), kind)
			return err
		})
	}
	if err := asking.Wait(); err != nil {
		return nil, nil, err
	}
	for i, kind := range kinds {
		if lacks[i] {
			without = append(without, kind)
		} else {
			types = append(types, typeOf(kind))
		}
	}
	return types, without, nil
}
