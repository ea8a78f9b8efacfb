package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// askTimeout bounds a question to the orchestrator.
const askTimeout = 10 * time.Second

// handle takes one event of the bus.
func (s *Service) handle(ctx context.Context, payload []byte) error {
	event := &eventv1.Event{}
	if err := proto.Unmarshal(payload, event); err != nil {
		return fmt.Errorf("%w: decode an event: %w", events.ErrPoison, err)
	}
	read := s.readers()[event.GetEventType()]
	if read == nil {
		return nil
	}
	start, err := s.store.start(ctx, s.began)
	if err != nil || event.GetTimestamp().AsTime().Before(start) {
		return err
	}
	err = read(ctx, event)
	if errors.Is(err, errPayload) {
		return fmt.Errorf("%w: %w", events.ErrPoison, err)
	}
	return err
}

// readers are what is done with events, by their types; with all others nothing.
func (s *Service) readers() map[string]func(context.Context, *eventv1.Event) error {
	return map[string]func(context.Context, *eventv1.Event) error{
		"sync.failed":       s.syncFailed,
		"sync.completed":    s.syncCompleted,
		"file.quarantined":  s.fileQuarantined,
		"conflict.opened":   s.conflictOpened,
		"conflict.resolved": s.conflictResolved,
		"fabric.deleted":    s.fabricDeleted,
	}
}

// errPayload says that an event does not carry what its type says.
var errPayload = errors.New("an event has another payload than its type")

func unpack(event *eventv1.Event, payload proto.Message) error {
	if err := event.GetPayload().UnmarshalTo(payload); err != nil {
		return fmt.Errorf("%w: %s: %w", errPayload, event.GetEventType(), err)
	}
	return nil
}

// sync returns the record of a sync of the whole fabric; nil for another one, which says nothing of how the fabric is,
// and for one that is forgotten.
func (s *Service) sync(ctx context.Context, syncID string) (*syncv1.Sync, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	found, err := s.deps.Syncs.GetSync(ctx, &syncv1.GetSyncRequest{SyncId: syncID})
	if errs.HasCode(err, errs.SyncNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look sync %s up: %w", syncID, err)
	}
	if !isWhole(found.GetSync()) {
		return nil, nil
	}
	return found.GetSync(), nil
}

// isWhole reports whether a sync is one of the whole fabric, which says how that is.
func isWhole(record *syncv1.Sync) bool {
	options := record.GetOptions()
	return !options.GetValidateOnly() && options.GetScope() != syncv1.Scope_SCOPE_DIRECTORY && !record.GetEdits()
}

// mostSyncs bounds how many syncs are looked at to find the last one of the whole fabric.
const mostSyncs = 500

// last returns the last sync of the whole fabric that succeeded or failed, of a sync and those after it; nil when none
// has. In which order events are read, and what the clocks say, does not matter.
func (s *Service) last(ctx context.Context, of *syncv1.Sync, fabricID int32) (*syncv1.Sync, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	found, err := s.deps.Syncs.ListSyncs(ctx, &syncv1.ListSyncsRequest{
		FabricId: fabricID, StartDate: of.GetAcceptedAt(), Limit: mostSyncs,
	})
	if err != nil {
		return nil, fmt.Errorf("list the syncs of fabric %d: %w", fabricID, err)
	}
	for _, one := range found.GetSyncs() {
		ended := one.GetState() == syncv1.State_STATE_COMPLETED || one.GetState() == syncv1.State_STATE_FAILED
		if ended && isWhole(one) {
			return one, nil
		}
	}
	return nil, nil
}

func (s *Service) syncFailed(ctx context.Context, e *eventv1.Event) error {
	payload := &syncv1.Sync{}
	if err := unpack(e, payload); err != nil {
		return err
	}
	record, err := s.sync(ctx, payload.GetSyncId())
	if err != nil || record == nil {
		return err
	}
	sig := signal{
		cause: syncFailed, at: e.GetTimestamp().AsTime(), message: "The sync failed.", syncID: payload.GetSyncId(),
	}
	if found := record.GetErrors(); len(found) > 0 {
		sig.code, sig.message, sig.remedy = found[0].GetCode(), found[0].GetMessage(), found[0].GetRemedy()
	}
	return s.take(ctx, e.GetFabricId(), func(
		ctx context.Context, _ *eventv1.FabricCauses, _ *fabricv1.Fabric,
	) (*signal, error) {
		last, err := s.last(ctx, record, e.GetFabricId())
		if err != nil || last.GetState() != syncv1.State_STATE_FAILED {
			return nil, err
		}
		return &sig, nil
	})
}

