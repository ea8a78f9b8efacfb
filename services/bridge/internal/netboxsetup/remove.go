package netboxsetup

import (
	"context"
	"fmt"

	"fgdsync.dev/services/bridge/internal/hnp"
)

// Remove removes from a NetBox what SetUp has made for an installation, with a client that shows an administrator's
// token, and returns what was there. Records stay.
func Remove(ctx context.Context, client *hnp.Client, installation string, planOnly bool) ([]Object, error) {
	if _, err := Ask(ctx, client); err != nil {
		return nil, err
	}
	there, err := takeStock(ctx, client, installation, true)
	if err != nil {
		return nil, err
	}
	r := &removal{client: client, planOnly: planOnly, there: there}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"the event rule", r.eventRule},
		{"the webhook", r.webhook},
		{"the tokens and the user", r.user},
		{"the permissions", r.permissions},
	} {
		if err := step.do(ctx); err != nil {
			return r.gone, fmt.Errorf("remove %s: %w", step.what, err)
		}
	}
	return r.gone, nil
}

// removal is one run.
type removal struct {
	client   *hnp.Client
	planOnly bool
	there    stock
	gone     []Object
}

// drop removes an object.
func (r *removal) drop(ctx context.Context, o Object, id int64, remove func(context.Context, int64) error) error {
	o.Action = Removed
	if !r.planOnly {
		if err := remove(ctx, id); err != nil {
			return err
		}
	}
	r.gone = append(r.gone, o)
	return nil
}

func (r *removal) eventRule(ctx context.Context) error {
	found := r.there.eventRule
	if found == nil {
		return nil
	}
	return r.drop(ctx, Object{Type: "event_rule", Name: ownName}, found.ID, r.client.DeleteEventRule)
}

func (r *removal) webhook(ctx context.Context) error {
	found := r.there.webhook
	if found == nil {
		return nil
	}
	return r.drop(ctx, Object{Type: webhookAction, Name: ownName}, found.ID, r.client.DeleteWebhook)
}

// user removes the user, and all of its tokens with it.
func (r *removal) user(ctx context.Context) error {
	found := r.there.user
	if found == nil {
		return nil
	}
	tokens, err := r.client.Tokens(ctx, found.ID)
	if err != nil {
		return err
	}
	for _, token := range tokens {
		o := Object{Type: "token", Name: token.Description, Detail: "it is not taken any more"}
		if err := r.drop(ctx, o, token.ID, r.client.DeleteToken); err != nil {
			return err
		}
	}
	return r.drop(ctx, Object{Type: "user", Name: UserName}, found.ID, r.client.DeleteUser)
}

func (r *removal) permissions(ctx context.Context) error {
	for _, p := range permissions(false) {
		found := r.there.permissions[p.name]
		if found == nil {
			continue
		}
		if err := r.drop(ctx, Object{Type: "permission", Name: p.name}, found.ID, r.client.DeletePermission); err != nil {
			return err
		}
	}
	return nil
}
