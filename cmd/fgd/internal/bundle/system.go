package bundle

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"fgdsync.dev/cmd/fgd/internal/remote"
	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// How much of a system is gathered.
const (
	lastSyncs    = 100 // of all fabrics
	mostReports  = 30  // of the syncs among them that failed or found something
	mostFabrics  = 50  // whose quarantine and conflicts are looked at
	mostFindings = 200 // of one report
	mostMetrics  = 16 << 20
)

// System is a running system, and how it is asked: with the rights of who asks.
type System struct {
	Remote remote.System
	// Metrics is the address of the page of metrics; empty where it is not known.
	Metrics   string
	ShowToken bool // to the page of metrics
	Client    *http.Client
	redact    *Redactor
}

// Parts returns what the API says.
func (s System) Parts(r *Redactor) []Part {
	s.redact = r
	return []Part{
		{"server.json", "version of the system, and who asks", s.caller},
		{"health.json", "health of all components", s.health},
		{"fabrics.json", "fabrics with their state", s.fabrics},
		{"syncs.json", "the last syncs", s.syncs},
		{"reports.json", "reports of the last syncs that failed or found something", s.reports},
		{"quarantine.json", "how much is in quarantine, by code", s.quarantine},
		{"conflicts.json", "open conflicts, without values", s.conflicts},
		{"dead-letters.json", "work that could not be handled", s.deadLetters},
		{"notifications.json", "how targets of notifications are", s.notifications},
		{"audit.json", "whether the audit is what was written", s.audit},
		{"metrics.txt", "the page of metrics", s.metrics},
	}
}

// with asks a running system.
func with[Answer any](ctx context.Context, s System, ask func(context.Context, remote.Client) (Answer, error),
) (answer Answer, err error) {
	err = s.Remote.WithClient(ctx, func(ctx context.Context, c remote.Client) error {
		answer, err = ask(ctx, c)
		return err
	})
	return answer, err
}

func (s System) healthOf(ctx context.Context) (*bridgev1.GetHealthResponse, error) {
	return with(ctx, s, func(ctx context.Context, c remote.Client) (*bridgev1.GetHealthResponse, error) {
		return bridgev1.NewHealthServiceClient(c.Conn).GetHealth(ctx, &bridgev1.GetHealthRequest{})
	})
}

func (s System) caller(ctx context.Context) (string, error) {
	health, err := s.healthOf(ctx)
	if err != nil {
		return "", err
	}
	caller, err := with(ctx, s, func(ctx context.Context, c remote.Client) (*bridgev1.GetCallerResponse, error) {
		return bridgev1.NewAccessServiceClient(c.Conn).GetCaller(ctx, &bridgev1.GetCallerRequest{})
	})
	if err != nil {
		return "", err
	}
	var roles []string
	for _, grant := range caller.GetGrants() {
		roles = append(roles, grant.GetRole())
	}
	return s.redact.document(map[string]any{
		"version": health.GetVersion(), "status": health.GetStatus(), "caller_method": caller.GetMethod(),
		"caller_roles": roles,
	})
}

func (s System) health(ctx context.Context) (string, error) {
	answer, err := s.healthOf(ctx)
	if err != nil {
		return "", err
	}
	return s.redact.document(answer)
}

func (s System) fabrics(ctx context.Context) (string, error) {
	answer, err := s.Remote.Fabrics(ctx)
	if err != nil {
		return "", err
	}
	for _, fabric := range answer.GetFabrics() {
		if fabric.GetSuspension() != nil {
			fabric.Suspension.Reason, fabric.Reason = "", nil // words of a person
		}
		if fabric.GetOptions() != nil {
			fabric.Options.CommitAuthor, fabric.Options.CommitCommitter = nil, nil
		}
	}
	return s.redact.document(answer)
}

func (s System) last(ctx context.Context, c remote.Client) ([]*bridgev1.SyncStatus, error) {
	ask, syncs := &bridgev1.ListAllSyncsRequest{Limit: lastSyncs}, []*bridgev1.SyncStatus{}
	for {
		page, err := bridgev1.NewSyncServiceClient(c.Conn).ListAllSyncs(ctx, ask)
		if err != nil {
			return nil, err
		}
		syncs = append(syncs, page.GetSyncs()...)
		if ask.PageToken = page.GetNextPageToken(); ask.GetPageToken() == "" || len(syncs) >= lastSyncs {
			return syncs[:min(len(syncs), lastSyncs)], nil
		}
	}
}

func (s System) syncs(ctx context.Context) (string, error) {
	syncs, err := with(ctx, s, s.last)
	if err != nil {
		return "", err
	}
	return s.redact.document(&bridgev1.ListAllSyncsResponse{Syncs: syncs})
}

func (s System) reports(ctx context.Context) (string, error) {
	reports, err := with(ctx, s, func(ctx context.Context, c remote.Client) (*bridgev1.ListAllSyncsResponse, error) {
		syncs, err := s.last(ctx, c)
		if err != nil {
			return nil, err
		}
		reports := &bridgev1.ListAllSyncsResponse{}
		for _, sync := range syncs {
			if sync.GetErrorsTotal()+sync.GetWarningsTotal() == 0 || len(reports.GetSyncs()) == mostReports {
				continue
			}
			status, err := c.Status(ctx, sync.GetSyncId())
			if err != nil {
				return nil, err
			}
			status.Errors = status.GetErrors()[:min(len(status.GetErrors()), mostFindings)]
			status.Warnings = status.GetWarnings()[:min(len(status.GetWarnings()), mostFindings)]
			reports.Syncs = append(reports.Syncs, status)
		}
		return reports, nil
	})
	if err != nil {
		return "", err
	}
	return s.redact.document(reports)
}

