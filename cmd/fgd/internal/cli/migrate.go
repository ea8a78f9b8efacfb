package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/local"
	"fgdsync.dev/cmd/fgd/internal/migrate"
	"fgdsync.dev/cmd/fgd/internal/netboximport"
	"fgdsync.dev/cmd/fgd/internal/remote"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/libs/nearest"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

func newMigrate(env Environment) *cobra.Command {
	return group(&cobra.Command{
		Use: "migrate", Short: "Take over fabrics whose directories are there already, once somebody has approved it",
	}, newMigratePlan(env), newMigrateApply(env))
}

// migratePlan is what fgd migrate plan was told.
type migratePlan struct {
	*running
	csv, out, url, tokenRef string
	netbox                  bool
	target                  local.Target
}

func newMigratePlan(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "plan (--csv FILE | --netbox [--csv FILE])", Args: noArguments,
		Short: "Say what syncs of fabrics would do, and register nothing",
		Long: `Looks at the directory of each fabric by a dry run in this process, and writes what it saw into a plan: the
last commit that changed the directory, and what a sync would do. Nothing is registered, and no repository is changed.

Fabrics are those of a file, comma-separated, with a first line that names the columns fabric (its number in NetBox) or
name, repository_url, branch, gitops_directory and credentials_ref; or those that a NetBox knows, where the file says
what NetBox does not. A credentials_ref is looked up here, as --config and the environment say; without one fgd signs in
as fgd sync does.

Exit codes: 0 all are ready, 1 failed, 2 called wrongly, 3 one is not.`,
	}
	p := &migratePlan{running: newRunning(env, cmd)}
	flags := cmd.Flags()
	flags.StringVar(&p.csv, "csv", "", "`file` that says where the directories of fabrics are")
	flags.BoolVar(&p.netbox, "netbox", false, "take the fabrics that a NetBox knows")
	addNetBoxFlags(cmd, &p.url, &p.tokenRef)
	flags.StringVar(&p.out, "out", "fgd-migration.json", "`file` for the plan")
	flags.StringVar(&p.target.CredentialsFile, "credentials-file", "",
		"YAML `file` with token, username and password, ssh_private_key, or github_app, for rows without a reference")
	addConfigFlag(cmd, &p.target.ConfigPath)
	addRemotesFlags(cmd, &p.target.Remotes)
	reach := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if p.csv == "" && !p.netbox {
			return exit.Misuse(errors.New("say --csv or --netbox: which fabrics are to be taken over"))
		}
		return reach(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return p.run(cmd.Context()) }
	return cmd
}

func (p *migratePlan) run(ctx context.Context) error {
	rows, registered, netbox, err := p.rows(ctx)
	if err != nil {
		return exit.MisuseIfInvalid(err)
	}
	plan, err := migrate.Look(ctx, rows, registered, netbox, p.try)
	if err != nil {
		return err
	}
	if err := plan.Write(p.out); err != nil {
		return err
	}
	if err := p.print(plan, func() { render.MigrationPlan(p.env.results(), plan, p.out) }); err != nil {
		return err
	}
	if slices.ContainsFunc(plan.Fabrics, migrate.Fabric.IsLeft) {
		return exit.Code(exit.Findings)
	}
	return nil
}

// rows returns where fabrics are, and which of them are registered already.
func (p *migratePlan) rows(ctx context.Context) ([]netboximport.Row, map[int32]bool, *migrate.NetBox, error) {
	rows, err := rowsOf(p.csv)
	if err != nil || !p.netbox {
		return rows, nil, nil, err
	}
	found, err := p.NetBoxFabrics(ctx, p.url, p.tokenRef)
	if err != nil {
		return nil, nil, nil, err
	}
	registered := map[int32]bool{}
	for _, f := range found.GetFabrics() {
		registered[f.GetFabric()] = f.GetFabricId() != 0
	}
	rows, err = netboximport.Located(rows, found.GetFabrics())
	return rows, registered, &migrate.NetBox{URL: p.url, TokenRef: p.tokenRef}, err
}

// try runs a dry run of a directory by services in this process.
func (p *migratePlan) try(ctx context.Context, f migrate.Fabric) (trial migrate.Trial, err error) {
	target := p.target
	target.Repo, target.Branch, target.Dir = f.RepositoryURL, f.Branch, f.Directory
	target.FabricID, target.Name, target.CredentialsRef = f.FabricID, f.Name, f.CredentialsRef
	err = target.Run(ctx, p.env.local(), func(ctx context.Context, s *local.Session) error {
		list, err := s.Commits(ctx, &bridgev1.ListCommitsRequest{Limit: 1})
		if err != nil {
			return err
		}
		trial.Commit = remote.Newest(list)
		managed, err := s.Commits(ctx, &bridgev1.ListCommitsRequest{Limit: 1, Path: []string{layout.Managed}})
		if err != nil && errs.KindOf(err) != errs.NotFound && errs.KindOf(err) != errs.Invalid {
			return err
		}
		trial.Managed = err == nil && remote.Newest(managed) != ""
		id, err := s.Start(ctx, &syncv1.SyncOptions{ValidateOnly: true}, time.Time{})
		if err != nil {
			return err
		}
		trial.Status, err = s.Follow(ctx, id, func(*bridgev1.SyncEventData) {})
		return err
	})
	return trial, err
}

func newMigrateApply(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "apply PLAN [FABRIC…]", Short: "Register the fabrics of a plan, and let them publish when that is approved",
		Args: arguments(1, noLimit, "PLAN"),
		Long: `Registers the fabrics of a plan that are ready, or those that are named, in the mode dry_run: syncs run by
themselves, say what they would do, and publish nothing. With --mode on they publish, unless their directory was
changed since the plan looked at it. Doing it again does what is left, so a plan can be applied first, and with
--mode on once somebody has approved it.

How to go back is printed: by fgd restore where the directory had a managed/ before, else by git revert.

Exit codes: 0 done, 1 failed, 2 called wrongly, 3 a fabric was refused, or its directory was changed.`,
	}
	r, mode := newRunning(env, cmd), ""
	cmd.Flags().StringVar(&mode, "mode", migrate.DryRun, "`mode` that the fabrics come to: dry_run or on")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if mode != migrate.DryRun && mode != migrate.On {
			return exit.Misuse(errors.New("--mode is " + mode + "; allowed is dry_run or on"))
		}
		plan, err := migrate.Read(args[0])
		if err != nil {
			return exit.Misuse(err)
		}
		only, err := namedOf(plan, args[1:])
		if err != nil {
			return exit.Misuse(err)
		}
		outcomes, err := plan.Apply(cmd.Context(), r.System, mode, only)
		if printErr := r.print(outcomes, func() { render.Migrated(env.results(), outcomes, args[0]) }); printErr != nil {
			return printErr
		}
		if err == nil && slices.ContainsFunc(outcomes, migrate.Outcome.IsLeft) {
			return exit.Code(exit.Findings)
		}
		return exit.MisuseIfInvalid(err)
	}
	return cmd
}

// namedOf returns the names of the fabrics of a plan that are named.
func namedOf(plan *migrate.Plan, words []string) (map[string]bool, error) {
	names := make([]string, 0, len(plan.Fabrics))
	for _, f := range plan.Fabrics {
		names = append(names, f.Name)
	}
	only := map[string]bool{}
	for _, word := range words {
		if !slices.Contains(names, word) {
			hint := ""
			if meant := nearest.To(word, names); meant != "" {
				hint = "; perhaps " + meant + " is meant"
			}
			return nil, fmt.Errorf("the plan has no fabric %q%s", word, hint)
		}
		only[word] = true
	}
	return only, nil
}
