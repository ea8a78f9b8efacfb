package netboxsetup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"fgdsync.dev/services/bridge/internal/hnp"
)

const (
	// checkTimeout bounds a check: what is not answered by then has failed.
	checkTimeout = 4500 * time.Millisecond
	// parallel is how many requests are under way at the same time.
	parallel = 6
	// maxSkew is how far the clocks may be apart.
	maxSkew = 30 * time.Second
	// soon is how long before its end it is said that a token expires.
	soon = 14 * 24 * time.Hour
)

// Status is how something is that was looked at.
type Status string

// The statuses.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Check is one thing that was looked at.
type Check struct {
	Name    string
	Status  Status
	Message string
	Remedy  string // empty when nothing is to be done
}

// Found is what a look at a NetBox has come to.
type Found struct {
	Checks  []Check // in order
	Version string  // of NetBox; empty when it did not say
}

// OK reports whether records can be delivered.
func (f Found) OK() bool {
	return !slices.ContainsFunc(f.Checks, func(c Check) bool { return c.Status == Failed })
}

// Look looks at a NetBox with the token that a client shows: it writes nothing there. Where NetBox was told to send
// webhooks to, a test event is posted. Everything is asked at the same time, and nothing is waited for longer than five
// seconds.
func Look(ctx context.Context, client *hnp.Client, hook Hook, now func() time.Time) Found {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	status, err := client.Status(ctx)
	if err != nil {
		return Found{Checks: []Check{failure("version", err)}}
	}
	l := &look{client: client, hook: hook, status: status, now: now}
	steps := []func(context.Context) Check{
		l.version, l.token, l.permissions, l.changes, l.plugin, l.pages, l.workers, l.clock, l.webhook,
	}
	found := Found{Version: status.Version, Checks: make([]Check, len(steps))}
	var looking errgroup.Group
	for i, step := range steps {
		looking.Go(func() error {
			found.Checks[i] = step(ctx)
			return nil
		})
	}
	_ = looking.Wait() // what went wrong is in the checks
	return found
}

// look is one run.
type look struct {
	client *hnp.Client
	hook   Hook
	status hnp.Status
	now    func() time.Time
}

// failure is a step that came to an error.
func failure(name string, err error) Check {
	c := Check{Name: name, Status: Failed, Message: capital(err.Error()) + "."}
	var said *hnp.Error
	switch {
	case !errors.As(err, &said):
	case said.Reason == hnp.Denied:
		c.Message = "NetBox does not take the token: " + strings.TrimSuffix(said.Detail, ".") + "."
		c.Remedy = "Give the bridge a token that NetBox takes (fgd netbox setup), at the place that token_ref names."
	case said.Reason == hnp.Forbidden:
		c.Remedy = "Have fgd netbox setup give the user the permissions."
	case said.Reason == hnp.Unusable:
		c.Remedy = "Look at the address: it is that of NetBox's start page."
	default:
		c.Remedy = "Look whether NetBox runs and can be reached from the bridge."
	}
	return c
}

func (l *look) version(ctx context.Context) Check {
	if _, err := l.client.Generation(ctx); err != nil {
		return failure("version", err)
	}
	return Check{Name: "version", Status: OK, Message: "NetBox " + l.status.Version + "."}
}

// token says of which kind the token is, and when it expires.
func (l *look) token(ctx context.Context) Check {
	kind, key := l.client.Kind()
	c := Check{Name: "token", Status: OK, Message: fmt.Sprintf("It is a token of version %d, and is taken", kind)}
	own, err := l.client.OwnTokens(ctx)
	if err != nil && !hnp.Is(err, hnp.Forbidden) {
		return failure("token", err)
	}
	own = slices.DeleteFunc(own, func(t hnp.Token) bool {
		return t.Version == 2 != (kind == 2) || t.Key != key && kind == 2
	})
	if len(own) != 1 {
		c.Message += "; NetBox does not tell it when it expires."
		return c
	}
	switch t := own[0]; {
	case !t.Writes:
		return Check{
			Name: "token", Status: Failed, Message: "The token may read, and not write.",
			Remedy: "Have write_enabled set for it in NetBox, or have fgd netbox setup make another one.",
		}
	case t.Expires == nil:
		c.Message += ", without an end."
	default:
		c.Message += ", until " + t.Expires.UTC().Format(time.RFC3339) + "."
		if t.Expires.Sub(l.now()) < soon {
			c.Status, c.Remedy = Warning, "Make another one in time: fgd netbox setup --new-token."
		}
	}
	if kind == 1 {
		c.Status = Warning
		c.Remedy = "NetBox 5 takes no tokens of version 1: have fgd netbox setup --new-token make one of version 2."
	}
	return c
}

