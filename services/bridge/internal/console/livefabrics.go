package console

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// rowView is a row of the list of fabrics, for its visitor.
type rowView struct {
	*visit

	Fabric *bridgev1.Fabric
}

// followFabrics streams rows of the list of fabrics: first each as it is now, so that one that comes late or again has
// everything, then each that changes.
func (v *visit) followFabrics() error {
	ids, err := v.followed()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(v.calls)
	defer cancel()
	stream, err := v.api.fabrics.WatchFabrics(ctx, &bridgev1.WatchFabricsRequest{FabricIds: ids})
	if err != nil {
		return err
	}
	messages, lost := received(ctx, stream.Recv)
	w := &eventWriter{w: v.w, control: http.NewResponseController(v.w)}
	w.begin()
	err = v.drawRows(w, messages)
	cancel()
	if ended := lost(); err == nil && ended != nil {
		v.log.InfoContext(v.r.Context(), "live page ended early", "error", ended.Error())
	}
	return nil // what could be said has been
}

// followed returns the fabrics that a page shows.
func (v *visit) followed() ([]int32, error) {
	var ids []int32
	for _, text := range v.r.URL.Query()["id"] {
		id, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return nil, errs.Field("id", "id is the number of a fabric.")
		}
		ids = append(ids, int32(id))
	}
	return ids, nil
}

// drawRows writes each row that comes, until the browser is gone.
func (v *visit) drawRows(w *eventWriter, messages <-chan *bridgev1.WatchFabricsResponse) error {
	ping := time.NewTicker(livePing)
	defer ping.Stop()
	for {
		select {
		case next, more := <-messages:
			if !more {
				return nil
			}
			if err := v.drawRow(w, next.GetFabric()); err != nil {
				return err
			}
		case <-ping.C:
			if err := w.comment(); err != nil {
				return err
			}
		}
	}
}

func (v *visit) drawRow(w *eventWriter, fabric *bridgev1.Fabric) error {
	pages, err := v.pages()
	if err != nil {
		return err
	}
	var part bytes.Buffer
	if err := pages.part(&part, "fabrics", "live-row", &rowView{v, fabric}); err != nil {
		return err
	}
	return w.send(part.String())
}
