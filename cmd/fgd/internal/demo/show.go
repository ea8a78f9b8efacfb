package demo

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
	"path/filepath"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
)

// demonstration talks to the JSON API as any caller would.
type demonstration struct {
	out        io.Writer
	base       string
	token      secret.String
	repository string
}

// Show registers the repository at the JSON API whose address is base, where it shows a token, and prints what its
// first sync makes of it.
func Show(ctx context.Context, out io.Writer, base string, token secret.String, repository string) error {
	d := &demonstration{out, base, token, repository}
	return d.run(ctx)
}

// printf prints. A reader that went away is no reason to stop the work.
func (d *demonstration) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, format, args...)
}

func (d *demonstration) run(ctx context.Context) error {
	d.printf("A repository with files from before: %s\n\n", d.repository)
	d.printf("POST %s/api/v1/fabrics\n", d.base)
	var created struct {
		Fabric struct {
			FabricID int `json:"fabric_id"`
		} `json:"fabric"`
		SyncID string `json:"sync_id"`
	}
	err := d.call(ctx, http.MethodPost, "/api/v1/fabrics", map[string]any{
		"name": "fabric-1", "repository_url": (&url.URL{Scheme: "file", Path: d.repository}).String(),
		"branch": Branch, "gitops_directory": Directory,
	}, &created)
	if err != nil {
		return err
	}
	d.printf("  fabric %d registered; its first sync is %s\n\n", created.Fabric.FabricID, created.SyncID)
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
	if !d.token.IsZero() {
		request.Header.Set("Authorization", "Bearer "+d.token.Reveal())
	}
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
	d.printf("GET %s%s\n", d.base, path)
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
		d.printf("  %3d %% %-15s %-22s %s\n", m.Data.Progress, m.Data.Stage, m.Type, m.Data.CurrentFile)
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
	d.printf("\nGET %s%s: the directory now\n", d.base, path)
	for _, file := range listing.Files {
		if filepath.Base(file.Path) != ".gitkeep" {
			d.printf("  %6d  %s\n", file.Size, file.Path)
		}
	}
	return nil
}

// said is an error or a warning of a sync.
type said struct {
	Code, Name, Message, File, Remedy string
	Line, Column                      int32
}

func (d *demonstration) showResult(ctx context.Context, syncID string) error {
	var status struct {
		State    string `json:"state"`
		Errors   []said `json:"errors"`
		Warnings []said `json:"warnings"`
		Result   struct {
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
	d.printf("\nGET %s/api/sync-status/%s/\n", d.base, syncID)
	d.printf("  %s: commit %s, %d files created, %d removed, %d resources\n", status.State, status.Result.CommitSHA,
		status.Result.FilesCreated, status.Result.FilesRemoved, status.Result.ResourcesTotal)
	d.printf("\nQuarantined in unmanaged/: %d\n", status.Result.FilesQuarantined)
	d.showAll(status.Errors)
	d.printf("\nTo know: %d\n", len(status.Warnings))
	d.showAll(status.Warnings)
	if status.State != "completed" {
		return exit.Code(exit.Failed)
	}
	return nil
}

func (d *demonstration) showAll(all []said) {
	for _, e := range all {
		d.printf("  %s%s %s: %s\n    %s\n", render.Position(e.File, e.Line, e.Column), e.Code, e.Name, e.Message, e.Remedy)
	}
}