// permissions says what the token may not do that it has to.
func (l *look) permissions(ctx context.Context) Check {
	missing := make([]string, len(hnp.Kinds())+2)
	asking, within := errgroup.WithContext(ctx)
	asking.SetLimit(parallel)
	for i, kind := range hnp.Kinds() {
		asking.Go(func() (err error) {
			missing[i], err = l.lacks(within, kind)
			return err
		})
	}
	asking.Go(func() (err error) {
		missing[len(missing)-2], err = l.lacksOfFabrics(within)
		return err
	})
	asking.Go(func() (err error) {
		missing[len(missing)-1], err = l.lacksDeletes(within)
		return err
	})
	if err := asking.Wait(); err != nil {
		return failure("permissions", err)
	}
	missing = slices.DeleteFunc(missing, func(text string) bool { return text == "" })
	if len(missing) > 0 {
		return Check{
			Name: "permissions", Status: Failed, Message: "The token may not " + strings.Join(missing, "; ") + ".",
			Remedy: "Have fgd netbox setup give the user the permissions.",
		}
	}
	if l.client.MayView(ctx, "users/permissions") == nil {
		return Check{
			Name: "permissions", Status: Warning, Message: "The token may do all that it has to, and more.",
			Remedy: "Use the token of a user who may do no more than is needed: fgd netbox setup makes one.",
		}
	}
	return Check{Name: "permissions", Status: OK, Message: "The token may do all that it has to, of all 12 kinds."}
}

// lacks says what the token may not do with records of a kind.
func (l *look) lacks(ctx context.Context, kind string) (string, error) {
	var lacking []string
	switch err := l.client.MayViewRecords(ctx, kind); {
	case hnp.Is(err, hnp.Forbidden):
		lacking = append(lacking, "view")
	case err != nil:
		return "", err
	}
	makes, changes, err := l.client.MayWriteRecords(ctx, kind)
	if hnp.Is(err, hnp.Forbidden) {
		err = nil
	}
	if !makes {
		lacking = append(lacking, "add")
	}
	if !changes {
		lacking = append(lacking, "change")
	}
	return named(lacking, typeOf(kind)), err
}

func named(lacking []string, object string) string {
	if len(lacking) == 0 {
		return ""
	}
	return strings.Join(lacking, ", ") + " " + object
}

func (l *look) lacksOfFabrics(ctx context.Context) (string, error) {
	var lacking []string
	switch err := l.client.MayViewFabrics(ctx); {
	case hnp.Is(err, hnp.Forbidden):
		lacking = append(lacking, "view")
	case err != nil:
		return "", err
	}
	changes, err := l.client.MayChangeFabrics(ctx)
	if hnp.Is(err, hnp.Forbidden) {
		err = nil
	}
	if !changes {
		lacking = append(lacking, "change")
	}
	return named(lacking, fabricType), err
}

// lacksDeletes says of which kinds the token may not delete records, where NetBox shows what its user has. Nothing but
// a deletion would show it else.
func (l *look) lacksDeletes(ctx context.Context) (string, error) {
	who, err := l.client.Caller(ctx)
	if err != nil || len(who.Permissions) == 0 || len(who.Groups) > 0 { // others have them by groups, or may do everything
		return "", ignoreAbsent(err)
	}
	may := map[string]bool{}
	for _, p := range who.Permissions {
		for _, name := range p.Types {
			may[name] = may[name] || p.Enabled && slices.Contains(p.Actions, "delete")
		}
	}
	types := slices.DeleteFunc(recordTypes(), func(name string) bool { return may[name] })
	if len(types) == 0 {
		return "", nil
	}
	return "delete " + strings.Join(types, ", "), nil
}

// ignoreAbsent returns no error for what an older NetBox does not have.
func ignoreAbsent(err error) error {
	if hnp.Is(err, hnp.Gone) || hnp.Is(err, hnp.Unusable) {
		return nil
	}
	return err
}
