package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
	yamlv3 "go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/types/known/structpb"
	"sigs.k8s.io/yaml"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

func newResource(env Environment) *cobra.Command {
	return group(&cobra.Command{
		Use: "resource", Short: "Read and change the resources of a fabric; each change is a commit of its own",
	}, newResourceList(env), newResourceGet(env), newResourceHistory(env), newResourcePut(env), newResourcePatch(env),
		newResourceDelete(env))
}

func newResourceList(env Environment) *cobra.Command {
	cmd := &cobra.Command{Use: "list FABRIC", Short: "List the resources that the last sync left"}
	var kind, namespace string
	cmd.Flags().StringVar(&kind, "kind", "", "only those of this `kind`")
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "only those of this `namespace`")
	return aboutFabric(env, cmd, func(ctx context.Context, r *running, id int32) error {
		answer, err := r.Resources(ctx, id, kind, namespace)
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.Resources(r.results(), answer.GetResources()) })
	})
}

// oneResource are the words and flags that name a resource.
type oneResource struct {
	fabricID              int32
	kind, namespace, name string
}

func (o *oneResource) add(cmd *cobra.Command, r *running) {
	r.offers(cmd, r.fabricNames, r.kinds, r.resourceNames)
	cmd.Args = arguments(3, 3, "fabric's name or number, a kind and a name")
	cmd.Flags().StringVarP(&o.namespace, "namespace", "n", "default", "its `namespace`")
}

func (o *oneResource) read(ctx context.Context, r *running, args []string) (err error) {
	o.kind, o.name = args[1], args[2]
	o.fabricID, err = r.FabricID(ctx, args[0])
	return err
}

func newResourceGet(env Environment) *cobra.Command {
	cmd := &cobra.Command{Use: "get FABRIC KIND NAME", Short: "Show what a resource says, at the head of the branch"}
	r, of := newRunning(env, cmd), &oneResource{}
	of.add(cmd, r)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := of.read(cmd.Context(), r, args); err != nil {
			return err
		}
		answer, err := r.Resource(cmd.Context(), &bridgev1.GetResourceRequest{
			FabricId: of.fabricID, Kind: of.kind, Namespace: of.namespace, Name: of.name,
		})
		if err != nil {
			return err
		}
		return r.print(answer, func() { render.Resource(env.results(), answer.GetResource()) })
	}
	return cmd
}

func newResourceHistory(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "history FABRIC KIND NAME", Short: "List the changes of a resource: who changed which field, where and when",
		Long: "Lists the changes of a resource, newest first: who made each, in Git, in NetBox or by the API, in which commit,\n" +
			"and what became of its fields. The resource is followed where its file moves.",
	}
	r, of, request := newRunning(env, cmd), &oneResource{}, &bridgev1.ListResourceChangesRequest{}
	of.add(cmd, r)
	cmd.Flags().Int32Var(&request.Limit, "limit", 20, "at most this `number` of changes, 1 to 100")
	cmd.Flags().StringVar(&request.PageToken, "page-token", "", "go on where another answer ended")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := of.read(cmd.Context(), r, args); err != nil {
			return err
		}
		request.FabricId, request.Kind, request.Namespace, request.Name = of.fabricID, of.kind, of.namespace, of.name
		answer, err := r.ResourceChanges(cmd.Context(), request)
		if err != nil {
			return err
		}
		if err := r.print(answer, func() {
			env.paged(cmd.Context(), func(s *render.Screen) { render.PastChanges(s, answer) })
		}); err != nil {
			return err
		}
		render.More(env.errors(), answer.GetNextPageToken(), answer.GetTruncated())
		return nil
	}
	return cmd
}

// editFlags are those of all changes.
type editFlags struct {
	ifMatch string
	dryRun  bool
}

func (e *editFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&e.ifMatch, "if-match", "", "only while its file is this `blob`, as fgd resource get shows it")
	e.addDryRun(cmd)
}

func (e *editFlags) addDryRun(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&e.dryRun, "dry-run", false, "show what would change, and commit nothing")
}

// edit makes changes and prints what became of them.
func (e *editFlags) edit(ctx context.Context, r *running, id int32, edits ...*bridgev1.ResourceEdit) error {
	answer, err := r.EditResources(ctx, &bridgev1.BatchEditResourcesRequest{
		FabricId: id, Edits: edits, Options: &bridgev1.EditOptions{ValidateOnly: e.dryRun},
	})
	if err != nil {
		return err
	}
	return r.print(answer, func() { render.Edited(r.results(), answer.GetResult()) })
}

// editOne returns a command that changes one resource.
func editOne(
	env Environment, cmd *cobra.Command, change func(*bridgev1.ResourceEdit) error,
) *cobra.Command {
	r, of, flags := newRunning(env, cmd), &oneResource{}, &editFlags{}
	of.add(cmd, r)
	flags.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := of.read(cmd.Context(), r, args); err != nil {
			return err
		}
		edit := &bridgev1.ResourceEdit{Kind: of.kind, Namespace: of.namespace, Name: of.name, IfMatch: flags.ifMatch}
		if err := change(edit); err != nil {
			return err
		}
		return flags.edit(cmd.Context(), r, of.fabricID, edit)
	}
	return cmd
}

