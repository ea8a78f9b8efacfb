package netboxsetup

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// Wish is how a NetBox is to be set up.
type Wish struct {
	PlanOnly bool
	// Webhook is the address of the API that NetBox tells of changes; empty for no webhook.
	Webhook string
	// Secret is what webhooks are signed with; one is made where it is empty.
	Secret secret.String
	// Networks are those that the token may be used from; any when there are none.
	Networks []string
	// NewToken makes another token, and revokes the one that is there.
	NewToken bool
}

// Done is what there was and what was made.
type Done struct {
	Objects []Object
	Token   secret.String // zero when none was made
	Secret  secret.String // of the webhook; zero when none was made
}

// setup is one run.
type setup struct {
	client *hnp.Client
	wish   Wish
	now    time.Time
	feed   bool // our plugin is there
	done   Done
}

// SetUp makes in a NetBox what delivery needs, with a client that shows an administrator's token. What is there and is
// as it has to be is left alone. What it has made when it fails stays, and the next run goes on from there.
func SetUp(ctx context.Context, client *hnp.Client, wish Wish, now time.Time) (Done, error) {
	networks, err := networksOf(wish.Networks)
	if err != nil {
		return Done{}, err
	}
	wish.Networks = networks
	if wish.Webhook, err = webhookURL(wish.Webhook); err != nil {
		return Done{}, err
	}
	if _, err := client.Generation(ctx); err != nil { // there is no NetBox, or it has no plugin
		return Done{}, err
	}
	status, err := client.Status(ctx)
	if err != nil {
		return Done{}, err
	}
	s := &setup{client: client, wish: wish, now: now, feed: status.Plugins[feedPlugin] != ""}
	err = s.run(ctx)
	return s.done, err
}

func (s *setup) run(ctx context.Context) error {
	user, err := s.user(ctx)
	if err != nil {
		return fmt.Errorf("set up the user: %w", err)
	}
	for _, p := range permissions(s.feed) {
		if err := s.permission(ctx, p, user); err != nil {
			return fmt.Errorf("set up the permission %s: %w", p.name, err)
		}
	}
	if s.wish.Webhook != "" {
		if err := s.webhook(ctx); err != nil {
			return err
		}
	}
	if err := s.token(ctx, user); err != nil { // last: it is good for something when it is shown
		return fmt.Errorf("set up the token: %w", err)
	}
	return nil
}

// note writes down what is done with an object.
func (s *setup) note(kind, name string, action Action, detail string) {
	s.done.Objects = append(s.done.Objects, Object{kind, name, action, detail})
}

// user returns the number of the user, 0 when it would have to be made.
func (s *setup) user(ctx context.Context) (int64, error) {
	const what = "whose token the bridge shows; nobody knows its password"
	found, err := s.client.UserNamed(ctx, UserName)
	switch {
	case err != nil:
		return 0, err
	case found != nil && found.Active:
		s.note("user", UserName, Unchanged, what)
		return found.ID, nil
	case found != nil:
		s.note("user", UserName, Updated, "it was not active")
	default:
		s.note("user", UserName, Created, what)
	}
	if s.wish.PlanOnly {
		if found != nil {
			return found.ID, nil
		}
		return 0, nil
	}
	if found != nil {
		_, err := s.client.PutUser(ctx, found.ID, map[string]any{"is_active": true})
		return found.ID, err
	}
	// NetBox wants a password. With two texts there are enough letters and digits for whatever rules it has.
	made, err := s.client.PutUser(ctx, 0, map[string]any{
		"username": UserName, "password": rand.Text() + "-" + strings.ToLower(rand.Text()) + "7aA",
	})
	return made.ID, err
}

func (s *setup) permission(ctx context.Context, p permission, userID int64) error {
	found, err := s.client.PermissionNamed(ctx, p.name)
	if err != nil {
		return err
	}
	id, action, detail := int64(0), Created, p.detail
	if found != nil {
		id, action, detail = found.ID, Updated, p.differs(*found, userID)
		if detail == "" {
			s.note("permission", p.name, Unchanged, p.detail)
			return nil
		}
	}
	s.note("permission", p.name, action, detail)
	if s.wish.PlanOnly {
		return nil
	}
	_, err = s.client.PutPermission(ctx, id, p.fields(userID))
	return err
}

// token makes a token where there is none that can be used.
func (s *setup) token(ctx context.Context, userID int64) error {
	var own []hnp.Token
	if userID != 0 {
		all, err := s.client.Tokens(ctx, userID)
		if err != nil {
			return err
		}
		own = slices.DeleteFunc(all, func(t hnp.Token) bool { return t.Description != ownName })
	}
	good := slices.IndexFunc(own, func(t hnp.Token) bool {
		return t.Enabled && t.Writes && (t.Expires == nil || t.Expires.After(s.now))
	})
	if good >= 0 && !s.wish.NewToken {
		return s.keepToken(ctx, own[good])
	}
	s.note("token", ownName, Created, "it is shown once; any older one is revoked")
	if s.wish.PlanOnly {
		return nil
	}
	made, err := s.client.PutToken(ctx, 0, map[string]any{
		"user": userID, "description": ownName, "write_enabled": true, "allowed_ips": s.wish.Networks,
	})
	if err != nil {
		return err
	}
	s.done.Token = secret.New(made.Shown())
	for _, old := range own {
		if err := s.client.DeleteToken(ctx, old.ID); err != nil { // the new one has to be shown all the same
			s.note("token", ownName, Unchanged, "an older one is still there, and can't be revoked: "+Explain(err).Error())
		}
	}
	return nil
}

// keepToken keeps a token, and has it be used from where it is wanted. Without a wish the networks stay.
func (s *setup) keepToken(ctx context.Context, t hnp.Token) error {
	if len(s.wish.Networks) == 0 || same(t.Networks, s.wish.Networks) {
		s.note("token", ownName, Unchanged, "it is there already; a new one is made when that is asked for")
		return nil
	}
	s.note("token", ownName, Updated, "the networks that it may be used from differ")
	if s.wish.PlanOnly {
		return nil
	}
	_, err := s.client.PutToken(ctx, t.ID, map[string]any{"allowed_ips": s.wish.Networks})
	return err
}

// networksOf returns networks in the one spelling that NetBox shows.
func networksOf(texts []string) ([]string, error) {
	out := []string{}
	for i, text := range texts {
		text = strings.TrimSpace(text)
		if address, err := netip.ParseAddr(text); err == nil {
			text = netip.PrefixFrom(address, address.BitLen()).String()
		}
		network, err := netip.ParsePrefix(text)
		if err != nil || network != network.Masked() {
			return nil, errs.Field(fmt.Sprintf("allowed_networks[%d]", i), "allowed_networks[%d] is no network like "+
				"192.0.2.0/24.", i)
		}
		out = append(out, network.String())
	}
	return out, nil
}
