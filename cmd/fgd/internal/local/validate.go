package local

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
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
	groups, err := looseFiles(paths)
	if err != nil {
		return err
	}
	if len(groups) == 0 {
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
		client := ingestionv1.NewIngestionServiceClient(s.Internal())
		for _, group := range groups {
			if err := v.validate(ctx, client, group, report); err != nil {
				return err
			}
		}
		return nil
	})
}

// validate judges files of one directory.
func (v Validation) validate(ctx context.Context, client ingestionv1.IngestionServiceClient, files []looseFile,
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

func (v Validation) send(stream validateStream, files []looseFile) error {
	for _, file := range files {
		content, err := v.read(file)
		if err != nil {
			return err
		}
		request := &ingestionv1.ValidateFilesRequest{Path: file.name, PathInDirectory: file.inDirectory, Content: content}
		if err := stream.Send(request); err != nil {
			return nil //nolint:nilerr // the receiving side has the error itself
		}
	}
	return nil
}

// read returns the content of a file, unless its name alone says that a sync does not read it.
func (v Validation) read(file looseFile) ([]byte, error) {
	if file.name == StandardInput {
		content, err := io.ReadAll(v.Stdin)
		if err != nil {
			return nil, unreadable("standard input", err)
		}
		return content, nil
	}
	if file.inDirectory != "" && !layout.IsInput(file.inDirectory) {
		return nil, nil
	}
	content, err := os.ReadFile(file.name)
	if err != nil {
		return nil, unreadable(file.name, err)
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
