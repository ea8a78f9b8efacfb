package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
	"unicode/utf8"

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
	layoutName = "layout.html"
	layout     = "templates/" + layoutName
	parts      = "templates/part-*.html"
)

func readPages(files assets, now func() time.Time) (*pages, error) {
	names, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("read the pages of the console: %w", err)
	}
	common := template.New(layoutName).Option("missingkey=error").Funcs(words(now)).
		Funcs(template.FuncMap{"asset": files.pathOf})
	if common, err = common.ParseFS(templateFiles, layout, parts); err != nil {
		return nil, fmt.Errorf("read the pages of the console: %w", err)
	}
	p := &pages{byName: map[string]*template.Template{}}
	for _, entry := range names {
		if entry.Name() == layoutName || strings.HasPrefix(entry.Name(), "part-") {
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
	return p.part(w, name, layoutName, data)
}

// part writes a part of a page, as it stands in it.
func (p *pages) part(w io.Writer, page, name string, data any) error {
	found := p.byName[page]
	if found == nil {
		return fmt.Errorf("there is no page %q", page)
	}
	var made bytes.Buffer
	if err := found.ExecuteTemplate(&made, name, data); err != nil {
		return err
	}
	_, err := w.Write(upright(made.Bytes()))
	return err
}

// upright returns a page in which no character of others changes the direction of what stands around it: a sign is in
// its place. What is in a tag, such as the name of a file that a form brings back, and what somebody types stays.
func upright(page []byte) []byte {
	tag, typed := false, false
	for i, b := range page { // in texts and attributes the templates write < and > otherwise
		switch {
		case b == '<':
			tag, typed = true, bytes.HasPrefix(page[i:], []byte("<textarea"))
		case b == '>':
			tag = false
		case !tag && !typed && turns(page[i:]):
			copy(page[i:], "\ufffd") // it has three bytes too
		}
	}
	return page
}

// turns reports whether a text begins with a character that changes the direction of those around it.
func turns(text []byte) bool {
	r, _ := utf8.DecodeRune(text)
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
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
