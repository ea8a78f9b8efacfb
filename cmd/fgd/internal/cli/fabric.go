package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

func newFabric(env Environment) *cobra.Command {
	return group(&cobra.Command{
		Use: "fabric", Short: "Look after the fabrics of a running system",
	}, newFabricList(env), newFabricShow(env), newFabricRegister(env), newFabricUpdate(env), newFabricSuspend(env),
		newFabricResume(env), newFabricDelete(env))
}

// aboutFabric returns a command whose only word is the name or number of a fabric.
func aboutFabric(
	env Environment, cmd *cobra.Command, do func(ctx context.Context, r *running, id int32) error,
) *cobra.Command {
	cmd.Args = arguments(1, 1, "fabric's name or number")
	r := newRunning(env, cmd)
	r.offers(cmd, r.fabricNames)
	if cmd.Flags().Lookup("kind") != nil {
		r.offersFor(cmd, "kind", r.kinds)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := r.FabricID(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return do(cmd.Context(), r, id)
	}
	return cmd
}

func newFabricList(env Environment) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the fabrics that you may see", Args: noArguments}
	r := newRunning(env, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		answer, err := r.Fabrics(cmd.Context())
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.Fabrics(r.results(), answer.GetFabrics()) })
	}
	return cmd
}

func newFabricShow(env Environment) *cobra.Command {
	return aboutFabric(env, &cobra.Command{Use: "show FABRIC", Short: "Show a fabric"},
		func(ctx context.Context, r *running, id int32) error {
			answer, err := r.Fabric(ctx, id)
			if err != nil {
				return err
			}
			return r.print(answer, func() { render.Fabric(env.results(), answer.GetFabric()) })
		})
}

// linkFlags are those of a link to NetBox.
type linkFlags struct {
	link     bridgev1.NetBoxLink
	none     bool
	own      bool
	policies []string
}

var linkFlagNames = []string{ //nolint:gochecknoglobals // read only
	"netbox", "netbox-url", "netbox-fabric", "netbox-token-ref", "netbox-direction", "netbox-conflicts",
	"netbox-conflict-policy",
}

func (l *linkFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&l.own, "netbox", false, "link it to its record in the NetBox of the installation (fgd netbox set), whatever it was linked to")
	flags.StringVar(&l.link.Url, "netbox-url", "", "link it to its record in the NetBox at this `address`")
	flags.Int32Var(&l.link.Fabric, "netbox-fabric", 0, "`number` of its record there; that of the fabric without it")
	flags.StringVar(&l.link.TokenRef, "netbox-token-ref", "",
		"where the bridge finds the token: `env:NAME` or file:NAME")
	flags.StringVar(&l.link.Direction, "netbox-direction", "", "which `way` changes go: both or git_to_netbox")
	flags.StringVar(&l.link.ConflictWinner, "netbox-conflicts", "",
		"`who` wins where both sides changed the same: hold, git_wins or hnp_wins")
	flags.StringArrayVar(&l.policies, "netbox-conflict-policy", nil,
		"who wins there at a path and within it, in place of all that was said before: `[KIND:]PATH=WINNER`, repeatable; "+
			"none takes all away")
}

// wanted returns the link as flags say it, nil when none says anything.
func (l *linkFlags) wanted(cmd *cobra.Command) (*bridgev1.NetBoxLink, error) {
	changed := cmd.Flags().Changed
	wrong := func(remedy, format string, args ...any) error {
		return exit.Misuse(errs.New(errs.InvalidRequest, format, args...).WithRemedy("%s", remedy))
	}
	switch {
	case changed("netbox") && !l.own:
		return nil, wrong("Leave it out; fgd fabric update FABRIC --no-netbox ends a link.", "--netbox=false says nothing.")
	case l.own && changed("netbox-url"):
		return nil, wrong("Leave one of the two out.", "--netbox and --netbox-url contradict each other.")
	case changed("netbox-fabric") && l.link.GetFabric() < 1:
		return nil, wrong("Leave it out for the fabric's own number.",
			"--netbox-fabric is %d; the numbers of fabrics begin with 1.", l.link.GetFabric())
	}
	if !slices.ContainsFunc(linkFlagNames, changed) {
		return nil, nil
	}
	var err error
	if l.link.ConflictPolicies, err = policies(l.policies); err != nil {
		return nil, exit.Misuse(err)
	}
	return &l.link, nil
}

