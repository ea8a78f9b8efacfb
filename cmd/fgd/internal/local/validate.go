package local

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/ignore"
	"fgdsync.dev/libs/layout"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	"fgdsync.dev/services/ingestion"
)

// StandardInput is the path that means it.
const StandardInput = "-"

// Validation judges files offline, with the code that a sync uses.
type Validation struct {
	ConfigPath string    // configuration file
	CRDs       string    // folder of definitions that replace the built-in ones
	Stdin      io.Reader // what StandardInput means
}

// Run judges the files that are named, and all YAML files in folders that are, and hands what is found in each of them
// to report.
func (v Validation) Run(ctx context.Context, env Environment, paths []string,
	report func(*ingestionv1.ValidateFilesResponse),
) (err error) {
	source, err := env.commandSource(v.ConfigPath)
	if err != nil {
		return err
	}
	if source, err = withDefinitions(source, v.CRDs); err != nil {
		return err
	}
	files, err := yamlFiles(paths)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return exit.Misuse(errs.New(errs.InvalidRequest, "There is nothing to judge in %s: no file that a sync would read.",
			strings.Join(paths, " ")).WithRemedy("Name YAML files, or folders that hold some."))
	}
	tel, err := env.quiet(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, Flush(ctx, tel)) }()
	s, err := suite.New(suite.Options{ // the one service that is needed
		Definitions: []app.Definition{ingestion.Definition()}, Source: source, Telemetry: tel,
		LookupEnv: app.Lookup(env.Environ),
	})
	if err != nil {
		return err
	}
	return runFor(ctx, s, func(ctx context.Context) error {
		return v.validate(ctx, ingestionv1.NewIngestionServiceClient(s.Internal()), files, report)
	})
}

func (v Validation) validate(ctx context.Context, client ingestionv1.IngestionServiceClient, files []string,
	report func(*ingestionv1.ValidateFilesResponse),
) error {
	stream, err := client.ValidateFiles(ctx)
	if err != nil {
		return err
	}
	var sending errgroup.Group
	sending.Go(func() error { return errors.Join(v.send(stream, files), stream.CloseSend()) })
	err = receive(stream, report)
	return errors.Join(sending.Wait(), err)
}

type validateStream = grpc.BidiStreamingClient[ingestionv1.ValidateFilesRequest, ingestionv1.ValidateFilesResponse]

func (v Validation) send(stream validateStream, files []string) error {
	for _, file := range files {
		content, err := v.read(file)
		if err != nil {
			return err
		}
		if err := stream.Send(&ingestionv1.ValidateFilesRequest{Path: file, Content: content}); err != nil {
			return nil //nolint:nilerr // the receiving side has the error itself
		}
	}
	return nil
}

func (v Validation) read(file string) ([]byte, error) {
	if file == StandardInput {
		content, err := io.ReadAll(v.Stdin)
		if err != nil {
			return nil, unreadable("standard input", err)
		}
		return content, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, unreadable(file, err)
	}
	return content, nil
}

func receive(stream validateStream, report func(*ingestionv1.ValidateFilesResponse)) error {
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		report(response)
	}
}

// yamlFiles returns the files named, and the YAML files below the folders named.
func yamlFiles(paths []string) ([]string, error) {
	var files []string
	for _, root := range paths {
		if root == StandardInput {
			files = append(files, root)
			continue
		}
		info, err := os.Stat(root)
		if err != nil {
			return nil, unreadable(root, err)
		}
		if !info.IsDir() {
			files = append(files, root)
			continue
		}
		below, err := yamlFilesBelow(root)
		var problem *ignore.Problem
		if errors.As(err, &problem) {
			return nil, exit.Misuse(errs.New(problem.Code, "Which files of %s are to be left alone is not known: %v.", root,
				problem))
		}
		if err != nil {
			return nil, unreadable(root, err)
		}
		files = append(files, below...)
	}
	return files, nil
}

// yamlFilesBelow returns the files that a sync would read if the folder were a fabric directory.
func yamlFilesBelow(root string) ([]string, error) {
	rules, err := ignoreRules(root)
	if err != nil {
		return nil, err
	}
	ignored := rules.Matcher()
	var files []string
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		if strings.HasPrefix(entry.Name(), ".") {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		inFolder, err := filepath.Rel(root, path)
		if inFolder = filepath.ToSlash(inFolder); err != nil || !entry.Type().IsRegular() || !isRead(inFolder) {
			return err
		}
		line, err := ignored.Line(inFolder)
		if err == nil && (line == 0 || layout.Part(inFolder) == layout.Managed) {
			files = append(files, path)
		}
		return err
	})
	return files, err
}

// isRead reports whether a sync reads a file of a fabric directory by its name.
func isRead(path string) bool {
	if layout.StaysPut(path) {
		return false
	}
	switch layout.Part(path) {
	case layout.Unmanaged, layout.Metadata:
		return false
	case layout.Raw, layout.Managed:
		return layout.IsYAML(path)
	}
	return true
}

// ignoreRules reads what the folder's own file says is left alone.
func ignoreRules(root string) (ignore.Rules, error) {
	name := filepath.Join(root, layout.Ignore)
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return ignore.Rules{}, nil
	}
	if err != nil {
		return ignore.Rules{}, err
	}
	entry := gittree.Entry{Path: layout.Ignore, Size: info.Size()}
	switch {
	case info.IsDir():
		entry.Path += "/"
	case !info.Mode().IsRegular():
		entry.Mode = gittree.Symlink
	}
	if rules, err := ignore.Of([]gittree.Entry{entry}, nil); err != nil {
		return rules, err
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return ignore.Rules{}, err
	}
	return ignore.Parse(content)
}
