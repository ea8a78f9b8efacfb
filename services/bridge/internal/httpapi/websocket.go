package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/coder/websocket"

	"fgdsync.dev/libs/errs"
)

// liveProtocol is what a page names beside its token: a browser ends a WebSocket whose answer takes none of the
// protocols that were named, and a token belongs into no answer.
const liveProtocol = "fgd"

// webSocket serves progress as text frames. Pages of other origins are refused by the library's default.
func (l *live) webSocket(w http.ResponseWriter, r *http.Request) {
	syncID := r.PathValue("sync_id")
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.Header().Set("Upgrade", "websocket")
		l.problems.writeStatus(w, r, http.StatusUpgradeRequired, errs.New(errs.InvalidRequest, "This path speaks WebSocket.").
			WithRemedy("Connect with a WebSocket client, or read /api/v1/syncs/{sync_id}/events."))
		return
	}
	from, err := l.open(r, syncID)
	if err != nil {
		l.problems.write(w, r, err)
		return
	}
	defer from.close()
	answer := &handshake{ResponseWriter: w}
	conn, err := websocket.Accept(answer, r, &websocket.AcceptOptions{Subprotocols: []string{liveProtocol}})
	if err != nil {
		l.refuse(w, r, answer.status)
		return
	}
	defer conn.CloseNow() //nolint:errcheck // after a proper close it has nothing to say
	// The connection outlives the request's context: a write that is cut off closes it, and a server that stops could no
	// longer say goodbye.
	connected := conn.CloseRead(context.WithoutCancel(r.Context()))
	ctx, cancel := context.WithCancel(connected)
	defer cancel()
	defer context.AfterFunc(r.Context(), cancel)()
	err = l.tell(ctx, from, "websocket", webSocketListener{ctx: connected, conn: conn})
	switch {
	case r.Context().Err() != nil:
		_ = conn.Close(websocket.StatusGoingAway, "the server stops")
	case err == nil:
		_ = conn.Close(websocket.StatusNormalClosure, "")
	}
}

// handshake is the answer to a request for a WebSocket. It keeps a refusal to itself, which the library writes as plain
// text.
type handshake struct {
	http.ResponseWriter
	status int
}

// WriteHeader lets pass what is no refusal.
func (h *handshake) WriteHeader(status int) {
	h.status = status
	if status < http.StatusBadRequest {
		h.ResponseWriter.WriteHeader(status)
	}
}

// Write drops the text of a refusal; there is no other text.
func (h *handshake) Write(p []byte) (int, error) { return len(p), nil }

// Unwrap lets the library take the connection over.
func (h *handshake) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (l *live) refuse(w http.ResponseWriter, r *http.Request, status int) {
	if status == http.StatusForbidden {
		l.problems.crossOrigin(w, r)
		return
	}
	l.problems.writeStatus(w, r, status,
		errs.New(errs.InvalidRequest, "The request for a WebSocket is not as it has to be.").
			WithRemedy("Connect with a client of WebSocket version 13."))
}

type webSocketListener struct {
	ctx  context.Context //nolint:containedctx // the connection's own
	conn *websocket.Conn
}

func (l webSocketListener) message(m message) error { return l.write(m.text) }

func (l webSocketListener) write(text []byte) error {
	ctx, cancel := context.WithTimeout(l.ctx, writeTimeout)
	defer cancel()
	if err := l.conn.Write(ctx, websocket.MessageText, text); err != nil {
		return fmt.Errorf("write to a listener: %w", err)
	}
	return nil
}

func (l webSocketListener) ping(context.Context) error {
	ctx, cancel := context.WithTimeout(l.ctx, writeTimeout)
	defer cancel()
	return l.conn.Ping(ctx)
}

func (l webSocketListener) failure(text []byte) error {
	if err := l.write(text); err != nil {
		return err
	}
	return l.conn.Close(websocket.StatusInternalError, "the stream ended early")
}
