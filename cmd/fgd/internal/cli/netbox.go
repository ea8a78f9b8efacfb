package cli

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

func newNetBox(env Environment) *cobra.Command {
	return group(&cobra.Command{
		Use: "netbox", Short: "Have NetBox show the resources of fabrics, and see what of it is proven",
	}, newNetBoxShow(env), newNetBoxSet(env), newNetBoxCheck(env), newNetBoxSetUp(env), newNetBoxRemove(env),
		newNetBoxReceipts(env), newNetBoxDeliver(env), newNetBoxImport(env))
}

func newNetBoxShow(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show", Short: "Show the NetBoxes that fabrics are linked to", Args: noArguments,
		Long: `Shows the NetBox of the installation, and asks each NetBox that a fabric is linked to how it is, for three seconds at
most. fgd netbox check says more of one.`,
	}
	r := newRunning(env, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		answer, err := r.NetBox(cmd.Context())
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.NetBox(r.results(), answer) })
	}
	return cmd
}

func newNetBoxSet(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "set [--url URL] [--token-ref REF]", Short: "Say which NetBox a link takes that names none", Args: noArguments,
		Long: `Sets the NetBox of the installation: the one that fgd fabric update FABRIC --netbox links to, and that check, setup and
import are about when they name none. What is not named stays. Links that are there stay as they are.

A reference is tried: it has to lead to a token, and to a list of hosts (NAME.hosts, or NAME_HOSTS of a variable) that
has the one of NetBox, with its port where that is not the one of the scheme.`,
	}
	r := newRunning(env, cmd)
	var url, ref string
	cmd.Flags().StringVar(&url, "url", "", "its `address`, before /api; empty for none")
	cmd.Flags().StringVar(&ref, "token-ref", "", "where the bridge finds its token: `env:NAME` or file:NAME")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		request := &bridgev1.UpdateNetBoxRequest{}
		if cmd.Flags().Changed("url") {
			request.Url = &url
		}
		if cmd.Flags().Changed("token-ref") {
			request.TokenRef = &ref
		}
		if request.Url == nil && request.TokenRef == nil {
			return exit.Misuse(errs.New(errs.InvalidRequest, "No flag names what is to be set.").
				WithRemedy("Give --url, --token-ref, or both."))
		}
		if err := leads(cmd.Context(), r, request); err != nil {
			return err
		}
		answer, err := r.SetNetBox(cmd.Context(), request)
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.InstallationNetBox(env.Stdout, answer.GetUrl(), answer.GetTokenRef()) })
	}
	return cmd
}

// leads returns an error where a reference leads to no token that the NetBox may be shown. How the NetBox is does not
// matter.
func leads(ctx context.Context, r *running, request *bridgev1.UpdateNetBoxRequest) error {
	if request.GetTokenRef() == "" {
		return nil
	}
	_, err := r.CheckNetBox(ctx, &bridgev1.CheckNetBoxRequest{Url: request.GetUrl(), TokenRef: request.GetTokenRef()})
	switch {
	case errs.HasCode(err, errs.CredentialsUnreadable):
		e := errs.From(err)
		return e.WithRemedy("%s Nothing was set; give as --token-ref where the bridge finds the token.", e.RemedyText())
	case errs.HasCode(err, errs.CredentialsForAnotherHost):
		return err
	}
	return nil
}

// addNetBoxFlags adds those that say which NetBox is meant.
func addNetBoxFlags(cmd *cobra.Command, url, tokenRef *string) {
	cmd.Flags().StringVar(url, "url", "", "`address` of NetBox, before /api; that of the installation without it")
	if tokenRef != nil {
		cmd.Flags().StringVar(tokenRef, "token-ref", "",
			"where the bridge finds the token: `env:NAME` or file:NAME; that of the installation without it")
	}
}

func newNetBoxCheck(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "check [FABRIC]", Short: "Say whether records can be delivered to a NetBox, and what is to be mended",
		Args: arguments(0, 1, "fabric's name or number"),
		Long: `Looks at a NetBox with the token of the bridge, for five seconds at most, and writes nothing there. A signed test event
is posted to where NetBox was told to send webhooks. It is the NetBox that a fabric is linked to, or that of the installation.`,
	}
	r, request := newRunning(env, cmd), &bridgev1.CheckNetBoxRequest{}
	addNetBoxFlags(cmd, &request.Url, &request.TokenRef)
	r.offers(cmd, r.fabricNames)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			if err := ofFabric(cmd.Context(), r, args[0], request); err != nil {
				return err
			}
		}
		answer, err := r.CheckNetBox(cmd.Context(), request)
		if err != nil {
			return err
		}
		err = r.print(answer, func() { render.NetBoxChecked(env.results(), answer) })
		if err == nil && !answer.GetOk() {
			return exit.Code(exit.Findings)
		}
		return err
	}
	return cmd
}

// ofFabric asks for the NetBox of a fabric. What flags have said stays.
func ofFabric(ctx context.Context, r *running, fabric string, request *bridgev1.CheckNetBoxRequest) error {
	id, err := r.FabricID(ctx, fabric)
	if err != nil {
		return err
	}
	answer, err := r.Fabric(ctx, id)
	if err != nil {
		return err
	}
	link := answer.GetFabric().GetNetbox()
	if link == nil {
		return errs.New(errs.NetBoxNotLinked, "Fabric %d is linked to no NetBox.", id)
	}
	request.Url = cmp.Or(request.GetUrl(), link.GetUrl())
	request.TokenRef = cmp.Or(request.GetTokenRef(), link.GetTokenRef())
	return nil
}

func newNetBoxReceipts(env Environment) *cobra.Command {
	var state string
	cmd := aboutFabric(env, &cobra.Command{
		Use: "receipts FABRIC", Short: "List what of a fabric is proven to be in NetBox, and what is not",
	}, func(ctx context.Context, r *running, id int32) error {
		answer, err := r.Receipts(ctx, id, state)
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.Receipts(r.results(), answer) })
	})
	cmd.Flags().StringVar(&state, "state", "", "only those in this `state`: pending, proven, undeliverable, held or merging")
	return cmd
}

func newNetBoxDeliver(env Environment) *cobra.Command {
	request := &bridgev1.DeliverRecordsRequest{}
	cmd := aboutFabric(env, &cobra.Command{
		Use: "deliver FABRIC", Short: "Have the records of a fabric delivered now",
		Long: `What NetBox refused is tried again. What somebody changed in NetBox stays, unless --overwrite says that Git counts; it
is lost then, and is listed before. What both sides changed is a conflict: fgd conflicts settles it. It goes on by
itself: fgd netbox receipts says how far it is.`,
	}, func(ctx context.Context, r *running, id int32) error {
		request.FabricId = id
		if request.GetOverwrite() && !r.isData() {
			held, err := r.Receipts(ctx, id, "held")
			if err != nil {
				return err
			}
			render.Overwritten(env.results(), held.GetReceipts())
		}
		answer, err := r.Deliver(ctx, request)
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.DeliveryAsked(env.results(), id, answer.GetDelivery()) })
	})
	cmd.Flags().BoolVar(&request.Overwrite, "overwrite", false,
		"make records that somebody changed in NetBox what Git says")
	cmd.Flags().BoolVar(&request.ConfirmDeletions, "confirm-deletions", false, "delete records although they are many, and files of which very many records were deleted")
	cmd.Flags().BoolVar(&request.Calm, "calm", false, "have what is held because it changes too often go on")
	return cmd
}
