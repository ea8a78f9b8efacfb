package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fgdsync.dev/libs/printable"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// completionTime is how long a shell waits for names from a server. Those that come later are not offered.
const completionTime = 300 * time.Millisecond

// offer returns what a word may be, after the words before it.
type offer func(ctx context.Context, before []string) ([]cobra.Completion, error)

// offers has a shell complete the words of a command, each with what is offered for it. What goes wrong is not said: it
// would stand in the line that somebody types.
func (r *running) offers(cmd *cobra.Command, words ...offer) {
	cmd.ValidArgsFunction = func(
		cmd *cobra.Command, before []string, _ string,
	) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(before) >= len(words) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return r.ask(cmd, before, words[len(before)])
	}
}

// offersFor has a shell complete a flag.
func (r *running) offersFor(cmd *cobra.Command, flag string, values offer) {
	_ = cmd.RegisterFlagCompletionFunc(flag,
		func(cmd *cobra.Command, before []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return r.ask(cmd, before, values)
		})
}

func (r *running) ask(
	cmd *cobra.Command, before []string, values offer,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, stop := context.WithTimeout(cmd.Context(), completionTime)
	defer stop()
	if err := r.choose(); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	found, err := values(ctx, before)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.DeleteFunc(found, func(c cobra.Completion) bool { return c == "" }), cobra.ShellCompDirectiveNoFileComp
}

// readByShells are characters that a shell does something for beside blanks. Shells quote what they complete, but not
// each of them everywhere.
const readByShells = "$`;|&<>()\\\"'!*?[]{}~#"

// completion returns a word that a shell offers, and what is said of it; nothing where a shell would run something of
// it, or a command take it for a flag.
func completion(word, about string) cobra.Completion {
	if word == "" || printable.Line(word) != word || strings.HasPrefix(word, "-") ||
		strings.ContainsAny(word, readByShells) {
		return ""
	}
	return cobra.CompletionWithDesc(word, printable.Line(about))
}

// fabricNames offers the fabrics that the caller may see.
func (r *running) fabricNames(ctx context.Context, _ []string) (names []cobra.Completion, err error) {
	all, err := r.Fabrics(ctx)
	for _, f := range all.GetFabrics() {
		name := f.GetName()
		if _, err := strconv.Atoi(name); err == nil { // it would be taken for the number of another one
			name = strconv.Itoa(int(f.GetFabricId()))
		}
		names = append(names, completion(name, f.GetGitopsDirectory()+" of "+f.GetRepositoryUrl()))
	}
	return names, err
}

// mostOffered is how many syncs are offered.
const mostOffered = 50

// syncIDs offers the newest syncs.
func (r *running) syncIDs(ctx context.Context, _ []string) (ids []cobra.Completion, err error) {
	newest, err := r.AllSyncs(ctx, &bridgev1.ListAllSyncsRequest{Limit: mostOffered})
	for _, s := range newest.GetSyncs() {
		ids = append(ids, completion(s.GetSyncId(), s.GetState()))
	}
	return ids, err
}

// kinds offers those of the resources of the fabric that is named before.
func (r *running) kinds(ctx context.Context, before []string) (kinds []cobra.Completion, err error) {
	found, err := r.resourcesOf(ctx, before, "")
	for _, one := range found {
		kinds = append(kinds, completion(one.GetKind(), ""))
	}
	slices.Sort(kinds)
	return slices.Compact(kinds), err
}

// conflictIDs offers the open conflicts of the fabric that is named before.
func (r *running) conflictIDs(ctx context.Context, before []string) (ids []cobra.Completion, err error) {
	id, err := r.FabricID(ctx, before[0])
	if err != nil {
		return nil, err
	}
	found, err := r.Conflicts(ctx, id, "open", "")
	for _, one := range found.GetConflicts() {
		ids = append(ids, completion(one.GetConflictId(), one.GetKind()+" "+one.GetName()))
	}
	return ids, err
}

// resourceNames offers the resources of the fabric and the kind that are named before.
func (r *running) resourceNames(ctx context.Context, before []string) (names []cobra.Completion, err error) {
	found, err := r.resourcesOf(ctx, before, before[1])
	for _, one := range found {
		names = append(names, completion(one.GetName(), one.GetNamespace()))
	}
	return names, err
}

func (r *running) resourcesOf(ctx context.Context, before []string, kind string) ([]*bridgev1.Resource, error) {
	if len(before) == 0 {
		return nil, nil
	}
	id, err := r.FabricID(ctx, before[0])
	if err != nil {
		return nil, err
	}
	answer, err := r.Resources(ctx, id, kind, "")
	return answer.GetResources(), err
}

// offerContexts has a shell complete the name of a context.
func offerContexts(env Environment) cobra.CompletionFunc {
	return func(_ *cobra.Command, before []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var names []cobra.Completion
		all, err := contextsOf(env).Load()
		if err == nil && len(before) == 0 {
			for _, name := range all.Names() {
				names = append(names, completion(name, all.Contexts[name].Server))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
