package demo

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
)

// fabricName is what the fabric is called.
const fabricName = "fabric-1"

// Demonstration is the story of a fabric that has a repository and a NetBox. It talks to the JSON API as any caller
// would.
type Demonstration struct {
	Out        io.Writer
	Base       string        // address of the JSON API
	Token      secret.String // that is shown there
	Repository string        // path of the bare repository
	NetBox     *NetBox

	fabric int // its number
}

// Show registers the repository, and prints what its first sync makes of it, how records of NetBox become what files
// say, how a change in NetBox comes to Git, and what both change, which it leaves for somebody to settle.
func (d *Demonstration) Show(ctx context.Context) error {
	for _, act := range []func(context.Context) error{d.register, d.deliver, d.editInNetBox, d.editOnBothSides} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// path is one of the fabric, below the JSON API.
func (d *Demonstration) path(rest string) string {
	return fmt.Sprintf("/api/v1/fabrics/%d%s", d.fabric, rest)
}

// printf prints. A reader that went away is no reason to stop the work.
func (d *Demonstration) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(d.Out, format, args...)
}

func (d *Demonstration) register(ctx context.Context) error {
	d.printf("A repository with files from before: %s\nA NetBox, emulated: %s\n\n", d.Repository, d.NetBox.URL)
	d.printf("POST %s/api/v1/fabrics\n", d.Base)
	var created struct {
		Fabric struct {
			FabricID int `json:"fabric_id"`
		} `json:"fabric"`
		SyncID string `json:"sync_id"`
	}
	err := d.call(ctx, http.MethodPost, "/api/v1/fabrics", map[string]any{
		"name": fabricName, "repository_url": (&url.URL{Scheme: "file", Path: d.Repository}).String(),
		"branch": Branch, "gitops_directory": Directory,
		"netbox": map[string]any{"url": d.NetBox.URL, "fabric": d.NetBox.fabric, "token_ref": tokenRef},
	}, &created)
	if err != nil {
		return err
	}
	d.fabric = created.Fabric.FabricID
	d.printf("  fabric %d registered; its first sync is %s\n\n", d.fabric, created.SyncID)
	if err := d.follow(ctx, created.SyncID); err != nil {
		return err
	}
	if err := d.showTree(ctx); err != nil {
		return err
	}
	return d.showResult(ctx, created.SyncID)
}

func (d *Demonstration) call(ctx context.Context, method, path string, body, answer any) error {
	response, err := d.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return json.NewDecoder(response.Body).Decode(answer)
}

func (d *Demonstration) request(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		content = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, d.Base+path, content)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	if !d.Token.IsZero() {
		request.Header.Set("Authorization", "Bearer "+d.Token.Reveal())
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
func (d *Demonstration) follow(ctx context.Context, syncID string) error {
	path := "/api/v1/syncs/" + syncID + "/events"
	d.printf("GET %s%s\n", d.Base, path)
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

// showTree shows what the directory has: a line for each folder, and each file elsewhere.
func (d *Demonstration) showTree(ctx context.Context) error {
	var listing struct {
		Files []struct {
			Path string `json:"path"`
		} `json:"files"`
	}
	path := d.path("/files")
	if err := d.call(ctx, http.MethodGet, path, nil, &listing); err != nil {
		return err
	}
	d.printf("\nGET %s%s: the directory now\n", d.Base, path)
	var folders []string
	files := map[string][]string{}
	for _, file := range listing.Files {
		folder, name := filepath.Split(file.Path)
		if name == ".gitkeep" {
			continue
		}
		if files[folder] == nil {
			folders = append(folders, folder)
		}
		files[folder] = append(files[folder], name)
	}
	for _, folder := range folders {
		names, folder := files[folder], cmp.Or(folder, "./")
		if len(names) > 2 {
			d.printf("  %-32s %s … and %d more\n", folder, names[0], len(names)-1)
			continue
		}
		d.printf("  %-32s %s\n", folder, strings.Join(names, ", "))
	}
	return nil
}

// said is an error or a warning of a sync.
type said struct {
	Code, Name, Message, File, Remedy string
	Line, Column                      int32
}

func (d *Demonstration) showResult(ctx context.Context, syncID string) error {
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
	d.printf("\nGET %s/api/sync-status/%s/\n", d.Base, syncID)
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

func (d *Demonstration) showAll(all []said) {
	for _, e := range all {
		d.printf("  %s%s %s: %s\n    %s\n", render.Position(e.File, e.Line, e.Column), e.Code, e.Name, e.Message, e.Remedy)
	}
}
