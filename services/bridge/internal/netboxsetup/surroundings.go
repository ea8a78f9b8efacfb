package netboxsetup

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fgdsync.dev/services/bridge/internal/hnp"
)

// changes says how it is heard what people change in NetBox.
func (l *look) changes(ctx context.Context) Check {
	err := l.client.MayView(ctx, "core/object-changes")
	if version := l.status.Plugins[feedPlugin]; version != "" && err == nil {
		return Check{
			Name: "changes", Status: OK,
			Message: "Changes are told by " + feedPlugin + " " + version + ", and by the change log.",
		}
	}
	switch {
	case hnp.Is(err, hnp.Forbidden):
		return Check{
			Name: "changes", Status: Warning,
			Message: "The token may not see the change log: what people change in NetBox is heard of within 15 minutes.",
			Remedy:  "Have fgd netbox setup give the user the permission core.view_objectchange.",
		}
	case err != nil:
		return failure("changes", err)
	}
	return Check{Name: "changes", Status: OK, Message: "Changes are read from the change log, every 30 seconds."}
}

// plugin says which plugin there is.
func (l *look) plugin(ctx context.Context) Check {
	generation, err := l.client.Generation(ctx)
	if err != nil {
		return failure("plugin", err)
	}
	c := Check{Name: "plugin", Status: OK, Message: "The Hedgehog NetBox Plugin " + generation.Plugin + "."}
	if generation.GitOps {
		c.Message += " It has fields for Git (2025)."
	}
	if generation.Eager {
		c.Status = Warning
		c.Message += " NetBox " + generation.Version + " can't save records of which the plugin lacks pages."
		c.Remedy = "Upgrade NetBox to 4.5.2 or newer."
	}
	return c
}

// pages says of which kinds NetBox does not find the pages (Q2).
func (l *look) pages(ctx context.Context) Check {
	var without []string
	for _, kind := range pageless() {
		has, known, err := l.client.HasPage(ctx, kind)
		switch {
		case hnp.Is(err, hnp.Forbidden): // said elsewhere
		case err != nil:
			return failure("quirks", err)
		case !has || !known:
			without = append(without, kind)
		}
	}
	if len(without) == 0 {
		return Check{Name: "quirks", Status: OK, Message: "The plugin has pages of all kinds."}
	}
	return Check{
		Name: "quirks", Status: Warning, Message: "The plugin lacks pages, as far as can be seen, of " +
			strings.Join(without, ", ") + ": such records can't be deleted, and no webhook tells of them.",
		Remedy: "Have the plugin mended; delivery goes on, and says which records are concerned.",
	}
}

// workers says whether anybody sends webhooks.
func (l *look) workers(context.Context) Check {
	if l.status.Workers == 0 {
		return Check{
			Name: "workers", Status: Warning, Message: "No worker of NetBox runs: no webhook leaves it.",
			Remedy: "Start one: netbox rqworker high default low.",
		}
	}
	return Check{Name: "workers", Status: OK, Message: fmt.Sprintf("Workers that run: %d.", l.status.Workers)}
}

// clock says how far the clocks are apart. NetBox says the time in whole seconds, at some moment of its answer.
func (l *look) clock(ctx context.Context) Check {
	there, took, err := l.client.Clock(ctx)
	if err != nil {
		return Check{Name: "clock", Status: Skipped, Message: "NetBox does not say what time it is."}
	}
	apart := l.now().Sub(there).Abs()
	if apart > maxSkew+took+time.Second {
		return Check{
			Name: "clock", Status: Warning, Message: fmt.Sprintf("The clocks of NetBox and of the bridge are %s apart.",
				apart.Round(time.Second)),
			Remedy: "Have both follow the same time (NTP).",
		}
	}
	return Check{Name: "clock", Status: OK, Message: "The clocks of NetBox and of the bridge agree."}
}