// quarantined is how much of one fabric is in quarantine.
type quarantined struct {
	Fabric int32          `json:"fabric_id"`
	Total  int            `json:"total"`
	Codes  map[string]int `json:"codes"`
	Error  string         `json:"error,omitempty"` // why it is not known
}

func (s System) quarantine(ctx context.Context) (string, error) {
	all, err := s.Remote.Fabrics(ctx)
	if err != nil {
		return "", err
	}
	counts := []quarantined{}
	for _, fabric := range all.GetFabrics() {
		if fabric.GetLastSuccess().GetQuarantinedFiles() > 0 && len(counts) < mostFabrics {
			counts = append(counts, s.quarantineOf(ctx, fabric.GetFabricId()))
		}
	}
	return s.redact.document(counts)
}

func (s System) quarantineOf(ctx context.Context, id int32) quarantined {
	count := quarantined{Fabric: id, Codes: map[string]int{}}
	files, err := with(ctx, s, func(ctx context.Context, c remote.Client) (*bridgev1.ListQuarantineResponse, error) {
		return (&remote.Fabric{Client: c, ID: id}).Quarantined(ctx)
	})
	if err != nil {
		count.Error = why(err)
	}
	for _, file := range files.GetFiles() {
		count.Total++
		count.Codes[file.GetReason().GetCode()]++
	}
	return count
}

// conflict is one without what the sides say.
type conflict struct {
	Fabric   int32     `json:"fabric_id"`
	ID       string    `json:"conflict_id"`
	Kind     string    `json:"kind"`
	OpenedAt time.Time `json:"opened_at"`
	Reasons  []string  `json:"reasons"`
	Paths    int32     `json:"paths_total"`
}

func (s System) conflicts(ctx context.Context) (string, error) {
	all, err := s.Remote.Fabrics(ctx)
	if err != nil {
		return "", err
	}
	conflicts := []conflict{}
	linked := slices.DeleteFunc(all.GetFabrics(), func(f *bridgev1.Fabric) bool { return f.GetNetbox() == nil })
	for _, fabric := range linked[:min(len(linked), mostFabrics)] {
		of, err := s.conflictsOf(ctx, fabric.GetFabricId())
		if err != nil {
			return "", err
		}
		conflicts = append(conflicts, of...)
	}
	return s.redact.document(conflicts)
}

func (s System) conflictsOf(ctx context.Context, id int32) (conflicts []conflict, err error) {
	answer, err := with(ctx, s, func(ctx context.Context, c remote.Client) (*bridgev1.ListConflictsResponse, error) {
		return bridgev1.NewConflictServiceClient(c.Conn).ListConflicts(ctx, &bridgev1.ListConflictsRequest{FabricId: id})
	})
	for _, c := range answer.GetConflicts() {
		one := conflict{
			Fabric: id, ID: c.GetConflictId(), Kind: c.GetKind(), OpenedAt: c.GetOpenedAt().AsTime(), Paths: c.GetPathsTotal(),
		}
		for _, path := range c.GetPaths() {
			if !slices.Contains(one.Reasons, path.GetReason()) {
				one.Reasons = append(one.Reasons, path.GetReason())
			}
		}
		conflicts = append(conflicts, one)
	}
	return conflicts, err
}

func (s System) deadLetters(ctx context.Context) (string, error) {
	answer, err := s.Remote.DeadLetters(ctx)
	if err != nil {
		return "", err
	}
	return s.redact.document(answer)
}

func (s System) notifications(ctx context.Context) (string, error) {
	answer, err := s.Remote.Notifications(ctx)
	if err != nil {
		return "", err
	}
	return s.redact.document(answer)
}

func (s System) audit(ctx context.Context) (string, error) {
	answer, err := s.Remote.VerifyAudit(ctx, &bridgev1.VerifyAuditRequest{})
	if err != nil {
		return "", err
	}
	return s.redact.document(answer)
}

// metrics reads the page of metrics, which shows the token of who asks where that is wanted.
func (s System) metrics(ctx context.Context) (string, error) {
	if s.Metrics == "" {
		return "", errs.New(errs.InvalidRequest, "The address of HTTP is not known; --http says it.")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.Metrics, "/")+"/metrics", nil)
	if err != nil {
		return "", errs.New(errs.InvalidRequest, "--http is no address.")
	}
	if s.ShowToken {
		token, err := s.Remote.Token(ctx)
		if err != nil {
			return "", err
		}
		request.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	response, err := s.Client.Do(request)
	if err != nil {
		return "", errs.New(errs.ServiceUnavailable, "Nothing can be reached at %s.", s.Metrics)
	}
	defer func() { _ = response.Body.Close() }()
	page, err := io.ReadAll(io.LimitReader(response.Body, mostMetrics))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", s.Metrics, response.Status)
	}
	return s.redact.Line(string(page)), err
}
