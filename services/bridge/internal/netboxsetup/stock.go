package netboxsetup

import (
	"context"
	"fmt"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// mark tells what an installation has made in a NetBox from what others have there: whatever carries its name. It is
// empty as long as the installation has none.
type mark string

// text is what everything carries that is made: users as their last name, all else in the description.
func (m mark) text() string { return "installation " + string(m) }

// on reports whether something carries the mark.
func (m mark) on(text string) bool { return m != "" && strings.Contains(text, m.text()) }

// described returns the description of something that is made.
func (m mark) described(what string) string { return "Made by FGD Sync, " + what + "; " + m.text() }

// stock is what there is in a NetBox of what delivery needs; nil of what there is not.
type stock struct {
	user        *hnp.User
	permissions map[string]*hnp.Permission // by name
	webhook     *hnp.Webhook
	eventRule   *hnp.EventRule
}

// stocktaking is one look at what there is.
type stocktaking struct {
	mark    mark
	foreign []string // what has a name of ours, and is not
}

// takeStock looks for what an installation has made. Where something has its name that it has not made, that is
// refused: it is somebody's, and neither changed nor removed.
func takeStock(ctx context.Context, client *hnp.Client, installation string, hooked bool) (stock, error) {
	t, there := &stocktaking{mark: mark(installation)}, stock{permissions: map[string]*hnp.Permission{}}
	users, err := client.UsersNamed(ctx, UserName)
	if err != nil {
		return stock{}, fmt.Errorf("look for the user: %w", err)
	}
	there.user = ours(t, "user "+UserName, users, func(u hnp.User) string { return u.LastName })
	for _, p := range permissions(false) {
		found, err := client.PermissionsNamed(ctx, p.name)
		if err != nil {
			return stock{}, fmt.Errorf("look for the permission %s: %w", p.name, err)
		}
		there.permissions[p.name] = ours(t, "permission "+p.name, found, func(p hnp.Permission) string {
			return p.Description
		})
	}
	if hooked {
		if err := there.hooks(ctx, client, t); err != nil {
			return stock{}, err
		}
	}
	return there, t.refusal()
}

// hooks looks for what has NetBox tell of changes.
func (s *stock) hooks(ctx context.Context, client *hnp.Client, t *stocktaking) error {
	webhooks, err := client.WebhooksNamed(ctx, ownName)
	if err != nil {
		return fmt.Errorf("look for the webhook: %w", err)
	}
	s.webhook = ours(t, "webhook "+ownName, webhooks, func(w hnp.Webhook) string { return w.Description })
	rules, err := client.EventRulesNamed(ctx, ownName)
	if err != nil {
		return fmt.Errorf("look for the event rule: %w", err)
	}
	s.eventRule = ours(t, "event rule "+ownName, rules, func(r hnp.EventRule) string { return r.Description })
	return nil
}

// ours returns the one of some objects of a name that carries the mark. Where there are others alone, that is noted.
func ours[T any](t *stocktaking, name string, found []T, marked func(T) string) *T {
	for i := range found {
		if t.mark.on(marked(found[i])) {
			return &found[i]
		}
	}
	if len(found) > 0 {
		t.foreign = append(t.foreign, "the "+name)
	}
	return nil
}

// refusal is about what has a name of ours and is somebody else's; nil when there is no such thing.
func (t *stocktaking) refusal() error {
	if len(t.foreign) == 0 {
		return nil
	}
	err := errs.New(errs.NetBoxNotOurs, "NetBox has %s, which this installation has not made; nothing was changed.",
		strings.Join(t.foreign, ", "))
	if t.mark == "" {
		return err.WithRemedy("Rename or delete it in NetBox; or, when another installation of FGD Sync has made it, remove " +
			"it from there (fgd netbox remove).")
	}
	return err.WithRemedy("Rename or delete it in NetBox; or, when another installation of FGD Sync has made it, remove it "+
		"from there (fgd netbox remove). Where it belongs to this one, write %q into its description, of the user into its "+
		"last name.", t.mark.text())
}
