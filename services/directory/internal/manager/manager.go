// Package manager examines and repairs the directories of fabrics in trees: it reads what package structure judges, and
// writes the changes that structure asks for.
package manager

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/ignore"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/directory/internal/structure"
)

// Manager examines and repairs directories. It is safe for concurrent use.
type Manager struct {
	trees  *gittree.Client
	kinds  structure.Kinds
	tracer trace.Tracer
	issues *prometheus.CounterVec
	noops  *noopCache
}

// New returns a manager of directories whose managed/ has the folders of the given kinds.
func New(trees *gittree.Client, kinds structure.Kinds, tracer trace.Tracer, metrics prometheus.Registerer) (
	*Manager, error,
) {
	issues := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fgd_directory_issues_total", Help: "Issues found in the structure of fabric directories, by code.",
	}, []string{"code"})
	if err := metrics.Register(issues); err != nil {
		return nil, fmt.Errorf("register the metrics: %w", err)
	}
	noops, err := newNoopCache()
	if err != nil {
		return nil, err
	}
	return &Manager{trees, kinds, tracer, issues, noops}, nil
}

// Tree is the tree of a directory, and where that is.
type Tree struct {
	gittree.Ref
	Place structure.Place
}

// Examine judges the directory of a fabric. The time is what a rewritten manifest would state.
func (m *Manager) Examine(ctx context.Context, tree Tree, fabric structure.Fabric, now time.Time) (
	structure.Report, error,
) {
	key := newNoopKey(tree.ID, tree.Place, fabric)
	report, known := m.noops.recall(key)
	if !known {
		dir, err := m.load(ctx, tree.Ref)
		if err != nil {
			return structure.Report{}, err
		}
		dir.Place = tree.Place
		_, span := m.tracer.Start(ctx, "examine", trace.WithAttributes(attribute.Int("entries", len(dir.Entries))))
		report, err = structure.Examine(ctx, dir, fabric, m.kinds, now)
		span.End()
		if err != nil {
			return structure.Report{}, fmt.Errorf("examine tree %s: %w", tree.ID, err)
		}
		m.noops.keep(key, report)
	}
	for _, issue := range report.Issues {
		m.issues.WithLabelValues(issue.Code.ID).Inc()
	}
	return report, nil
}

// load reads the leaves of a tree, and the contents of the manifest and of .fgdignore where they are plain files of a
// sensible size.
func (m *Manager) load(ctx context.Context, tree gittree.Ref) (structure.Directory, error) {
	entries, err := m.trees.List(ctx, tree)
	if err != nil {
		return structure.Directory{}, fmt.Errorf("list tree %s: %w", tree.ID, err)
	}
	contents, err := gittree.ReadFiles(ctx, m.trees, tree.Snapshot, entries, map[string]int64{
		layout.Manifest: structure.MaxManifestBytes, layout.Ignore: ignore.MaxBytes,
	})
	if err != nil {
		return structure.Directory{}, fmt.Errorf("tree %s: %w", tree.ID, err)
	}
	return structure.Directory{
		Entries: entries, Manifest: contents[layout.Manifest], Ignore: contents[layout.Ignore],
	}, nil
}

// Repaired is what a repair came to.
type Repaired struct {
	Tree      string           // the one given when there was nothing to do
	Report    structure.Report // what was found before
	Made      []string         // what was done, a sentence each
	Remaining []structure.Issue
}

// Repair makes what a directory lacks and mends what is damaged, and adds the samples when they are wanted. The time is
// what a rewritten manifest states. Where there is nothing to do it writes nothing.
func (m *Manager) Repair(ctx context.Context, tree Tree, fabric structure.Fabric, now time.Time, samples bool) (
	Repaired, error,
) {
	report, err := m.Examine(ctx, tree, fabric, now)
	if err != nil {
		return Repaired{}, err
	}
	done := Repaired{Tree: tree.ID, Report: report, Remaining: report.Remaining()}
	var changes []gittree.Change
	for _, issue := range report.Issues {
		changes = append(changes, issue.Changes...)
		if issue.Repair != "" {
			done.Made = append(done.Made, issue.Repair)
		}
	}
	if samples {
		added, err := m.addSamples(ctx, tree.Ref, &done)
		if err != nil {
			return Repaired{}, err
		}
		changes = append(changes, added...)
	}
	if len(changes) == 0 {
		return done, nil
	}
	if done.Tree, err = m.trees.Write(ctx, tree.Ref, changes); err != nil {
		return Repaired{}, fmt.Errorf("write into tree %s: %w", tree.ID, err)
	}
	return done, nil
}

// addSamples notes what becomes of the samples, and returns the changes that add those which are not there.
func (m *Manager) addSamples(ctx context.Context, tree gittree.Ref, done *Repaired) ([]gittree.Change, error) {
	entries, err := m.trees.List(ctx, tree)
	if err != nil {
		return nil, fmt.Errorf("list tree %s: %w", tree.ID, err)
	}
	changes, issues, err := structure.Samples(entries)
	if err != nil {
		return nil, err
	}
	if len(changes) > 0 {
		names := make([]string, len(changes))
		for i, c := range changes {
			names[i] = strings.TrimPrefix(c.Path, layout.Samples+"/")
		}
		done.Made = append(done.Made, fmt.Sprintf("Added to %s: %s.", layout.Samples, strings.Join(names, ", ")))
	}
	done.Remaining = append(done.Remaining, issues...)
	return changes, nil
}