func newResourcePatch(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "patch FABRIC KIND NAME --patch JSON", Short: "Change some fields of a resource: one field is one line",
		Example: `  fgd resource patch 1 VPC vpc-1 --patch '{"spec":{"subnets":{"default":{"vlan":1001}}}}'`,
	}
	var patch string
	cmd.Flags().StringVar(&patch, "patch", "",
		"JSON merge `patch` (RFC 7396) of an object with spec, labels and annotations; null takes a field away (required)")
	_ = cmd.MarkFlagRequired("patch")
	return editOne(env, cmd, func(edit *bridgev1.ResourceEdit) error {
		object := &structpb.Struct{}
		if err := object.UnmarshalJSON([]byte(patch)); err != nil {
			return exit.Misuse(errs.New(errs.InvalidRequest, "--patch is no JSON object: %v.", err))
		}
		edit.Change = &bridgev1.ResourceEdit_Patch{Patch: object}
		return nil
	})
}

func newResourceDelete(env Environment) *cobra.Command {
	cmd := &cobra.Command{Use: "delete FABRIC KIND NAME", Short: "Delete a resource"}
	return editOne(env, cmd, func(edit *bridgev1.ResourceEdit) error {
		edit.Change = &bridgev1.ResourceEdit_Delete{Delete: true}
		return nil
	})
}

func newResourcePut(env Environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "put FABRIC -f FILE", Short: "Make resources say what a file says, all of them in one commit",
		Long: "Makes resources say what a file of YAML documents says, and nothing else; those that are not there are " +
			"made.\nOf a file that is there only the lines change that say something else.",
	}
	var file string
	flags := &editFlags{}
	cmd.Flags().StringVarP(&file, "filename", "f", "", "`file` with the documents; - for what is piped in (required)")
	flags.addDryRun(cmd)
	_ = cmd.MarkFlagRequired("filename")
	return aboutFabric(env, cmd, func(ctx context.Context, r *running, id int32) error {
		edits, err := putsOf(env, file)
		if err != nil {
			return err
		}
		return flags.edit(ctx, r, id, edits...)
	})
}

// putsOf reads resources from a file.
func putsOf(env Environment, file string) ([]*bridgev1.ResourceEdit, error) {
	var raw []byte
	var err error
	if file == "-" {
		raw, err = io.ReadAll(env.Stdin)
	} else {
		raw, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, exit.Misuse(errs.New(errs.InvalidRequest, "The file %s can't be read: %v.", file, err))
	}
	var edits []*bridgev1.ResourceEdit
	for documents := yamlv3.NewDecoder(bytes.NewReader(raw)); ; {
		var node yamlv3.Node
		err := documents.Decode(&node)
		if errors.Is(err, io.EOF) {
			break
		}
		var edit *bridgev1.ResourceEdit
		if err == nil {
			if isEmpty(&node) {
				continue
			}
			edit, err = putOf(&node)
		}
		if err != nil {
			return nil, exit.Misuse(errs.New(errs.InvalidRequest, "Document %d of %s is no resource: %v.", len(edits)+1,
				file, err))
		}
		edits = append(edits, edit)
	}
	if len(edits) == 0 {
		return nil, exit.Misuse(errs.New(errs.InvalidRequest, "%s holds no resource.", file))
	}
	return edits, nil
}

// isEmpty reports whether a document says nothing, as one does between two separators, or with comments alone.
func isEmpty(document *yamlv3.Node) bool {
	return len(document.Content) == 0 || len(document.Content) == 1 && document.Content[0].Tag == "!!null"
}

// putOf reads a resource, as a cluster does.
func putOf(node *yamlv3.Node) (*bridgev1.ResourceEdit, error) {
	document, err := yamlv3.Marshal(node)
	if err != nil {
		return nil, err
	}
	var says struct {
		Kind     string
		Metadata struct {
			Name, Namespace     string
			Labels, Annotations map[string]any
		}
		Spec map[string]any
	}
	if err := yaml.Unmarshal(document, &says); err != nil {
		return nil, err
	}
	if says.Kind == "" || says.Metadata.Name == "" {
		return nil, errors.New("it needs a kind and a name")
	}
	content := &bridgev1.ResourceContent{}
	for from, into := range map[*map[string]any]**structpb.Struct{
		&says.Spec: &content.Spec, &says.Metadata.Labels: &content.Labels, &says.Metadata.Annotations: &content.Annotations,
	} {
		object, err := structpb.NewStruct(*from)
		if err != nil {
			return nil, err
		}
		*into = object
	}
	return &bridgev1.ResourceEdit{
		Kind: says.Kind, Namespace: says.Metadata.Namespace, Name: says.Metadata.Name,
		Change: &bridgev1.ResourceEdit_Content{Content: content},
	}, nil
}
