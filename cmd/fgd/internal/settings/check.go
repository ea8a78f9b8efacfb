package settings

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
)

// Report is what is wrong with a configuration.
type Report struct {
	File     string    `json:"file,omitempty"` // that was looked at; empty where only the environment was
	Findings []Finding `json:"findings"`
}

// Finding is one thing that has to be corrected.
type Finding struct {
	Code    string        `json:"code"`
	Name    string        `json:"name"` // of the code
	Key     string        `json:"key,omitempty"`
	Origin  config.Origin `json:"origin"`
	Message string        `json:"message"`
	Remedy  string        `json:"remedy"`
}

// Services returns the names of those that a configuration may be for.
func Services() []string {
	var names []string
	for _, def := range suite.Definitions() {
		names = append(names, def.Name)
	}
	return names
}

// Check looks at a file, when a path is given, and the environment, as some services would, all where none is named,
// and returns everything that is wrong. It reaches nothing but files of this machine.
func Check(path string, environ []string, services ...string) (*Report, error) {
	checked := slices.DeleteFunc(suite.Definitions(), func(def app.Definition) bool {
		return len(services) > 0 && !slices.Contains(services, def.Name)
	})
	source, written, err := config.Examine(path, environ)
	if err != nil {
		return nil, err
	}
	c := checker{source: source, origins: map[string]config.Origin{}, said: map[string]bool{}}
	keys := Keys()
	for _, value := range source.Values(keys) {
		c.origins[value.Key] = value.Origin
	}
	for _, e := range written {
		c.add(e, originOf(e))
	}
	for _, r := range readers(checked) {
		for _, e := range source.Problems(r.Config) {
			c.add(e, c.origins[e.Meta[config.KeyMeta]])
		}
	}
	c.redis()
	c.listeners(checked)
	c.paths(keys)
	c.variables()
	slices.SortStableFunc(c.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Origin.Variable, b.Origin.Variable), cmp.Compare(a.Origin.Line, b.Origin.Line))
	})
	return &Report{File: path, Findings: c.findings}, nil
}

// checker collects findings.
type checker struct {
	source   *config.Source
	origins  map[string]config.Origin
	said     map[string]bool // services that share a key find the same
	findings []Finding
}

func (c *checker) add(e *errs.Error, origin config.Origin) {
	key := e.Meta[config.KeyMeta]
	if id := key + "\n" + e.Message; !c.said[id] {
		c.said[id] = true
		c.findings = append(c.findings, Finding{e.Code.ID, e.Code.Name, key, origin, e.Message, e.RemedyText()})
	}
}

// originOf returns the place that an error of a file has in its details.
func originOf(e *errs.Error) config.Origin {
	line, _ := strconv.Atoi(e.Meta["line"]) // 0 where the whole file is meant
	column, _ := strconv.Atoi(e.Meta["column"])
	return config.Origin{File: e.Meta["file"], Line: line, Column: column}
}

// listeners are where services would not listen.
func (c *checker) listeners(services []app.Definition) {
	if len(c.source.Problems(app.Settings())) > 0 {
		return
	}
	for _, def := range services {
		if err := def.CheckListeners(context.Background(), c.source); err != nil {
			e := errs.From(err)
			c.add(e, c.origins[e.Meta[config.KeyMeta]])
		}
	}
}

func (c *checker) redis() {
	url := c.source.Text("redis_url", redisconn.DefaultConfig().RedisURL)
	if err := redisconn.Check(url); err != nil {
		c.add(errs.From(err), c.origins["redis_url"])
	}
}

// paths looks whether what keys name can be read. Defaults are left out: they are made at the first start.
func (c *checker) paths(keys []config.Key) {
	for _, key := range keys {
		if key.Reads == "" || c.origins[key.Name] == (config.Origin{}) {
			continue
		}
		for _, path := range c.source.List(key.Name) {
			if err := unreadable(path, key.Reads); err != nil {
				c.add(errs.New(errs.ConfigurationFileUnreadable, "%s names %s, which can't be read: %v.", key.Name, path, err).
					WithMeta(config.KeyMeta, key.Name), c.origins[key.Name])
			}
		}
	}
}

// unreadable returns why a path can't be read as what it has to be; nil when it can, and for a file that is made when
// it is not there.
func unreadable(path, as string) error {
	var err error
	if as == "folder" {
		_, err = os.ReadDir(path)
	} else {
		var file *os.File
		if file, err = os.Open(path); err == nil {
			err = errors.Join(isFile(file, as), file.Close())
		}
	}
	if as == "made" && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return at.Err
	}
	return err
}

func isFile(file *os.File, as string) error {
	info, err := file.Stat()
	if err == nil && info.IsDir() && as == "file" {
		return errors.New("it is a folder")
	}
	return err
}

// variables are those with the prefix that nothing reads.
func (c *checker) variables() {
	for _, v := range c.source.Unknown() {
		e := errs.New(errs.ConfigurationVariableUnread, "Nothing reads the variable %s.", v.Name)
		if v.Nearest != "" {
			e = e.WithRemedy("Perhaps %s is meant.", v.Nearest)
		}
		c.add(e, config.Origin{Variable: v.Name})
	}
}
