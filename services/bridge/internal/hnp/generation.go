package hnp

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// generationKept is for how long it is taken as known what NetBox can do: somebody may put a newer one in its place.
	generationKept = 10 * time.Minute
	// pluginName is what NetBox calls the plugin.
	pluginName = "netbox_hedgehog"
)

// Status is what NetBox says of itself.
type Status struct {
	Version string            `json:"netbox-version"`
	Plugins map[string]string `json:"plugins"` // versions by names
	// Workers is how many processes do what NetBox queues. Without one no webhook leaves it.
	Workers int `json:"rq-workers-running"`
}

// Generation is what a NetBox can do that not all of those can which are spoken to: 4.3 and newer. One that is newer
// than those that are known is taken to be as the newest.
type Generation struct {
	Version string // of NetBox
	Plugin  string // the plugin's version
	// Messages is for a change log that takes a message: from 4.4 on.
	Messages bool
	// Conditional is for writes that are refused when the record has changed, by If-Match: from 4.6 on. Before, a
	// record is read first, and who changes it in between is not noticed.
	Conditional bool
	// SelfCheck is for a token that can be tried by itself: from 4.5 on.
	SelfCheck bool
	// Named is for refusals of a request about many records that name those which are bad: from 4.7 on. Before, there
	// is a list with an entry for each.
	Named bool
	// Eager is for a NetBox that looks for the page of each record that it saves, so that records of six kinds of the
	// plugin can't be saved at all (Q2): up to 4.5.1.
	Eager bool
	// May is for a token that may add records of the kind that was looked at, so that NetBox tells which fields it has.
	May bool
	// GitOps is for a plugin of 2025, whose records have fields for Git (Q10).
	GitOps bool
}

// version is one of NetBox.
type version [3]int

// before reports whether a version is older than another one.
func (v version) before(major, minor, patch int) bool {
	return slices.Compare(v[:], []int{major, minor, patch}) < 0
}

// versionOf reads the numbers at the beginning of a version: 4.7.0-beta1 is 4.7.0.
func versionOf(text string) (v version, known bool) {
	text, _, _ = strings.Cut(text, "-")
	parts := strings.SplitN(text, ".", len(v)+1)
	for i := range min(len(parts), len(v)) {
		number, err := strconv.Atoi(parts[i])
		if err != nil || number < 0 {
			return v, false
		}
		v[i] = number
	}
	return v, len(parts) > 1
}

// Status asks NetBox how it is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var said Status
	_, err := c.call(ctx, http.MethodGet, "/api/status", nil, nil, &said, nil)
	said.Version = c.printable(said.Version)
	plugins := make(map[string]string, len(said.Plugins))
	for name, version := range said.Plugins {
		plugins[c.printable(name)] = c.printable(version)
	}
	said.Plugins = plugins
	return said, err
}

// known is what has been found out, and until when it holds.
type known struct {
	generation Generation
	until      time.Time
}

// Generation finds out what NetBox can do, at most once in ten minutes. What is too old, and what has no plugin, is
// Unusable.
func (c *Client) Generation(ctx context.Context) (Generation, error) {
	var held known
	select {
	case held = <-c.known: // who asks meanwhile waits for the answer
	case <-ctx.Done():
		return Generation{}, &Error{Reason: Away, Detail: "NetBox was not asked", cause: ctx.Err()}
	}
	defer func() { c.known <- held }()
	if time.Now().Before(held.until) {
		return held.generation, nil
	}
	found, err := c.lookUp(ctx)
	if err != nil {
		return Generation{}, err
	}
	held = known{found, time.Now().Add(generationKept)}
	return found, nil
}

// lookUp asks for the version, and then for the fields of a kind: which those are says nothing of a version.
func (c *Client) lookUp(ctx context.Context) (Generation, error) {
	status, err := c.Status(ctx)
	if Is(err, Gone) || Is(err, Refused) {
		return Generation{}, unusable(err, "what answers is no NetBox")
	}
	if err != nil {
		return Generation{}, err
	}
	generation, err := generationOf(status)
	if err != nil {
		return Generation{}, err
	}
	var options struct {
		Actions struct {
			POST map[string]any `json:"POST"`
		} `json:"actions"`
	}
	_, err = c.call(ctx, http.MethodOptions, root+endpoints()["VPC"], nil, nil, &options, nil)
	if err != nil {
		return Generation{}, err
	}
	_, generation.GitOps = options.Actions.POST["git_file_path"]
	_, generation.May = options.Actions.POST["spec"]
	return generation, nil
}

// generationOf returns what is known of a version.
func generationOf(status Status) (Generation, error) {
	v, read := versionOf(status.Version)
	switch {
	case !read:
		return Generation{}, &Error{
			Reason: Unusable, Detail: fmt.Sprintf("the version of NetBox can't be read: %q", status.Version),
		}
	case v.before(4, 3, 0):
		return Generation{}, &Error{Reason: Unusable, Detail: fmt.Sprintf(
			"NetBox %s is too old: it has to be 4.3 or newer", status.Version)}
	case status.Plugins[pluginName] == "":
		return Generation{}, &Error{Reason: Unusable, Detail: "NetBox has no Hedgehog NetBox Plugin: install " + pluginName}
	}
	return Generation{
		Version: status.Version, Plugin: status.Plugins[pluginName], Messages: !v.before(4, 4, 0),
		SelfCheck: !v.before(4, 5, 0), Eager: v.before(4, 5, 2), Conditional: !v.before(4, 6, 0), Named: !v.before(4, 7, 0),
	}, nil
}

// unusable is an error of something else than a NetBox with the plugin.
func unusable(cause error, detail string) error {
	return &Error{Reason: Unusable, Detail: detail + " (" + cause.Error() + ")", cause: cause}
}
