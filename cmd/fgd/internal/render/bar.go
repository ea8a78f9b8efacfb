package render

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Bar is what a command does on a terminal, in words and as a bar; elsewhere it shows nothing.
type Bar struct {
	container *mpb.Progress
	bar       *mpb.Bar
	host      string
	doing     atomic.Pointer[string]
}

const percent = 100

// NewBar returns a bar on a screen, which shows nothing when it is to be quiet. The host is the one that the repository
// is on. Whoever makes a bar closes it.
func NewBar(s *Screen, quiet bool, host string) *Bar {
	b := &Bar{host: host}
	if quiet || !s.Terminal() {
		return b
	}
	b.say("fetching from " + host)
	b.container = mpb.NewWithContext(context.Background(), mpb.WithOutput(s.w))
	b.bar = b.container.AddBar(percent, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return *b.doing.Load() + ", " }),
			decor.Elapsed(decor.ET_STYLE_GO), decor.Name(" ")))
	return b
}

// Show shows what the sync does, and how far it is.
func (b *Bar) Show(data *bridgev1.SyncEventData) {
	if b.bar == nil {
		return
	}
	b.say(b.words(data))
	b.bar.SetCurrent(int64(data.GetProgress()))
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
