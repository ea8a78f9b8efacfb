package console

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"path"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

//go:embed templates
var templateFiles embed.FS

// view is what a page shows.
type view struct {
	Title   string
	Section string // which part of the site it is in
	Fabric  *fabricView
	Data    any

	*visit
}

// pages are the templates, by name.
type pages struct{ byName map[string]*template.Template }

// layout has what all pages have, parts what several have.
const (
	layout = "templates/layout.html"
	parts  = "templates/part-*.html"
)

func readPages(files assets, now func() time.Time) (*pages, error) {
	names, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("read the pages of the console: %w", err)
	}
	common := template.New("layout.html").Option("missingkey=error").Funcs(words(now)).
		Funcs(template.FuncMap{"asset": files.pathOf})
	if common, err = common.ParseFS(templateFiles, layout, parts); err != nil {
		return nil, fmt.Errorf("read the pages of the console: %w", err)
	}
	p := &pages{byName: map[string]*template.Template{}}
	for _, entry := range names {
		if entry.Name() == path.Base(layout) || strings.HasPrefix(entry.Name(), "part-") {
			continue
		}
		page, err := common.Clone()
		if err == nil {
			page, err = page.ParseFS(templateFiles, "templates/"+entry.Name())
		}
		if err != nil {
			return nil, fmt.Errorf("read the page %s of the console: %w", entry.Name(), err)
		}
		p.byName[strings.TrimSuffix(entry.Name(), ".html")] = page
	}
	return p, nil
}

// render writes a page.
func (p *pages) render(w io.Writer, name string, data view) error {
	page, found := p.byName[name]
	if !found {
		return fmt.Errorf("there is no page %q", name)
	}
	return page.Execute(w, data)
}

// part writes a part of a page, as it stands in it.
func (p *pages) part(w io.Writer, page, name string, data any) error {
	found := p.byName[page]
	if found == nil {
		return fmt.Errorf("there is no page %q", page)
	}
	return found.ExecuteTemplate(w, name, data)
}

// words returns the functions of templates that put things in words.
func words(now func() time.Time) template.FuncMap {
	return template.FuncMap{
		"ago": func(t *timestamppb.Timestamp) string { return agoOf(t, now()) },
		"iso": func(t *timestamppb.Timestamp) string {
			return t.AsTime().UTC().Format(time.RFC3339)
		},
		"lasted":    lasted,
		"short":     short,
		"many":      many,
		"mark":      markOf,
		"words":     func(text string) string { return strings.ReplaceAll(text, "_", " ") },
		"lines":     numbered,
		"diff":      diffOf,
		"json":      jsonText,
		"pairs":     pairs,
		"shortText": func(text string) string { return shortened(text, 20) },
		"list":      func(of ...string) []string { return of },
		"percent":   func(part, whole int32) int32 { return 100 * part / max(whole, 1) },
	}
}
