package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/demo"
	"fgdsync.dev/libs/errs"
)

type demoOptions struct {
	up   upOptions
	exit bool
}

func newDemo(env Environment) *cobra.Command {
	o := demoOptions{}
	cmd := &cobra.Command{
		Use: "demo", Short: "Show a fabric directory being put in order", Args: cobra.NoArgs,
		Long: `Makes a bare Git repository with a sample fabric, starts all services, registers the fabric over the JSON API,
and shows what its first sync makes of it. Everything is in a temporary folder and gone at the end.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), env, o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.up.http, "http", "127.0.0.1:0", "`address` of the JSON API; a free port when absent")
	flags.StringVar(&o.up.grpc, "grpc", "127.0.0.1:0", "`address` of gRPC; a free port when absent")
	flags.BoolVar(&o.exit, "exit", false, "end after the sync instead of waiting for Ctrl-C")
	return cmd
}

func runDemo(ctx context.Context, env Environment, o demoOptions) (err error) {
	source, err := loadSource(env, "")
	if err != nil {
		return err
	}
	tel, err := newTelemetry(ctx, env, process{LogLevel: "warn", LogFormat: "text"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, flush(ctx, tel)) }()
	folder, err := os.MkdirTemp("", "fgd-demo-")
	if err != nil {
		return errs.New(errs.FolderUnusable, "A temporary folder can't be made.").WithCause(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	repository := filepath.Join(folder, "fabrics.git")
	if err := demo.CreateRepository(repository, time.Now()); err != nil {
		return err
	}
	o.up.dataDir = filepath.Join(folder, "data")
	o.up.localPaths = []string{repository}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	return serve(ctx, source, o.up, tel, func(ctx context.Context, address string) error {
		show := &demonstration{env: env, base: "http://" + address, repository: repository}
		if err := show.run(ctx); err != nil {
			return err
		}
		if o.exit {
			stop()
			return nil
		}
		printf(env, "\nThe services go on: %s/docs shows the API. Ctrl-C ends them.\n", show.base)
		return nil
	})
}

// demonstration talks to the JSON API as any caller would.
type demonstration struct {
	env        Environment
	base       string
	repository string
}

func (d *demonstration) run(ctx context.Context) error {
	printf(d.env, "A repository with files from before: %s\n\n", d.repository)
	printf(d.env, "POST %s/api/v1/fabrics\n", d.base)
	var created struct {
		Fabric struct {
			FabricID int `json:"fabric_id"`
		} `json:"fabric"`
		SyncID string `json:"sync_id"`
	}
	err := d.call(ctx, http.MethodPost, "/api/v1/fabrics", map[string]any{
		"name": "fabric-1", "repository_url": (&url.URL{Scheme: "file", Path: d.repository}).String(),
		"branch": demo.Branch, "gitops_directory": demo.Directory,
	}, &created)
	if err != nil {
		return err
	}
	printf(d.env, "  fabric %d registered; its first sync is %s\n\n", created.Fabric.FabricID, created.SyncID)
	if err := d.follow(ctx, created.SyncID); err != nil {
		return err
	}
	if err := d.showTree(ctx, created.Fabric.FabricID); err != nil {
		return err
	}
	return d.showResult(ctx, created.SyncID)
}

func (d *demonstration) call(ctx context.Context, method, path string, body, answer any) error {
	response, err := d.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return json.NewDecoder(response.Body).Decode(answer)
}

func (d *demonstration) request(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		content = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, d.base+path, content)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Requested-By", "demo")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", path, err)
	}
	if response.StatusCode != http.StatusOK {
		answer, readErr := io.ReadAll(response.Body)
		return nil, errors.Join(errs.New(errs.SyncFailed, "%s answered %s: %s", path, response.Status, answer), readErr,
			response.Body.Close())
	}
	return response, nil
}

type progressMessage struct {
	Type string `json:"type"`
	Data struct {
		Stage       string `json:"stage"`
		Progress    int    `json:"progress"`
		CurrentFile string `json:"current_file"`
	} `json:"data"`
}

// follow shows the live progress, a line per message.
func (d *demonstration) follow(ctx context.Context, syncID string) error {
	path := "/api/v1/syncs/" + syncID + "/events"
	printf(d.env, "GET %s%s\n", d.base, path)
	response, err := d.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		var m progressMessage
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return fmt.Errorf("read progress: %w", err)
		}
		printf(d.env, "  %3d %% %-15s %-22s %s\n", m.Data.Progress, m.Data.Stage, m.Type, m.Data.CurrentFile)
	}
	return lines.Err()
}

func (d *demonstration) showTree(ctx context.Context, fabricID int) error {
	var listing struct {
		Files []struct {
			Path string `json:"path"`
			Size int    `json:"size"`
		} `json:"files"`
	}
	path := fmt.Sprintf("/api/v1/fabrics/%d/files", fabricID)
	if err := d.call(ctx, http.MethodGet, path, nil, &listing); err != nil {
		return err
	}
	printf(d.env, "\nGET %s%s: the directory now\n", d.base, path)
	for _, file := range listing.Files {
		if filepath.Base(file.Path) != ".gitkeep" {
			printf(d.env, "  %6d  %s\n", file.Size, file.Path)
		}
	}
	return nil
}

func (d *demonstration) showResult(ctx context.Context, syncID string) error {
	var status struct {
		State  string `json:"state"`
		Errors []struct {
			Code, Name, Message, File, Remedy string
			Line, Column                      int32
		} `json:"errors"`
		Result struct {
			CommitSHA        string `json:"commit_sha"`
			FilesCreated     int    `json:"files_created"`
			FilesRemoved     int    `json:"files_removed"`
			FilesQuarantined int    `json:"files_quarantined"`
			ResourcesTotal   int    `json:"resources_total"`
		} `json:"result"`
	}
	if err := d.call(ctx, http.MethodGet, "/api/sync-status/"+syncID+"/", nil, &status); err != nil {
		return err
	}
	printf(d.env, "\nGET %s/api/sync-status/%s/\n", d.base, syncID)
	printf(d.env, "  %s: commit %s, %d files created, %d removed, %d resources\n", status.State, status.Result.CommitSHA,
		status.Result.FilesCreated, status.Result.FilesRemoved, status.Result.ResourcesTotal)
	printf(d.env, "\nQuarantined in unmanaged/: %d\n", status.Result.FilesQuarantined)
	for _, e := range status.Errors {
		printf(d.env, "  %s%s %s: %s\n    %s\n", position(e.File, e.Line, e.Column), e.Code, e.Name, e.Message, e.Remedy)
	}
	if status.State != "completed" {
		return outcome(ExitFailed)
	}
	return nil
}
