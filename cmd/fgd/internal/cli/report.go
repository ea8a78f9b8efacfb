package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// report prints how a sync ended, and answers the exit code as an error.
func (s *session) report(status *bridgev1.SyncStatus, dryRun bool) error {
	if s.t.json {
		if err := printJSON(s.env.Stdout, status); err != nil {
			return err
		}
	} else {
		s.print(status, dryRun)
	}
	switch {
	case status.GetState() != "completed":
		return outcome(ExitFailed)
	case status.GetResult().GetFilesQuarantined() > 0:
		return outcome(ExitFindings)
	}
	return nil
}

func printJSON(w io.Writer, m proto.Message) error {
	raw, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	var out bytes.Buffer // protojson's own spacing differs from build to build
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return fmt.Errorf("indent JSON: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", &out)
	return err
}

func (s *session) print(status *bridgev1.SyncStatus, dryRun bool) {
	result := status.GetResult()
	if dryRun && result.GetDiff() != "" {
		printf(s.env, "%s", result.GetDiff())
		printPlan(s.env.Stdout, result.GetPlan())
	}
	printFindings(s.env.Stdout, "error", status.GetErrors())
	printFindings(s.env.Stdout, "warning", status.GetWarnings())
	table := tabwriter.NewWriter(s.env.Stdout, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(table, name+"\t"+format+"\n", args...) }
	row("state", "%s", status.GetState())
	row("commit", "%s", commitText(dryRun, status))
	row("files", "%d created, %d updated, %d removed", result.GetFilesCreated(), result.GetFilesUpdated(),
		result.GetFilesRemoved())
	row("quarantined", "%d", result.GetFilesQuarantined())
	plan := result.GetPlan()
	row("resources", "%d (%d created, %d updated, %d moved, %d deleted)", result.GetResourcesTotal(), plan.GetCreates(),
		plan.GetUpdates(), plan.GetMoves(), plan.GetDeletes())
	row("time", "%s", status.GetCompletedAt().AsTime().Sub(status.GetAcceptedAt().AsTime()).Round(time.Millisecond))
	_ = table.Flush()
}

// printPlan prints what would become of each resource and file.
func printPlan(w io.Writer, plan *bridgev1.Plan) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, a := range plan.GetActions() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", a.GetAction(), resourceText(a.GetKind(), a.GetNamespace(), a.GetName()),
			a.GetFrom(), a.GetTo())
	}
	for _, o := range plan.GetOrphans() {
		fmt.Fprintf(table, "orphan\t%s\t%s\tno %s %s\n", resourceText(o.GetKind(), o.GetNamespace(), o.GetName()),
			o.GetField(), o.GetMissingKind(), o.GetMissingName())
	}
	_ = table.Flush()
}

func resourceText(kind, namespace, name string) string {
	if kind == "" {
		return "-"
	}
	return kind + " " + namespace + "/" + name
}

func commitText(dryRun bool, status *bridgev1.SyncStatus) string {
	result := status.GetResult()
	switch {
	case status.GetState() != "completed":
		return "none"
	case dryRun:
		return "none (dry run)"
	case result.GetCommitSha() == "":
		return "none (nothing changed)"
	case result.GetCommitUrl() != "":
		return result.GetCommitSha() + " " + result.GetCommitUrl()
	default:
		return result.GetCommitSha()
	}
}

func printFindings(w io.Writer, severity string, findings []*bridgev1.Finding) {
	for _, f := range findings {
		fmt.Fprintf(w, "%s: %s%s %s (%s)\n", severity, position(f.GetFile(), f.GetLine(), f.GetColumn()),
			f.GetCode()+" "+f.GetName()+":", f.GetMessage(), f.GetRemedy())
	}
}

// position returns "file:line:column: " as far as it is known.
func position(file string, line, column int32) string {
	if file == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString(file)
	if line > 0 {
		fmt.Fprintf(&b, ":%d", line)
		if column > 0 {
			fmt.Fprintf(&b, ":%d", column)
		}
	}
	return b.String() + ": "
}

// printJSONError prints an error in the contract's shape, for those who asked for JSON.
func printJSONError(env Environment, err error) error {
	face, encodeErr := errs.ToJSON(err, "", time.Now())
	if encodeErr != nil {
		return encodeErr
	}
	if _, writeErr := fmt.Fprintf(env.Stdout, "%s\n", face); writeErr != nil {
		return writeErr
	}
	if errs.HasCode(err, errs.ConfigurationInvalid) || isUsage(err) {
		return outcome(ExitUsage)
	}
	return outcome(ExitFailed)
}

// bar is the progress on a terminal; elsewhere it shows nothing.
type bar struct {
	container *mpb.Progress
	bar       *mpb.Bar
	stage     string
}

const percent = 100

func newBar(env Environment, quiet bool) *bar {
	file, ok := env.Stderr.(*os.File)
	if quiet || !ok || !term.IsTerminal(int(file.Fd())) {
		return &bar{}
	}
	b := &bar{container: mpb.NewWithContext(context.Background(), mpb.WithOutput(file))}
	b.bar = b.container.AddBar(percent, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.stage })),
		mpb.AppendDecorators(decor.Percentage()))
	return b
}

func (b *bar) show(data *bridgev1.SyncEventData) {
	if b.bar == nil {
		return
	}
	b.stage = fmt.Sprintf("%-15s %d/%d files ", data.GetStage(), data.GetFilesProcessed(), data.GetTotalFiles())
	b.bar.SetCurrent(int64(data.GetProgress()))
}

func (b *bar) close() {
	if b.bar == nil {
		return
	}
	b.bar.Abort(true)
	b.container.Wait()
}