// syncCompleted tells that what failed does no longer, and that nothing is in quarantine any more.
func (s *Service) syncCompleted(ctx context.Context, e *eventv1.Event) error {
	payload := &syncv1.Sync{}
	if err := unpack(e, payload); err != nil {
		return err
	}
	record, err := s.sync(ctx, payload.GetSyncId())
	if err != nil || record == nil {
		return err
	}
	sig := signal{
		cause: syncFailed, over: true, at: e.GetTimestamp().AsTime(), message: "Syncs of the fabric succeed again.",
		syncID: payload.GetSyncId(), commitSHA: record.GetResult().GetCommitSha(), url: record.GetResult().GetCommitUrl(),
	}
	err = s.take(ctx, e.GetFabricId(), func(
		ctx context.Context, _ *eventv1.FabricCauses, _ *fabricv1.Fabric,
	) (*signal, error) {
		last, err := s.last(ctx, record, e.GetFabricId())
		if err != nil || last.GetState() != syncv1.State_STATE_COMPLETED {
			return nil, err
		}
		return &sig, nil
	})
	if err != nil {
		return err
	}
	sig.cause, sig.message = quarantined, "Nothing is in quarantine any more."
	return s.take(ctx, e.GetFabricId(), func(
		ctx context.Context, state *eventv1.FabricCauses, _ *fabricv1.Fabric,
	) (*signal, error) {
		if !state.GetCauses()[quarantined].GetOpen() {
			return nil, nil
		}
		empty, err := s.quarantineIsEmpty(ctx, e.GetFabricId())
		if err != nil || !empty {
			return nil, err
		}
		return &sig, nil
	})
}

func (s *Service) quarantineIsEmpty(ctx context.Context, fabricID int32) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	found, err := s.deps.Views.ListQuarantine(ctx, &fabricv1.ListQuarantineRequest{FabricId: fabricID, Limit: 1})
	if err != nil {
		return false, fmt.Errorf("ask whether the quarantine of fabric %d is empty: %w", fabricID, err)
	}
	return found.GetTotal() == 0, nil
}

func (s *Service) fileQuarantined(ctx context.Context, e *eventv1.Event) error {
	payload := &eventv1.DocumentsProcessed{}
	if err := unpack(e, payload); err != nil {
		return err
	}
	record, err := s.sync(ctx, e.GetCorrelationId())
	if err != nil || record == nil || len(payload.GetDocuments()) == 0 {
		return err
	}
	sig := signal{cause: quarantined, at: e.GetTimestamp().AsTime(), syncID: e.GetCorrelationId()}
	first := payload.GetDocuments()[0]
	sig.message = fmt.Sprintf("%s is in quarantine.", first.GetFile())
	if n := len(payload.GetDocuments()); n > 1 {
		sig.message = fmt.Sprintf("%d documents are in quarantine, %s among them.", n, first.GetFile())
	}
	if why := reason(record, payload.GetDocuments()); why != nil {
		sig.code, sig.remedy = why.GetCode(), why.GetRemedy()
		sig.message += " " + why.GetMessage()
	}
	return s.take(ctx, e.GetFabricId(), func(
		ctx context.Context, _ *eventv1.FabricCauses, _ *fabricv1.Fabric,
	) (*signal, error) {
		last, err := s.last(ctx, record, e.GetFabricId())
		if err != nil || last == nil { // it goes on, and what it has to say is not in Git yet
			return &sig, err
		}
		empty, err := s.quarantineIsEmpty(ctx, e.GetFabricId())
		if err != nil || empty {
			return nil, err
		}
		return &sig, nil
	})
}

// reason returns the first error of documents; nil when the sync has none of them.
func reason(record *syncv1.Sync, documents []*ingestionv1.DocumentResult) *reportv1.Finding {
	files := map[string]bool{}
	for _, d := range documents {
		files[d.GetFile()] = true
	}
	for _, f := range record.GetErrors() {
		if files[f.GetFile()] {
			return f
		}
	}
	return nil
}

func (s *Service) conflictOpened(ctx context.Context, e *eventv1.Event) error {
	payload := &eventv1.ConflictChanged{}
	if err := unpack(e, payload); err != nil {
		return err
	}
	sig := signal{
		cause: conflict, at: e.GetTimestamp().AsTime(),
		message: fmt.Sprintf("Git and NetBox have changed %s %s/%s, each in its own way.", payload.GetKind(),
			payload.GetNamespace(), payload.GetName()),
		remedy: fmt.Sprintf("fgd conflicts list %d has it, and what settles it.", e.GetFabricId()),
	}
	return s.take(ctx, e.GetFabricId(), func(
		ctx context.Context, _ *eventv1.FabricCauses, _ *fabricv1.Fabric,
	) (*signal, error) {
		open, err := s.deps.Outbox.Conflicts(ctx, e.GetFabricId())
		if err != nil || open == 0 {
			return nil, err
		}
		return &sig, nil
	})
}

func (s *Service) conflictResolved(ctx context.Context, e *eventv1.Event) error {
	if err := unpack(e, &eventv1.ConflictChanged{}); err != nil {
		return err
	}
	return s.take(ctx, e.GetFabricId(), s.conflictsAreOver(e.GetFabricId()))
}

// conflictsAreOver tells that no conflict is open, when one was.
func (s *Service) conflictsAreOver(fabricID int32) question {
	return func(ctx context.Context, state *eventv1.FabricCauses, _ *fabricv1.Fabric) (*signal, error) {
		if !state.GetCauses()[conflict].GetOpen() {
			return nil, nil
		}
		open, err := s.deps.Outbox.Conflicts(ctx, fabricID)
		if err != nil || open > 0 {
			return nil, err
		}
		return &signal{cause: conflict, over: true, at: s.deps.Now(), message: "No conflict is open any more."}, nil
	}
}

// fabricDeleted forgets a fabric, unless another one has its number by now.
func (s *Service) fabricDeleted(ctx context.Context, e *eventv1.Event) error {
	return s.take(ctx, e.GetFabricId(), func(
		context.Context, *eventv1.FabricCauses, *fabricv1.Fabric,
	) (*signal, error) {
		return nil, nil
	})
}
