package pipeline

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// chunk is how many documents a worker takes at once.
const chunk = 32

// job is some documents of a file.
type job struct {
	file     *document.File
	from, to int
}

// read returns all sources as judged files, in the order of the sources. Those that are remembered are not read, but
// for those whose bytes a plan needs: somebody else declares the same resource.
func (p *Pipeline) read(ctx context.Context, req Request, reader *document.Reader,
	sources []inventory.Source,
) ([]document.File, func(), error) {
	files := make([]document.File, len(sources))
	fresh, recalled := p.recall(req, sources, files)
	release, err := p.Budget.take(ctx, sources, fresh)
	if err != nil {
		return nil, release, err
	}
	return files, release, p.judgeFresh(ctx, req, reader, sources, files, fresh, recalled)
}

func (p *Pipeline) judgeFresh(ctx context.Context, req Request, reader *document.Reader, sources []inventory.Source,
	files []document.File,
	fresh, recalled []int,
) error {
	m := &meter{notify: req.Notify, now: p.Now, total: len(sources), batch: p.BatchSize, open: map[*document.File]int{}}
	if err := m.start(); err != nil {
		return err
	}
	m.state.Files, m.state.Documents = len(recalled), len(recalled)
	if err := p.judgeSome(ctx, req, reader, sources, files, fresh, m); err != nil {
		return err
	}
	if contested := contested(files, recalled); len(contested) > 0 {
		counted := &meter{
			notify: func(Progress) error { return nil }, now: p.Now, batch: p.BatchSize,
			open: map[*document.File]int{},
		}
		if err := p.judgeSome(ctx, req, reader, sources, files, contested, counted); err != nil {
			return err
		}
	}
	for _, i := range fresh {
		p.Memory.Keep(&files[i], req.Schema)
	}
	return m.finish()
}

// recall fills in the files that are remembered.
func (p *Pipeline) recall(req Request, sources []inventory.Source, files []document.File) (fresh, recalled []int) {
	for i, source := range sources {
		if file, known := p.Memory.Recall(source, req.Schema); known && !req.Refresh && !req.wants[source.Path] {
			files[i] = file
			recalled = append(recalled, i)
		} else {
			fresh = append(fresh, i)
		}
	}
	return fresh, recalled
}

// contested returns those of the recalled files whose resource another document declares too.
func contested(files []document.File, recalled []int) []int {
	if len(recalled) == 0 {
		return nil
	}
	declared := make(map[hedgehog.ResourceID]int, len(files))
	for i := range files {
		for j := range files[i].Docs {
			declared[files[i].Docs[j].Identity]++
		}
	}
	return slices.DeleteFunc(recalled, func(i int) bool { return declared[files[i].Docs[0].Identity] == 1 })
}

// judgeSome reads and judges the files at some places.
func (p *Pipeline) judgeSome(ctx context.Context, req Request, reader *document.Reader, sources []inventory.Source,
	files []document.File,
	places []int, m *meter,
) error {
	jobs := make(chan job)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(jobs)
		return p.feed(ctx, req.Tree.Snapshot, reader, sources, files, places, m, jobs)
	})
	for range max(1, p.Workers) {
		group.Go(func() error {
			parser := yamldoc.NewParser(p.Limits)
			for j := range jobs {
				for i := j.from; i < j.to; i++ {
					reader.Judge(ctx, parser, j.file, i)
				}
				if err := m.judged(j); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// feed reads the contents, each object once, and hands out the documents.
func (p *Pipeline) feed(ctx context.Context, snapshot string, reader *document.Reader, sources []inventory.Source,
	files []document.File,
	places []int, m *meter, jobs chan<- job,
) error {
	users := map[string][]int{}
	var blobs []string
	for _, i := range places {
		source := sources[i]
		if source.Problem != nil {
			files[i] = reader.Open(source, nil)
			if err := m.opened(&files[i]); err != nil {
				return err
			}
			continue
		}
		if users[source.Blob] == nil {
			blobs = append(blobs, source.Blob)
		}
		users[source.Blob] = append(users[source.Blob], i)
	}
	if len(blobs) == 0 {
		return nil
	}
	next := 0
	err := p.Trees.Read(ctx, snapshot, blobs, func(content []byte) error {
		for _, i := range users[blobs[next]] {
			files[i] = reader.Open(sources[i], content)
			if err := hand(ctx, &files[i], m, jobs); err != nil {
				return err
			}
		}
		next++
		return nil
	})
	if err != nil {
		return fmt.Errorf("read files: %w", err)
	}
	if next != len(blobs) {
		return fmt.Errorf("read files: %d of %d objects came", next, len(blobs))
	}
	return nil
}

func hand(ctx context.Context, file *document.File, m *meter, jobs chan<- job) error {
	if err := m.opened(file); err != nil {
		return err
	}
	for from := 0; from < len(file.Docs); from += chunk {
		select {
		case jobs <- job{file, from, min(from+chunk, len(file.Docs))}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// everyTime is the longest time between two progress reports in which something was done.
const everyTime = 50 * time.Millisecond

// meter counts, and reports now and then: the first and the last report always go out.
type meter struct {
	mu       sync.Mutex
	notify   func(Progress) error
	now      func() time.Time
	total    int
	batch    int                    // files between two reports
	open     map[*document.File]int // documents to go
	state    Progress
	reported Progress
	last     time.Time
}

func (m *meter) start() error {
	m.state.TotalFiles = m.total
	return m.report()
}

// opened notes a file. One without documents is done.
func (m *meter) opened(file *document.File) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(file.Docs) == 0 {
		return m.done(file)
	}
	m.open[file] = len(file.Docs)
	return nil
}

func (m *meter) judged(j job) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.Documents += j.to - j.from
	if m.open[j.file] -= j.to - j.from; m.open[j.file] > 0 {
		return m.due()
	}
	delete(m.open, j.file)
	return m.done(j.file)
}

func (m *meter) done(file *document.File) error {
	m.state.Files++
	m.state.Current = file.Path
	return m.due()
}

// due reports when enough has happened since the last report.
func (m *meter) due() error {
	if m.state.Files-m.reported.Files < m.batch && m.now().Sub(m.last) < everyTime {
		return nil
	}
	return m.report()
}

func (m *meter) report() error {
	m.reported, m.last = m.state, m.now()
	return m.notify(m.state)
}

func (m *meter) finish() error { return m.report() }
