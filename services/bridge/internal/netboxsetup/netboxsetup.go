// Package netboxsetup makes in a NetBox what delivery needs, removes it, and says what would keep records from being
// delivered. What it makes has the name of the suite, so that people know what it is for and that it is found again;
// it has the least rights that do.
package netboxsetup

import (
	"context"
	"errors"
	"strings"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/bridge/internal/hnp"
)

const (
	// UserName is that of the user whose token the bridge shows.
	UserName = "fgd-sync"
	// ownName is how everything else is called that belongs to the suite.
	ownName = "FGD Sync"
	// webhookPath is where the bridge takes what NetBox tells, below the address of its API.
	webhookPath = "/webhooks/netbox"
	// fabricType is how NetBox calls fabrics.
	fabricType = "netbox_hedgehog.hedgehogfabric"
	// feedPlugin is what NetBox calls our plugin, which tells of changes.
	feedPlugin = "netbox_fgd_sync"
)

// typeOf returns how NetBox calls records of a kind.
func typeOf(kind string) string { return "netbox_hedgehog." + strings.ToLower(kind) }

func recordTypes() []string {
	var types []string
	for _, kind := range hnp.Kinds() {
		types = append(types, typeOf(kind))
	}
	return types
}

// Object is something in a NetBox that delivery needs.
type Object struct {
	Type   string // user, permission, token, webhook or event_rule
	Name   string
	Action Action
	Detail string // what it is for, or what is different
}

// Action is what was done with an object, or would be.
type Action string

// The actions.
const (
	Unchanged Action = "unchanged"
	Created   Action = "created"
	Updated   Action = "updated"
	Removed   Action = "removed"
)

// Explain returns an error of a NetBox as callers see it.
func Explain(err error) error {
	var public *errs.Error
	if err == nil || errors.As(err, &public) || errors.Is(err, context.Canceled) {
		return err // what stands deeper counts more than that NetBox does not answer
	}
	var said *hnp.Error
	if !errors.As(err, &said) {
		return err
	}
	switch said.Reason {
	case hnp.Away, hnp.Unclear:
		if errors.Is(err, context.DeadlineExceeded) {
			return errs.New(errs.NetBoxUnavailable, "NetBox does not answer in time.").WithCause(err)
		}
		return errs.New(errs.NetBoxUnavailable, "%s.", capital(said.Error())).WithCause(err)
	case hnp.Denied:
		return errs.New(errs.NetBoxRefused, "NetBox does not take the token: %s.", strings.TrimSuffix(said.Detail, ".")).
			WithCause(err).WithRemedy("Give a token that NetBox takes, from where it may be used.")
	case hnp.Forbidden:
		return errs.New(errs.NetBoxRefused, "The token may not do this: %s", said.Detail).WithCause(err).
			WithRemedy("Give the token of an administrator of NetBox, who may write.")
	case hnp.Refused, hnp.Gone, hnp.Changed, hnp.Unusable:
	}
	return errs.New(errs.NetBoxRefused, "%s.", capital(said.Error())).WithCause(err)
}

// patience is how long a NetBox has to answer the first question.
const patience = 3 * time.Second

// Ask asks a NetBox how it is, and waits no longer than three seconds.
func Ask(ctx context.Context, client *hnp.Client) (hnp.Status, error) {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	status, err := client.Status(within)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return status, errs.New(errs.NetBoxUnavailable, "NetBox does not answer within %.0f s.", patience.Seconds()).
			WithCause(err)
	}
	return status, err
}

// Sentence says what an error of a NetBox is about.
func Sentence(err error) string { return errs.From(Explain(err)).Message }

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".")
}
