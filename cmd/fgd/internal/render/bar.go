package render

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Bar is what a command does on a terminal: a line for each step that is done, and below them what it does now, in
// words and as a bar; elsewhere it shows nothing.
type Bar struct {
	screen    *Screen
	container *mpb.Progress
	bar       *mpb.Bar
	host      string
	doing     atomic.Pointer[string]
	step      string    // that is done now; empty before the first event of a sync
	since     time.Time // when it has begun
}

const percent = 100

// NewBar returns a bar on a screen, which shows nothing when it is to be quiet. The host is the one that the repository
// is on. Whoever makes a bar closes it.
func NewBar(s *Screen, quiet bool, host string) *Bar {
	b := &Bar{screen: s, host: host}
	if quiet || !s.Terminal() {
		return b
	}
	b.say("fetching from " + host)
	b.container = mpb.NewWithContext(context.Background(), mpb.WithOutput(s.w))
	b.bar = b.container.AddBar(percent, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return "◎ " + *b.doing.Load() + ", " }),
			decor.Elapsed(decor.ET_STYLE_GO), decor.Name(" ")))
	return b
}

// Show shows what the sync does, and how far it is.
func (b *Bar) Show(data *bridgev1.SyncEventData) {
	if b.bar == nil {
		return
	}
	failing := *b.doing.Load()
	b.say(b.words(data))
	b.bar.SetCurrent(int64(data.GetProgress()))
	switch done := b.step; {
	case stepOf(data) == done:
	case isFailure(data.GetState()):
		if b.step = ""; done != "" {
			b.tell(b.screen.bad.Sprint("✗ "), failing)
		}
	default:
		b.step = stepOf(data)
		b.tell(b.screen.good.Sprint("✔ "), b.past(done, data))
		b.since = time.Now()
	}
}

// tell prints how a step has ended, and after what time, above the bar.
func (b *Bar) tell(mark, words string) {
	if words != "" {
		_, _ = fmt.Fprintf(b.container, "%s%s, %s\n", mark, words, time.Since(b.since).Round(time.Millisecond))
	}
}

// past returns what was done in a step; nothing where nothing is to be told.
func (b *Bar) past(step string, data *bridgev1.SyncEventData) string {
	return map[string]string{
		"initializing": "fetched from " + b.host, "validation": "looked at the directory", "discovery": "looked for files",
		"file_ingestion": fmt.Sprintf("ingested files: %d", data.GetFilesProcessed()),
		"github_sync":    "done with " + b.host, "reconciliation": "compared with the last sync",
	}[step]
}

// isFailure reports whether a sync in a state has ended without having done all.
func isFailure(state string) bool {
	return state == "failed" || state == "cancelled" || state == "retrying"
}

// stepOf returns the step that a sync does: its stage or, where that is none, its state.
func stepOf(data *bridgev1.SyncEventData) string {
	switch data.GetState() {
	case "pending", "initializing", "retrying", "completed", "failed", "cancelled":
		return data.GetState()
	}
	return cmp.Or(data.GetStage(), data.GetState())
}

func (b *Bar) say(what string) { b.doing.Store(&what) }

// words returns what a sync does in a state or stage, as the bar has it.
func (b *Bar) words(data *bridgev1.SyncEventData) string {
	switch {
	case data.GetState() == "pending":
		return "waiting for a worker"
	case data.GetState() == "initializing":
		return "fetching from " + b.host
	case data.GetState() == "retrying":
		return "waiting to try again"
	}
	switch data.GetStage() {
	case "validation":
		return "looking at the directory"
	case "discovery":
		return "looking for files"
	case "file_ingestion":
		return fmt.Sprintf("ingesting files, %d of %d", data.GetFilesProcessed(), data.GetTotalFiles())
	case "github_sync":
		return "pushing to " + b.host
	case "reconciliation":
		return "comparing with the last sync"
	}
	return data.GetState()
}

// Close takes the bar away. It may be called again.
func (b *Bar) Close() {
	if b.bar == nil {
		return
	}
	b.bar.Abort(true)
	b.container.Wait()
	b.bar = nil
}
