package netboxsetup

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// Wish is how a NetBox is to be set up.
type Wish struct {
	// Installation is what the installation is called: what it makes carries it, and what does not is not touched.
	Installation string
	PlanOnly     bool
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
	Secret  secret.String // of the webhook, where the wish has none; zero else
}

// setup is one run.
type setup struct {
	client *hnp.Client
	wish   Wish
	now    time.Time
	mark   mark
	there  stock
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
	if wish.Webhook, err = WebhookURL(wish.Webhook); err != nil {
		return Done{}, err
	}
	status, err := Ask(ctx, client)
	if err != nil {
		return Done{}, err
	}
	if _, err := client.Generation(ctx); err != nil { // there is no NetBox, or it has no plugin
		return Done{}, err
	}
	there, err := takeStock(ctx, client, wish.Installation, wish.Webhook != "")
	if err != nil {
		return Done{}, err
	}
	s := &setup{
		client: client, wish: wish, now: now, mark: mark(wish.Installation), there: there,
		feed: status.Plugins[feedPlugin] != "",
	}
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
	found := s.there.user
	switch {
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
		"username": UserName, "first_name": ownName, "last_name": s.mark.text(),
		"password": rand.Text() + "-" + strings.ToLower(rand.Text()) + "7aA",
	})
	return made.ID, err
}

func (s *setup) permission(ctx context.Context, p permission, userID int64) error {
	found := s.there.permissions[p.name]
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
	_, err := s.client.PutPermission(ctx, id, p.fields(userID, s.mark))
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
