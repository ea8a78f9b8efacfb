package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/libs/rpc"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// kind is a kind of resources, whatever the version.
type kind struct{ group, kind string }

// census is what the documents at the head are.
type census struct {
	head     *Head
	versions map[kind]map[string]int
	places   map[hedgehog.ResourceID][]string

	codes           map[string]*Code
	invalid, warned int // files
}

// headFiles returns the files that a sync would read, and what it says of others by their names alone.
func (e *examination) headFiles(ctx context.Context, tree string) ([]*gitv1.TreeEntry, []*reportv1.Finding, error) {
	discovered, err := e.services.Ingestion.Discover(ctx, &ingestionv1.DiscoverRequest{SnapshotId: e.snapshot, Tree: tree})
	if err != nil {
		return nil, nil, err
	}
	read := map[string]bool{}
	for _, path := range slices.Concat(discovered.GetInputs(), discovered.GetManaged()) {
		read[path] = layout.IsYAML(path)
	}
	var files []*gitv1.TreeEntry
	err = rpc.Collect(ctx, e.services.Trees.ListTree, &gitv1.ListTreeRequest{SnapshotId: e.snapshot, Tree: tree},
		func(message *gitv1.ListTreeResponse) error {
			for _, entry := range message.GetEntries() {
				if read[entry.GetPath()] {
					files = append(files, entry)
				}
			}
			return nil
		})
	others := slices.DeleteFunc(discovered.GetFindings(), func(f *reportv1.Finding) bool { return read[f.GetFile()] })
	return files, others, err
}

// measureQuarantine counts what is in quarantine.
func (e *examination) measureQuarantine(ctx context.Context, tree string) error {
	list, err := e.services.Ingestion.ListQuarantine(ctx, &ingestionv1.ListQuarantineRequest{
		SnapshotId: e.snapshot, Tree: tree,
	})
	e.report.Head.Quarantined = len(list.GetFiles())
	return err
}

// measureHead counts, and lets the code of a sync judge, the files at the head.
func (e *examination) measureHead(ctx context.Context, tree string) error {
	files, others, err := e.headFiles(ctx, tree)
	if err != nil {
		return err
	}
	c := &census{
		head: &e.report.Head, versions: map[kind]map[string]int{}, places: map[hedgehog.ResourceID][]string{},
		codes: map[string]*Code{},
	}
	stream, err := e.services.Ingestion.ValidateFiles(ctx)
	if err != nil {
		return err
	}
	var sending errgroup.Group
	sending.Go(func() error { return errors.Join(e.sendFiles(ctx, files, c, stream), stream.CloseSend()) })
	err = c.judge(stream)
	if err = errors.Join(sending.Wait(), err); err != nil {
		return err
	}
	for _, f := range others {
		c.judged(f.GetFile(), []*reportv1.Finding{f})
	}
	c.finish()
	return nil
}

func (e *examination) sendFiles(ctx context.Context, files []*gitv1.TreeEntry, c *census,
	stream grpc.BidiStreamingClient[ingestionv1.ValidateFilesRequest, ingestionv1.ValidateFilesResponse],
) error {
	for batch := range slices.Chunk(files, blobsAtATime) {
		var ids []string
		for _, file := range batch {
			ids = append(ids, file.GetBlobId())
		}
		contents, err := e.read(ctx, ids)
		if err != nil {
			return err
		}
		for _, file := range batch {
			content := contents[file.GetBlobId()]
			c.count(file.GetPath(), content)
			request := &ingestionv1.ValidateFilesRequest{
				Path: file.GetPath(), PathInDirectory: file.GetPath(), Content: content,
			}
			if err := stream.Send(request); err != nil {
				return nil
			}
		}
	}
	return nil
}

func (c *census) count(path string, content []byte) {
	c.head.Files++
	found, err := documents(content)
	if err != nil {
		return // which the judgement says
	}
	for _, document := range found {
		c.head.Documents++
		var d struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string `yaml:"kind"`
			Metadata   struct {
				Name, Namespace string
			} `yaml:"metadata"`
		}
		if document.Decode(&d) != nil || d.APIVersion == "" || d.Kind == "" {
			continue
		}
		group, version, _ := strings.Cut(d.APIVersion, "/")
		if version == "" {
			group, version = "", d.APIVersion
		}
		k := kind{group, d.Kind}
		if c.versions[k] == nil {
			c.versions[k] = map[string]int{}
		}
		c.versions[k][version]++
		if d.Metadata.Name != "" {
			id := hedgehog.ResourceID{
				Group: group, Kind: d.Kind, Namespace: cmp.Or(d.Metadata.Namespace, "default"), Name: d.Metadata.Name,
			}
			c.places[id] = append(c.places[id], path)
		}
	}
}

// judge takes what the ingestion finds in each file.
func (c *census) judge(stream grpc.BidiStreamingClient[ingestionv1.ValidateFilesRequest,
	ingestionv1.ValidateFilesResponse],
) error {
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		c.judged(response.GetPath(), response.GetFindings())
	}
}

// judged counts what was found in one file.
func (c *census) judged(path string, findings []*reportv1.Finding) {
	switch worst(findings) {
	case reportv1.Severity_SEVERITY_ERROR:
		c.invalid++
	case reportv1.Severity_SEVERITY_WARNING:
		c.warned++
	}
	seen := map[string]bool{}
	for _, f := range findings {
		code := c.codes[f.GetCode()]
		if code == nil {
			code = &Code{
				Code: f.GetCode(), Example: fmt.Sprintf("%s:%d: %s", path, max(f.GetLine(), 1), f.GetMessage()),
			}
			c.codes[f.GetCode()] = code
		}
		if !seen[f.GetCode()] {
			code.Files++
			seen[f.GetCode()] = true
		}
	}
}

func worst(findings []*reportv1.Finding) (severity reportv1.Severity) {
	for _, f := range findings {
		if exit.IsNoteworthy(f.GetCode()) {
			severity = max(severity, f.GetSeverity())
		}
	}
	return severity
}

// finish puts what was counted into the report, in order.
func (c *census) finish() {
	c.head.InvalidFiles, c.head.WarnedFiles = c.invalid, c.warned
	for id, files := range c.places {
		if len(files) > 1 {
			c.head.Duplicates = append(c.head.Duplicates, Duplicate{id.Group, id.Kind, id.Namespace, id.Name, files})
		}
	}
	slices.SortFunc(c.head.Duplicates, func(a, b Duplicate) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Group, b.Group))
	})
	for k, versions := range c.versions {
		if len(versions) > 1 {
			c.head.Mixed = append(c.head.Mixed, Mixed{k.group, k.kind, versions})
		}
	}
	slices.SortFunc(c.head.Mixed, func(a, b Mixed) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Group, b.Group))
	})
	for _, code := range c.codes {
		c.head.Codes = append(c.head.Codes, *code)
	}
	slices.SortFunc(c.head.Codes, func(a, b Code) int { return cmp.Compare(a.Code, b.Code) })
}