// fill has a link that is changed to the NetBox of the installation say all that flags don't: what is absent would stay
// as it was. Nothing at all stands for that NetBox, and needs no right to name one.
func (l *linkFlags) fill(ctx context.Context, r *running, id int32) error {
	if !l.own || proto.Size(&l.link) == 0 {
		return nil
	}
	own, err := r.NetBox(ctx)
	if err != nil {
		return err
	}
	if own.GetUrl() == "" {
		return errs.New(errs.InvalidRequest, "The installation has no NetBox of its own.").
			WithRemedy("Set it (fgd netbox set), or name one: --netbox-url.")
	}
	l.link.Url, l.link.Fabric = own.GetUrl(), cmp.Or(l.link.GetFabric(), id)
	l.link.TokenRef = cmp.Or(l.link.GetTokenRef(), own.GetTokenRef())
	return nil
}

func newFabricRegister(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "register --repo URL --dir D", Short: "Register a fabric; its first sync starts by itself", Args: noArguments,
	}
	r, request, l := newRunning(env, cmd), &bridgev1.CreateFabricRequest{}, &linkFlags{}
	flags := cmd.Flags()
	flags.StringVar(&request.RepositoryUrl, "repo", "", "`URL` of the repository (required)")
	flags.StringVar(&request.GitopsDirectory, "dir", "", "fabric `directory` in the repository (required)")
	flags.StringVar(&request.Branch, "branch", "main", "`branch`")
	flags.StringVar(&request.Name, "name", "", "`name`; that of the manifest in the directory without it")
	flags.Int32Var(&request.FabricId, "fabric-id", 0, "`number`; that of the manifest, or a free one without it")
	flags.StringVar(&request.SuspendReason, "suspended", "",
		"register it suspended, for this `reason`: nothing is written before fgd fabric resume")
	ref, interval := addDefinitionFlags(cmd)
	mode := addModeFlag(cmd)
	l.add(cmd)
	_ = cmd.MarkFlagRequired("repo")
	_ = cmd.MarkFlagRequired("dir")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if request.Netbox, err = l.wanted(cmd); err != nil {
			return err
		}
		request.Credentials, request.SyncIntervalSeconds = ref.given(), interval.given(cmd)
		request.Options = mode.given()
		answer, err := r.CreateFabric(cmd.Context(), request)
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.Registered(env.results(), answer) })
	}
	return cmd
}

// reference is a flag with where credentials are found.
type reference string

func (r *reference) given() *bridgev1.Credentials {
	if *r == "" {
		return nil
	}
	return &bridgev1.Credentials{Ref: string(*r)}
}

// seconds is a flag with an interval.
type seconds int32

func (s *seconds) given(cmd *cobra.Command) *int32 {
	if !cmd.Flags().Changed("interval") {
		return nil
	}
	return new(int32(*s))
}

func addDefinitionFlags(cmd *cobra.Command) (*reference, *seconds) {
	ref, interval := new(reference), new(seconds)
	cmd.Flags().StringVar((*string)(ref), "credentials-ref", "",
		"where github-sync finds the credentials: `env:NAME` or file:NAME")
	cmd.Flags().Int32Var((*int32)(interval), "interval", 0, "`seconds` between scheduled syncs; 0 is never")
	return ref, interval
}

// mode is a flag with the mode of a fabric.
type mode string

func (m *mode) given() *bridgev1.FabricOptions {
	if *m == "" {
		return nil
	}
	return &bridgev1.FabricOptions{Mode: (*string)(m)}
}

