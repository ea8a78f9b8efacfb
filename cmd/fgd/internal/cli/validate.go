package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	"fgdsync.dev/services/ingestion"
)

func newValidate(env Environment) *cobra.Command {
	var configPath, crds string
	cmd := &cobra.Command{
		Use: "validate PATH…", Short: "Judge files offline, as a sync would", Args: cobra.MinimumNArgs(1),
		Long: `Judges YAML files, and all YAML files in folders, with the code that a sync uses. "-" is standard input.
Folders whose names begin with a dot are left out.

Prints a line per finding, "file:line:col: CODE message (remedy)", and exits with 3 when there is any.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			return validate(cmd.Context(), env, configPath, crds, paths)
		},
	}
	cmd.Flags().StringVar(&configPath, "config", "", "configuration `file`; see fgd.yaml for every key")
	cmd.Flags().StringVar(&crds, "crds", "", "`folder` of CustomResourceDefinitions that replace the built-in ones")
	return cmd
}

func validate(ctx context.Context, env Environment, configPath, crds string, paths []string) error {
	source, err := loadSource(env, configPath)
	if err != nil {
		return err
	}
	cfg, err := suite.Load(source)
	if err != nil {
		return usage{err}
	}
	if crds != "" {
		cfg.Ingestion.CRDDir = crds
	}
	tel, err := newTelemetry(ctx, env, process{LogLevel: "error", LogFormat: "text"})
	if err != nil {
		return err
	}
	files, err := yamlFiles(paths)
	if err != nil {
		return err
	}
	found := 0
	err = withIngestion(ctx, cfg.Ingestion, tel, func(ctx context.Context,
		client ingestionv1.IngestionServiceClient,
	) error {
		found, err = validateFiles(ctx, env, client, files)
		return err
	})
	if err != nil {
		return err
	}
	if found > 0 {
		return outcome(ExitFindings)
	}
	return nil
}

// withIngestion runs the ingestion service alone, for the time of a call.
func withIngestion(ctx context.Context, cfg ingestion.Config, tel *telemetry.Telemetry,
	call func(context.Context, ingestionv1.IngestionServiceClient) error,
) error {
	loopback := rpc.NewLoopback()
	conn, err := loopback.Dial(tel.Tracers)
	if err != nil {
		return err
	}
	service, err := ingestion.New(cfg, ingestion.Deps{
		Trees: gitv1.NewTreeServiceClient(conn), Log: tel.Log, Tracers: tel.Tracers, Metrics: tel.Metrics,
	})
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	host := app.NewHost(tel)
	host.Add(ingestion.Name, service)
	host.ServeGRPC(loopback.Listener())
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- host.Run(running) }()
	err = call(ctx, ingestionv1.NewIngestionServiceClient(conn))
	err = errors.Join(err, conn.Close())
	stop()
	return errors.Join(err, <-ended)
}

// yamlFiles returns the files named, and the YAML files below the folders named. "-" stays as it is.
func yamlFiles(paths []string) ([]string, error) {
	var files []string
	for _, root := range paths {
		if root == "-" {
			files = append(files, root)
			continue
		}
		info, err := os.Stat(root)
		if err != nil {
			return nil, pathError(root, err)
		}
		if !info.IsDir() {
			files = append(files, root)
			continue
		}
		err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), ".") {
				return fs.SkipDir // .git, and .hnp, whose YAML is no resources
			}
			if err == nil && entry.Type().IsRegular() && layout.IsYAML(filepath.ToSlash(path)) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, pathError(root, err)
		}
	}
	return files, nil
}

func validateFiles(ctx context.Context, env Environment, client ingestionv1.IngestionServiceClient,
	files []string,
) (int, error) {
	stream, err := client.ValidateFiles(ctx)
	if err != nil {
		return 0, err
	}
	var sending errgroup.Group
	sending.Go(func() error { return errors.Join(send(env, stream, files), stream.CloseSend()) })
	found, err := receive(env, stream)
	return found, errors.Join(sending.Wait(), err)
}

func send(env Environment, stream grpc.BidiStreamingClient[ingestionv1.ValidateFilesRequest,
	ingestionv1.ValidateFilesResponse], files []string,
) error {
	for _, file := range files {
		content, err := readInput(env, file)
		if err != nil {
			return err
		}
		if err := stream.Send(&ingestionv1.ValidateFilesRequest{Path: file, Content: content}); err != nil {
			return nil //nolint:nilerr // the receiving side has the error itself
		}
	}
	return nil
}

func readInput(env Environment, file string) ([]byte, error) {
	if file == "-" {
		content, err := io.ReadAll(env.Stdin)
		if err != nil {
			return nil, pathError("standard input", err)
		}
		return bytes.Clone(content), nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, pathError(file, err)
	}
	return content, nil
}

func receive(env Environment, stream grpc.BidiStreamingClient[ingestionv1.ValidateFilesRequest,
	ingestionv1.ValidateFilesResponse],
) (int, error) {
	found := 0
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		for _, f := range response.GetFindings() {
			found++
			printf(env, "%s\n", fmt.Sprintf("%s:%d:%d: %s %s (%s)", response.GetPath(), max(f.GetLine(), 1),
				max(f.GetColumn(), 1), f.GetCode(), f.GetMessage(), f.GetRemedy()))
		}
	}
}
