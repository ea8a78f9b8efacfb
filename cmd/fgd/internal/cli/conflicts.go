package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/structpb"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

func newConflicts(env Environment) *cobra.Command {
	return group(&cobra.Command{
		Use: "conflicts", Short: "See and settle what Git and NetBox have changed both, each in its own way",
	}, newConflictsList(env), newConflictsShow(env), newConflictsResolve(env))
}

func newConflictsList(env Environment) *cobra.Command {
	cmd := &cobra.Command{Use: "list FABRIC", Short: "List the conflicts of a fabric"}
	var state, kind string
	cmd.Flags().StringVar(&state, "state", "open", "only those in this `state`: open, resolved or all")
	cmd.Flags().StringVar(&kind, "kind", "", "only those of resources of this `kind`")
	return aboutFabric(env, cmd, func(ctx context.Context, r *running, id int32) error {
		answer, err := r.Conflicts(ctx, id, state, kind)
		if err != nil {
			return exit.MisuseIfInvalid(err)
		}
		return r.print(answer, func() { render.Conflicts(r.results(), id, answer.GetConflicts()) })
	})
}

// aboutConflict returns a command whose words are the name or number of a fabric and the id of a conflict.
func aboutConflict(
	env Environment, cmd *cobra.Command, do func(ctx context.Context, r *running, fabricID int32, id string) error,
) *cobra.Command {
	cmd.Args = arguments(2, 2, "fabric's name or number and a conflict's id")
	r := newRunning(env, cmd)
	r.offers(cmd, r.fabricNames, r.conflictIDs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := r.FabricID(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return do(cmd.Context(), r, id, args[1])
	}
	return cmd
}

func newConflictsShow(env Environment) *cobra.Command {
	return aboutConflict(env, &cobra.Command{
		Use: "show FABRIC CONFLICT", Short: "Show what each side has at each path of a conflict, and how to settle it",
	}, func(ctx context.Context, r *running, fabricID int32, id string) error {
		answer, err := r.Conflict(ctx, fabricID, id)
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.Conflict(env.results(), fabricID, answer.GetConflict()) })
	})
}

func newConflictsResolve(env Environment) *cobra.Command {
	request := &bridgev1.ResolveConflictRequest{}
	var set []string
	cmd := aboutConflict(env, &cobra.Command{
		Use: "resolve FABRIC CONFLICT [--take SIDE] [--set PATH=WHAT]...", Short: "Settle a conflict",
		Long: `Settles a conflict: a commit in your name where Git has to change, and a write where NetBox has to. --take says which side
is taken at all paths that no --set names. After --set PATH= stand git, netbox, a value as JSON, or nothing to remove
what is there; the text git is '"git"'. Paths are those that fgd conflicts show prints.

It is settled as it is when the command runs, unless --version names the one that you have seen. With --dry-run nothing
is settled, and what would change on either side is shown.`,
		Example: `  fgd conflicts resolve 1 CONFLICT --take git
  fgd conflicts resolve 1 CONFLICT --take netbox --dry-run
  fgd conflicts resolve 1 CONFLICT --take git --set spec.subnets.default.vlan=netbox
  fgd conflicts resolve 1 CONFLICT --set spec.subnets.default.vlan=1003 --set 'annotations."example.com/owner"="net"'`,
	}, func(ctx context.Context, r *running, fabricID int32, id string) error {
		if request.GetTake() == "" && len(set) == 0 {
			return exit.Misuse(errs.New(errs.InvalidRequest, "Nothing says what is taken.").
				WithRemedy("Give --take git or --take netbox, or --set for each path."))
		}
		seen, err := r.Conflict(ctx, fabricID, id)
		if err != nil {
			return err
		}
		if request.FabricId, request.ConflictId = fabricID, id; request.GetVersion() == "" {
			request.Version = seen.GetConflict().GetVersion()
		}
		if request.Choices, err = choices(set, seen.GetConflict().GetPaths()); err != nil {
			return exit.Misuse(err)
		}
		answer, err := r.ResolveConflict(ctx, request)
		if err != nil {
			return exit.MisuseIfInvalid(err)
		}
		show := render.ConflictResolved
		if request.GetValidateOnly() {
			show = render.ConflictPreview
		}
		return r.print(answer, func() { show(env.results(), answer) })
	})
	flags := cmd.Flags()
	flags.StringVar(&request.Take, "take", "", "`side` that is taken at all paths that no --set names: git or netbox")
	flags.StringArrayVar(&set, "set", nil, "`PATH=WHAT` is taken at a path: git, netbox, JSON, or nothing; repeatable")
	flags.StringVar(&request.Version, "version", "", "only while it is this `version`, as fgd conflicts show prints it")
	flags.BoolVar(&request.ValidateOnly, "dry-run", false, "show what would change on either side, and settle nothing")
	return cmd
}

// choices reads what is taken at paths of a conflict.
func choices(set []string, paths []*bridgev1.ConflictPath) ([]*bridgev1.ConflictChoice, error) {
	var all []*bridgev1.ConflictChoice
	for _, text := range set {
		path, what, found := cutPath(text, paths)
		if !found {
			return nil, errs.New(errs.InvalidRequest, "--set %s begins with no path of the conflict and \"=\".", text).
				WithRemedy("Name one of these: %s.", strings.Join(names(paths), ", "))
		}
		choice := &bridgev1.ConflictChoice{Path: path, Take: what}
		if what != "git" && what != "netbox" {
			choice.Take = "value"
		}
		if choice.GetTake() == "value" && what != "" {
			choice.Value = &structpb.Value{}
			if err := choice.GetValue().UnmarshalJSON([]byte(what)); err != nil {
				return nil, errs.New(errs.InvalidRequest, "--set %s: %q is neither git, netbox, nor JSON.", path, what).
					WithRemedy(`Put a text into double quotes: --set '%s="…"'.`, path)
			}
		}
		all = append(all, choice)
	}
	return all, nil
}

// cutPath returns which path of a conflict stands before a "=", and what stands behind. Paths may have such signs too:
// the longest counts.
func cutPath(text string, paths []*bridgev1.ConflictPath) (path, what string, found bool) {
	for _, name := range names(paths) {
		if rest, is := strings.CutPrefix(text, name+"="); is && len(name) >= len(path) {
			path, what, found = name, rest, true
		}
	}
	return path, what, found
}

func names(paths []*bridgev1.ConflictPath) []string {
	var all []string
	for _, p := range paths {
		all = append(all, p.GetPath())
	}
	return all
}