func addModeFlag(cmd *cobra.Command) *mode {
	m := new(mode)
	cmd.Flags().StringVar((*string)(m), "mode", "",
		"`word` for a gradual rollout: off (no sync runs by itself), dry_run (they run, and publish nothing) or on")
	return m
}

func newFabricUpdate(env Environment) *cobra.Command {
	var repository, branch, directory, name string
	l := &linkFlags{}
	cmd := &cobra.Command{
		Use: "update FABRIC", Short: "Change what flags name of a fabric", Args: arguments(1, 1, "fabric's name or number"),
	}
	r := newRunning(env, cmd)
	r.offers(cmd, r.fabricNames)
	flags := cmd.Flags()
	flags.StringVar(&repository, "repo", "", "`URL` of the repository")
	flags.StringVar(&directory, "dir", "", "fabric `directory` in the repository")
	flags.StringVar(&branch, "branch", "", "`branch`")
	flags.StringVar(&name, "name", "", "`name`")
	ref, interval := addDefinitionFlags(cmd)
	mode := addModeFlag(cmd)
	l.add(cmd)
	flags.BoolVar(&l.none, "no-netbox", false, "link it to no NetBox any more; records stay there")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := r.FabricID(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		link, err := l.wanted(cmd)
		if err != nil {
			return err
		}
		named := func(flag string, value *string) *string {
			if !cmd.Flags().Changed(flag) {
				return nil
			}
			return value
		}
		request := &bridgev1.UpdateFabricRequest{
			FabricId: id, Name: named("name", &name), RepositoryUrl: named("repo", &repository),
			Branch: named("branch", &branch), GitopsDirectory: named("dir", &directory), Credentials: ref.given(),
			SyncIntervalSeconds: interval.given(cmd), Netbox: link, RemoveNetbox: l.none,
			Options: mode.given(),
		}
		if proto.Equal(request, &bridgev1.UpdateFabricRequest{FabricId: id}) {
			return exit.Misuse(errs.New(errs.InvalidRequest, "No flag names what is to be changed.").
				WithRemedy("fgd fabric update --help shows what can be."))
		}
		if err := l.fill(cmd.Context(), r, id); err != nil {
			return err
		}
		answer, err := r.UpdateFabric(cmd.Context(), request)
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.Fabric(env.results(), answer.GetFabric()) })
	}
	return cmd
}

func newFabricSuspend(env Environment) *cobra.Command {
	var reason string
	cmd := aboutFabric(env, &cobra.Command{Use: "suspend FABRIC --reason TEXT", Short: "Let no sync of a fabric publish"},
		func(ctx context.Context, r *running, id int32) error {
			answer, err := r.SuspendFabric(ctx, id, reason)
			if err != nil {
				return err
			}
			return r.print(answer, func() { render.Fabric(env.results(), answer.GetFabric()) })
		})
	cmd.Flags().StringVar(&reason, "reason", "", "why, for people (required)")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

func newFabricResume(env Environment) *cobra.Command {
	return aboutFabric(env, &cobra.Command{
		Use: "resume FABRIC", Short: "Let a fabric be synced again; a sync starts at once",
	}, func(ctx context.Context, r *running, id int32) error {
		answer, err := r.ResumeFabric(ctx, id)
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.Resumed(env.Stdout, answer) })
	})
}

func newFabricDelete(env Environment) *cobra.Command {
	confirm := &confirmation{}
	cmd := aboutFabric(env, &cobra.Command{
		Use: "delete FABRIC", Short: "Forget a fabric; its directory and its records in NetBox stay",
	}, func(ctx context.Context, r *running, id int32) error {
		if err := confirm.ask(env, fmt.Sprintf("Fabric %d would be forgotten, with its syncs.", id)); err != nil {
			return err
		}
		answer, err := r.DeleteFabric(ctx, id)
		if err != nil {
			return err
		}
		return r.print(answer, func() { _, _ = fmt.Fprintf(env.Stdout, "Fabric %d is forgotten.\n", id) })
	})
	confirm.add(cmd)
	return cmd
}
