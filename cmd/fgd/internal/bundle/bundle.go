// Package bundle gathers what a person who helps has to see of a system into one archive. What can't be had is a line
// of its index that says why, and never ends the whole. Contents of repositories, values of conflicts, keys of Redis
// and words that people chose freely are not gathered at all; what is gathered goes through a Redactor.
package bundle

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
)

// partTimeout bounds how long one part is waited for.
const partTimeout = 20 * time.Second

// Part is one file of a bundle.
type Part struct {
	File  string // its name in the bundle
	About string // what it is, for people
	// Read returns what is in it, without what must not be seen but for secrets that are known.
	Read func(context.Context) (string, error)
}

// indexFile is the name of the file that says what is there.
const indexFile = "index.txt"

// Write writes a bundle of parts, its index last, and returns the index. Its error is one of writing alone, or of ctx.
func Write(ctx context.Context, w io.Writer, r *Redactor, at time.Time, parts []Part) ([]render.BundlePart, error) {
	packed := gzip.NewWriter(w)
	b := &writer{to: tar.NewWriter(packed), redact: r, folder: "fgd-support-" + at.UTC().Format("20060102-150405"), at: at}
	var index []render.BundlePart
	for _, part := range parts {
		entry, err := b.add(ctx, part)
		if err != nil {
			return nil, err
		}
		index = append(index, entry)
	}
	err := b.file(indexFile, indexText(at, index))
	return index, errors.Join(err, b.to.Close(), packed.Close())
}

// writer writes the archive, and is the one way into it.
type writer struct {
	to     *tar.Writer
	redact *Redactor
	folder string
	at     time.Time
}

// add writes a part, or returns why it can't be had.
func (b *writer) add(ctx context.Context, part Part) (render.BundlePart, error) {
	entry := render.BundlePart{File: part.File, About: part.About}
	limited, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	content, err := part.Read(limited)
	if ctx.Err() != nil {
		return entry, ctx.Err()
	}
	if err != nil {
		entry.Missing = b.redact.Known(b.redact.Words(why(err)))
		return entry, nil
	}
	content = b.redact.Known(content)
	entry.Bytes = len(content)
	return entry, b.file(part.File, content)
}

// why returns in one line why a part can't be had.
func why(err error) string {
	if !errs.IsError(err) {
		return strings.ReplaceAll(err.Error(), "\n", " ")
	}
	e := errs.From(err)
	return e.Code.ID + " " + e.Code.Name + ": " + e.Message
}

func (b *writer) file(name, content string) error {
	err := b.to.WriteHeader(&tar.Header{
		Name: b.folder + "/" + name, Mode: 0o600, Size: int64(len(content)), ModTime: b.at, Format: tar.FormatPAX,
	})
	if err == nil {
		_, err = io.WriteString(b.to, content)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func indexText(at time.Time, index []render.BundlePart) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Made %s by fgd support-bundle. Look at it before you send it: what nobody can know to be a secret may "+
		"be in it.\n\n", at.UTC().Format(time.RFC3339))
	for _, e := range index {
		if e.Missing != "" {
			fmt.Fprintf(&b, "%-24s not there: %s\n", e.File, e.Missing)
			continue
		}
		fmt.Fprintf(&b, "%-24s %s, %d bytes\n", e.File, e.About, e.Bytes)
	}
	return b.String()
}
