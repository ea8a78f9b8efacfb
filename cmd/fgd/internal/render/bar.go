package render

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Bar is the progress of a sync on a terminal; elsewhere it shows nothing.
type Bar struct {
	container *mpb.Progress
	bar       *mpb.Bar
	stage     string
}

const percent = 100

// NewBar returns a bar on w, which shows nothing when it is to be quiet. Whoever makes it closes it.
func NewBar(w io.Writer, quiet bool) *Bar {
	file, ok := w.(*os.File)
	if quiet || !ok || !term.IsTerminal(int(file.Fd())) {
		return &Bar{}
	}
	b := &Bar{container: mpb.NewWithContext(context.Background(), mpb.WithOutput(file))}
	b.bar = b.container.AddBar(percent, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.stage })),
		mpb.AppendDecorators(decor.Percentage()))
	return b
}

// Show shows how far the sync is.
func (b *Bar) Show(data *bridgev1.SyncEventData) {
	if b.bar == nil {
		return
	}
	b.stage = fmt.Sprintf("%-15s %d/%d files ", data.GetStage(), data.GetFilesProcessed(), data.GetTotalFiles())
	b.bar.SetCurrent(int64(data.GetProgress()))
}

// Close takes the bar away.
func (b *Bar) Close() {
	if b.bar == nil {
		return
	}
	b.bar.Abort(true)
	b.container.Wait()
}
