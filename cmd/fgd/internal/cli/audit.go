package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

const defaultAuditLines = 50

func newAudit(env Environment) *cobra.Command {
	return group(&cobra.Command{
		Use: "audit", Short: "Look at who changed what, and check that nothing of it was changed",
		Long: "Each bridge has an audit of its own; what is shown is that of the one that is asked.",
	}, newAuditList(env), newAuditVerify(env), newAuditExport(env))
}

func newAuditList(env Environment) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List lines, the newest first", Args: noArguments}
	r, request := newRunning(env, cmd), &bridgev1.ListAuditRequest{}
	flags := cmd.Flags()
	var fabric, since, until string
	flags.StringVar(&fabric, "fabric", "", "only lines about this fabric, by its name or `number`")
	r.offersFor(cmd, "fabric", r.fabricNames)
	flags.StringVar(&request.Principal, "principal", "", "only lines of who has this `name`, or of what this service said")
	flags.StringVar(&request.Action, "action", "", "only lines with this `text` in their action, as CreateFabric")
	flags.StringVar(&since, "since", "", "only lines from this `time` on, as 2026-03-01 or 2026-03-01T12:00:00Z")
	flags.StringVar(&until, "until", "", "only lines from before this `time`")
	flags.Int32Var(&request.Limit, "limit", defaultAuditLines, "at most so many `lines`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if request.Since, request.Until, err = times(since, until); err != nil {
			return err
		}
		if request.GetLimit() < 1 {
			return exit.Misuse(errs.New(errs.InvalidRequest, "--limit has to be 1 or more."))
		}
		if fabric != "" {
			id, err := r.FabricID(cmd.Context(), fabric)
			if err != nil {
				return err
			}
			request.FabricId = &id
		}
		answer, err := r.Audit(cmd.Context(), request)
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.Audit(r.results(), answer.GetLines()) })
	}
	return cmd
}

// times reads the bounds that flags name.
func times(since, until string) (from, to *timestamppb.Timestamp, err error) {
	if from, err = timeFlag("--since", since); err == nil {
		to, err = timeFlag("--until", until)
	}
	return from, to, err
}

func timeFlag(name, text string) (*timestamppb.Timestamp, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no bound is one
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return timestamppb.New(at), nil
		}
	}
	return nil, exit.Misuse(errs.New(errs.InvalidRequest, "%s is no time.", name).
		WithRemedy("Write it as 2026-03-01 or 2026-03-01T12:00:00Z."))
}

func newAuditVerify(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "verify", Short: "Check that nothing of the audit was changed, removed or put in", Args: noArguments,
		Long: `Asks the bridge to check each line against the one before, the signed checkpoints, and what the newest commits of
all fabrics say. With --file it checks a file here, and those beside it that came before, without any bridge and
without commits.`,
	}
	r, request := newRunning(env, cmd), &bridgev1.VerifyAuditRequest{}
	var file, key string
	cmd.Flags().StringSliceVar(&request.RetiredLogs, "retired-log", nil,
		"`log` of a bridge that is no more, 16 hex digits: that commits name it is no problem")
	cmd.Flags().StringVar(&file, "file", "", "check this `file`")
	cmd.Flags().StringVar(&key, "key", "", "the `file` with the key of checkpoints; audit.key.pub beside --file without it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		var answer *bridgev1.VerifyAuditResponse
		switch {
		case file == "":
			answer, err = r.VerifyAudit(cmd.Context(), request)
		case len(request.GetRetiredLogs()) > 0:
			return exit.Misuse(errs.New(errs.InvalidRequest, "--retired-log goes with commits, which --file leaves out."))
		default:
			answer, err = verifyFile(file, key)
		}
		if err != nil {
			return err
		}
		err = r.print(answer, func() { render.AuditVerified(env.Stdout, answer) })
		switch {
		case err != nil || answer.GetIntact():
			return err
		case r.isData(): // the document says it
			return exit.Code(exit.Failed)
		}
		return errs.New(errs.AuditBroken, "The audit is not what was written.")
	}
	return cmd
}

// verifyFile checks a file. Without a key that is named, that beside it is taken, if there is one.
func verifyFile(file, key string) (*bridgev1.VerifyAuditResponse, error) {
	named := key != ""
	if !named {
		key = filepath.Join(filepath.Dir(file), "audit.key.pub")
	}
	public, err := os.ReadFile(key)
	if err != nil && (named || !errors.Is(err, fs.ErrNotExist)) {
		return nil, exit.Misuse(errs.New(errs.InvalidRequest, "The key %s can't be read.", key).WithCause(err))
	}
	report, err := chain.ExamineFiles(file, string(public))
	if err != nil {
		return nil, exit.Misuse(errs.New(errs.InvalidRequest, "The audit %s can't be read.", file).WithCause(err))
	}
	answer := &bridgev1.VerifyAuditResponse{
		Intact: report.Total == 0, Log: report.Last.Log, FirstSeq: int32(report.First.Seq), LastSeq: int32(report.Last.Seq),
		LastHash: report.Last.Hash, Checkpoints: int32(report.Checkpoints), ProblemsTotal: int32(report.Total),
	}
	for _, p := range report.Problems {
		answer.Problems = append(answer.Problems, &bridgev1.AuditProblem{Seq: int32(p.Seq), Message: p.Text})
	}
	if len(public) == 0 {
		answer.Notes = append(answer.Notes, "Without a key the checkpoints were not looked at.")
	}
	return answer, nil
}

func newAuditExport(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "export", Short: "Print the audit, the oldest line first", Args: noArguments,
		Long: "jsonl is the lines as they are in the file; ocsf is events of the class API Activity (6003) of OCSF.",
	}
	r, request := newRunning(env, cmd), &bridgev1.ExportAuditRequest{}
	var since, until string
	cmd.Flags().StringVar(&request.Format, "format", "jsonl", "`form`: jsonl or ocsf")
	cmd.Flags().StringVar(&since, "since", "", "only lines from this `time` on, as 2026-03-01 or 2026-03-01T12:00:00Z")
	cmd.Flags().StringVar(&until, "until", "", "only lines from before this `time`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if request.Since, request.Until, err = times(since, until); err != nil {
			return err
		}
		if f := request.GetFormat(); f != "jsonl" && f != "ocsf" {
			return exit.Misuse(errs.New(errs.InvalidRequest, "--format is %q; it has to be jsonl or ocsf.", f))
		}
		return r.ExportAudit(cmd.Context(), request, env.Stdout)
	}
	return cmd
}
