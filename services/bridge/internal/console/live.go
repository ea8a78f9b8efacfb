package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

const (
	// livePace is the shortest time between two pictures of a sync: what comes meanwhile is in the next one.
	livePace = 150 * time.Millisecond
	// livePing is how often a stream shows that it lives.
	livePing = 20 * time.Second
	// liveWrite is how long a browser may take for a picture.
	liveWrite = 30 * time.Second
	// maxShownFindings bounds how many findings a picture has.
	maxShownFindings = 50
)

// followSync streams pictures of a sync while it runs: each is the whole live part of its page, so that one that comes
// late or again has everything.
func (v *visit) followSync() error {
	ctx, cancel := context.WithCancel(v.calls)
	defer cancel()
	id := v.r.PathValue("sync")
	answer, err := v.api.syncs.GetSyncStatus(ctx, &bridgev1.GetSyncStatusRequest{SyncId: id})
	if err != nil {
		return err
	}
	stream, err := v.api.syncs.StreamSyncEvents(ctx, &bridgev1.StreamSyncEventsRequest{SyncId: id})
	if err != nil {
		return err
	}
	messages, lost := received(ctx, stream.Recv)
	w := &eventWriter{w: v.w, control: http.NewResponseController(v.w)}
	w.begin()
	err = v.draw(w, pictureOf(answer.GetStatus()), messages)
	cancel()
	if ended := lost(); err == nil && ended != nil {
		v.log.InfoContext(v.r.Context(), "live page ended early", "sync_id", id, "error", ended.Error())
	}
	return nil // what could be said has been
}

// received returns the messages of a stream, until it ends or ctx does, and what says why it was lost: nil when it came
// to its end or nobody wanted more. That waits until nothing is read any more.
func received[Message any](ctx context.Context, next func() (Message, error)) (<-chan Message, func() error) {
	messages, lost := make(chan Message), error(nil)
	go func() {
		defer close(messages)
		for {
			var message Message
			if message, lost = next(); lost != nil {
				return
			}
			select {
			case messages <- message:
			case <-ctx.Done():
				return
			}
		}
	}()
	return messages, func() error {
		for range messages { // until the reader ends
		}
		if errors.Is(lost, io.EOF) || errs.KindOf(lost) == errs.Cancelled {
			return nil
		}
		return lost
	}
}

// draw writes a picture when something has come, at its pace, until the sync is over or the browser gone.
func (v *visit) draw(w *eventWriter, now *picture, messages <-chan *bridgev1.StreamSyncEventsResponse) error {
	pace, ping := time.NewTicker(livePace), time.NewTicker(livePing)
	defer pace.Stop()
	defer ping.Stop()
	changed := true
	for {
		select {
		case next, more := <-messages:
			if !more {
				return v.drawn(w, now)
			}
			now.add(next)
			changed = true
		case <-pace.C:
			if changed {
				if err := v.drawn(w, now); err != nil {
					return err
				}
				changed = false
			}
		case <-ping.C:
			if err := w.comment(); err != nil {
				return err
			}
		}
	}
}

func (v *visit) drawn(w *eventWriter, now *picture) error {
	pages, err := v.pages()
	if err != nil {
		return err
	}
	var part bytes.Buffer
	if err := pages.part(&part, "sync", "live", now.view()); err != nil {
		return err
	}
	return w.send(part.String())
}

// picture is what is known of a sync from what its stream has told.
type picture struct {
	status      *bridgev1.SyncStatus
	currentFile string
}

// pictureOf returns a picture that begins with nothing but who the sync is: its stream tells everything anew.
func pictureOf(status *bridgev1.SyncStatus) *picture {
	return &picture{status: &bridgev1.SyncStatus{
		SyncId: status.GetSyncId(), FabricId: status.GetFabricId(), State: "pending", Trigger: status.GetTrigger(),
		RequestedBy: status.GetRequestedBy(), ValidateOnly: status.GetValidateOnly(), AcceptedAt: status.GetAcceptedAt(),
		StartedAt: status.GetStartedAt(), Progress: &bridgev1.Progress{},
	}}
}

func (p *picture) view() *syncView {
	s := viewOf(p.status)
	s.CurrentFile = p.currentFile
	return s
}

// add adds what a message tells.
func (p *picture) add(message *bridgev1.StreamSyncEventsResponse) {
	data, s := message.GetData(), p.status
	switch message.GetType() {
	case "sync.error":
		s.ErrorsTotal++
		s.Errors = kept(s.GetErrors(), data.GetFinding())
	case "sync.warning":
		s.WarningsTotal++
		s.Warnings = kept(s.GetWarnings(), data.GetFinding())
	case "sync.completed", "sync.failed", "sync.cancelled":
		s.State = strings.TrimPrefix(message.GetType(), "sync.")
		s.Result, s.CompletedAt = data.GetResult(), message.GetTimestamp()
		return
	}
	if data.GetState() != "" {
		s.State = data.GetState()
	}
	if data.GetStage() != "" {
		s.Progress.CurrentStage = data.GetStage()
		s.Progress.StagesCompleted = before(data.GetStage())
	}
	s.Progress.FilesProcessed = max(s.GetProgress().GetFilesProcessed(), data.GetFilesProcessed())
	s.Progress.TotalFiles = max(s.GetProgress().GetTotalFiles(), data.GetTotalFiles())
	if data.GetCurrentFile() != "" {
		p.currentFile = data.GetCurrentFile()
	}
	s.UpdatedAt = message.GetTimestamp()
}

// kept adds a finding to those that are shown.
func kept(findings []*bridgev1.Finding, one *bridgev1.Finding) []*bridgev1.Finding {
	if len(findings) >= maxShownFindings {
		return findings
	}
	return append(findings, one)
}

// before returns the stages before one.
func before(stage string) []string {
	for i, name := range stages {
		if name == stage {
			return stages[:i]
		}
	}
	return nil
}

// eventWriter writes server-sent events.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	number  int
}

func (e *eventWriter) begin() {
	e.w.Header().Set("Content-Type", "text/event-stream")
	e.w.Header().Set("X-Accel-Buffering", "no") // of proxies that hold answers back
	e.w.WriteHeader(http.StatusOK)
}

// send writes a picture.
func (e *eventWriter) send(text string) error {
	e.number++
	var event strings.Builder
	event.WriteString("id: " + strconv.Itoa(e.number) + "\n")
	for line := range strings.Lines(text) {
		event.WriteString("data: " + strings.TrimRight(line, "\r\n") + "\n")
	}
	return e.write(event.String() + "\n")
}

// comment writes what a browser takes no notice of.
func (e *eventWriter) comment() error { return e.write(":\n\n") }

func (e *eventWriter) write(text string) error {
	_ = e.control.SetWriteDeadline(time.Now().Add(liveWrite)) // tests serve connections that have none
	if _, err := io.WriteString(e.w, text); err != nil {
		return fmt.Errorf("write to a live page: %w", err)
	}
	if err := e.control.Flush(); err != nil {
		return fmt.Errorf("write to a live page: %w", err)
	}
	return nil
}
