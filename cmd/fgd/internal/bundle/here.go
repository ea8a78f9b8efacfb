package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/redisconn"
)

// Here is what is on this machine, where the bundle is made beside the server.
type Here struct {
	Environ []string // as os.Environ returns it
	Data    string   // the folder of fgd up; need not be there
	Config  string   // the configuration file; empty for none
	Log     string   // a file with the log of the server; empty for none
	redact  *Redactor
}

// Parts returns what is on this machine.
func (h Here) Parts(r *Redactor) []Part {
	h.redact = r
	return []Part{
		{"client.txt", "version of this program, and the machine", h.client},
		{"config.txt", "the configuration file, without secrets", h.configuration},
		{"environment.txt", "names of variables, and values of harmless ones", h.environment},
		{"data.txt", "names and sizes in the data folder, without contents", h.data},
		{"log.txt", "the end of the log", func(context.Context) (string, error) { return h.endOf(h.Log, "--log names none") }},
		{"redis-log.txt", "the end of the log of the private Redis", h.redisLog},
		{"redis-info.txt", "what Redis says of itself, and nothing of what it keeps", h.redisInfo},
	}
}

func (h Here) client(context.Context) (string, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("fgd %s\n%s %s/%s\nprocessors %d\nhost %s\ntime %s\n", app.Version, runtime.Version(), runtime.GOOS,
		runtime.GOARCH, runtime.NumCPU(), host, time.Now().UTC().Format(time.RFC3339)), nil
}

// configuration returns the keys of the file that are known, each with its value where that is no secret.
func (h Here) configuration(context.Context) (string, error) {
	values, known, err := h.keys()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, key := range sorted(values) {
		if _, is := known[key]; !is {
			fmt.Fprintf(&b, "%s: (a key that nobody knows; its value is left out)\n", key)
			continue
		}
		raw, err := yaml.Marshal(map[string]any{key: h.harmless(key, values[key])})
		if err != nil {
			return "", fmt.Errorf("write %s: %w", key, err)
		}
		b.Write(raw)
	}
	return b.String(), nil
}

// keys reads the configuration file, and the keys that there are.
func (h Here) keys() (values, known map[string]any, err error) {
	if h.Config == "" {
		return nil, nil, errors.New("--config names none")
	}
	if known, err = knownKeys(); err != nil {
		return nil, nil, err
	}
	content, err := os.ReadFile(h.Config)
	if err != nil {
		return nil, nil, cause(err)
	}
	if yaml.Unmarshal(content, &values) != nil {
		return nil, nil, errors.New("it is no YAML file of keys") // an error would quote it
	}
	return values, known, nil
}

func knownKeys() (known map[string]any, err error) {
	if err := yaml.Unmarshal(config.Sample(), &known); err != nil {
		return nil, fmt.Errorf("read the sample configuration: %w", err)
	}
	return known, nil
}

// harmless returns a value of a key, or what is told of it where it may hold a secret.
func (h Here) harmless(key string, value any) any {
	switch {
	case !holdsSecret(key):
		return h.redact.value(key, value)
	case strings.HasSuffix(key, "_url"):
		if at, err := url.Parse(fmt.Sprint(value)); err == nil && at.Host != "" {
			return at.Scheme + "://" + at.Host
		}
	}
	return "(set)"
}

// holdsSecret reports whether the value of a key is a secret, or has one within it.
func holdsSecret(key string) bool {
	return strings.HasSuffix(key, "_secret") || key == "redis_url" || key == "remotes_proxy_url"
}

// environment lists the names of all variables, with the values of those that can hold no secret.
func (h Here) environment(context.Context) (string, error) {
	known, err := knownKeys()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, entry := range slices.Sorted(slices.Values(h.Environ)) {
		name, value, _ := strings.Cut(entry, "=")
		if isHarmless(name, known) {
			fmt.Fprintf(&b, "%s=%s\n", name, h.redact.Line(value))
			continue
		}
		b.WriteString(name + "\n")
	}
	return b.String(), nil
}

// isHarmless reports whether the value of a variable can be told.
func isHarmless(name string, known map[string]any) bool {
	if key, prefixed := strings.CutPrefix(name, config.EnvPrefix); prefixed {
		key = strings.ToLower(key)
		_, is := known[key]
		return is && !holdsSecret(key) || key == "server" || key == "context"
	}
	return slices.Contains([]string{
		"LANG", "LC_ALL", "TERM", "TZ", "NO_COLOR", "GOMAXPROCS", "GOMEMLIMIT", "GOGC", "GODEBUG",
	}, name)
}

// mostFiles is how many files of the data folder are named.
const mostFiles = 500

// data lists the data folder, without what is in its files and without repositories.
func (h Here) data(context.Context) (string, error) {
	if h.Data == "" {
		return "", errors.New(elsewhere)
	}
	var b strings.Builder
	files := 0
	err := filepath.WalkDir(h.Data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if files++; files > mostFiles {
			return fs.SkipAll
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // it has gone meanwhile
		}
		within, err := filepath.Rel(h.Data, path)
		if err != nil {
			return fmt.Errorf("name %s: %w", path, err)
		}
		fmt.Fprintf(&b, "%s %10d %s %s\n", info.Mode(), info.Size(), info.ModTime().UTC().Format(time.RFC3339), within)
		if entry.IsDir() && entry.Name() == "repositories" {
			return fs.SkipDir
		}
		return nil
	})
	return h.redact.Line(b.String()), cause(err)
}

// mostLog is how many bytes of a log are taken.
const mostLog = 1 << 20

// endOf returns the end of a log, from the beginning of a line on.
func (h Here) endOf(path, unnamed string) (string, error) {
	if path == "" {
		return "", errors.New(unnamed)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", cause(err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return "", cause(err)
	}
	from := max(0, info.Size()-mostLog)
	content, err := io.ReadAll(io.NewSectionReader(file, from, mostLog))
	if err != nil {
		return "", cause(err)
	}
	text := string(content)
	if from > 0 {
		_, text, _ = strings.Cut(text, "\n")
	}
	return h.redact.log(text), nil
}

// elsewhere is why nothing that lies beside the server is there.
const elsewhere = "the system is not on this machine; --data names its folder where it is"

func (h Here) redisLog(context.Context) (string, error) {
	if h.Data == "" {
		return "", errors.New(elsewhere)
	}
	return h.endOf(filepath.Join(h.Data, "redis", "redis.log"), "")
}

// redisInfo returns what INFO of Redis says.
func (h Here) redisInfo(ctx context.Context) (string, error) {
	address := app.Environment(h.Environ, config.EnvPrefix+"REDIS_URL")
	if values, _, err := h.keys(); address == "" && err == nil {
		address, _ = values["redis_url"].(string)
	}
	if address == "" {
		return "", errors.New("no redis_url is configured here; the password of the private Redis is in fgd up alone")
	}
	conn, err := redisconn.Open(address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	info, err := conn.Main.Info(ctx).Result()
	if err != nil {
		return "", redisconn.Error(err)
	}
	return h.redact.Line(strings.ReplaceAll(info, "\r\n", "\n")), nil
}

// cause returns an error of the file system without its path, which the index names otherwise.
func cause(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return fmt.Errorf("%s: %w", of.Path, of.Err)
	}
	return err
}

func sorted(values map[string]any) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	return slices.Sorted(slices.Values(names))
}
