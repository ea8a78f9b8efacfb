package githubsync_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/gitserver"
)

// stored lists what the store has on disk.
func (b *bench) stored(pattern string) []string {
	b.t.Helper()
	found, err := filepath.Glob(filepath.Join(b.data, "repositories", "*", "*", pattern))
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

func (b *bench) close(s *gitv1.Snapshot) {
	b.t.Helper()
	if _, err := b.repositories.CloseSnapshot(b.t.Context(),
		&gitv1.CloseSnapshotRequest{SnapshotId: s.GetSnapshotId()}); err != nil {
		b.t.Fatal(err)
	}
}

// TestDamagedStore: the repositories on disk are a cache. One that is damaged is thrown away and fetched again, be it
// found while it is read or while the next commit is fetched.
func TestDamagedStore(t *testing.T) {
	t.Parallel()
	empty := func(path string) error { return os.Truncate(path, 0) }
	garbage := func(path string) error { return os.WriteFile(path, []byte("\x00garbage\xff"), 0o600) }
	half := func(path string) error {
		info, err := os.Stat(path)
		return errors.Join(err, os.Truncate(path, info.Size()/2))
	}
	for name, test := range map[string]struct {
		file   string
		damage func(path string) error
	}{
		"removed pack":    {"objects/pack/*.pack", os.Remove},
		"truncated pack":  {"objects/pack/*.pack", func(path string) error { return os.Truncate(path, 20) }},
		"torn pack":       {"objects/pack/*.pack", half},
		"emptied pack":    {"objects/pack/*.pack", empty},
		"removed index":   {"objects/pack/*.idx", os.Remove},
		"emptied index":   {"objects/pack/*.idx", empty},
		"torn index":      {"objects/pack/*.idx", half},
		"garbled index":   {"objects/pack/*.idx", garbage},
		"emptied shallow": {"shallow", empty},
		"torn shallow":    {"shallow", half},
		"garbled shallow": {"shallow", garbage},
		"removed shallow": {"shallow", os.Remove},
		"emptied ref":     {"refs/fetched/" + branch, empty},
		"torn ref":        {"refs/fetched/" + branch, func(path string) error { return os.Truncate(path, 4) }},
		"garbled ref":     {"refs/fetched/" + branch, garbage},
		"garbled config":  {"", func(path string) error { return garbage(filepath.Join(path, "config")) }},
		"garbled HEAD":    {"", func(path string) error { return garbage(filepath.Join(path, "HEAD")) }},
		"garbled refs":    {"", func(path string) error { return garbage(filepath.Join(path, "packed-refs")) }},
		"removed objects": {"objects", os.RemoveAll},
		"removed store":   {"", os.RemoveAll},
	} {
		for _, moved := range []bool{false, true} {
			for _, fresh := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, branch moved %t, process begins %t", name, moved, fresh), func(t *testing.T) {
					t.Parallel()
					d := damaged{t, newHost(t), t.TempDir()}
					d.host.Create(t, repository, branch, content)
					d.process(func(b *bench) {
						b.close(b.open("f"))
						if !fresh {
							b.goesOn(moved, test.file, test.damage)
						}
					})
					if fresh {
						d.process(func(b *bench) { b.goesOn(moved, test.file, test.damage) })
					}
				})
			}
		}
	}
}

// damaged is a host and the folder of the processes in front of it, of which each ends before the next begins.
type damaged struct {
	t    *testing.T
	host *gitserver.Server
	data string
}

func (d damaged) process(work func(b *bench)) {
	d.t.Run("process", func(t *testing.T) {
		work(replica(t, d.host, func(cfg *githubsync.Config) { cfg.DataDir = d.data }))
	})
}

// goesOn damages files of the store and holds that everything goes on, at the second attempt at the latest.
func (b *bench) goesOn(moved bool, file string, damage func(path string) error) {
	t := b.t
	want := map[string]string{"a.yaml": "a: 1\n", "sub/b.yaml": "b: 1\n"}
	if moved {
		b.host.Commit(t, repository, branch, map[string]string{"f/a.yaml": "a: 2\n"})
		want["a.yaml"] = "a: 2\n"
	}
	files := b.stored("1/" + file)
	if len(files) == 0 {
		t.Fatalf("no %s below %s", file, b.data)
	}
	for _, path := range files {
		if err := damage(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.tryRead("f"); err != nil {
		t.Logf("the first attempt: %v", err)
	}
	s := b.open("f")
	if got := b.files(s, s.GetTree()); !maps.Equal(got, want) {
		t.Errorf("files: %q", got)
	}
	if _, err := b.publish(s, b.mustWrite(s, map[string]string{"new.yaml": "n: 1\n"})); err != nil {
		t.Error(err)
	}
}

// TestFlippedBits: whatever bit of a pack or an index is wrong, nobody is given another content than was committed; be
// it wrong when a process begins, or in a store that it has open.
func TestFlippedBits(t *testing.T) {
	t.Parallel()
	const flips = 40
	for name, fresh := range map[string]bool{"when a process begins": true, "in a store that is open": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := damaged{t, newHost(t), t.TempDir()}
			d.host.Create(t, repository, branch, content)
			dice, noticed := rand.New(rand.NewPCG(1, 2)), 0
			d.process(func(b *bench) {
				b.close(b.open("f"))
				for i := 0; i < flips && !fresh; i++ {
					noticed += b.flipped(i, dice)
				}
			})
			for i := 0; i < flips && fresh; i++ {
				d.process(func(b *bench) { noticed += b.flipped(i, dice) })
			}
			if noticed == 0 {
				t.Error("no flip was noticed")
			}
		})
	}
}

// flipped flips a bit on the disk, looks what comes of it, and gives 1 when it was noticed.
func (b *bench) flipped(i int, dice *rand.Rand) (noticed int) {
	b.t.Helper()
	path := b.stored("*/objects/pack/pack-*" + []string{".pack", ".idx"}[i%2])[0]
	file, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	file[dice.IntN(len(file))] ^= 1 << dice.IntN(8)
	b.overwrite(path, file)
	want := map[string]string{"a.yaml": "a: 1\n", "sub/b.yaml": "b: 1\n"}
	got, err := b.tryFiles("f")
	switch {
	case err != nil:
		noticed = 1
		b.requireCode(err, errs.StorageFailed)
		if !strings.Contains(b.log.String(), "can't be read, and is fetched anew") {
			b.t.Errorf("flip %d of %s was mended, and the log has no word of it: %s", i, path, b.log)
		}
	case !maps.Equal(got, want):
		b.t.Errorf("flip %d of %s: %q", i, path, got)
	}
	if got, err = b.tryFiles("f"); err != nil || !maps.Equal(got, want) {
		b.t.Errorf("after flip %d of %s: %q, %v", i, path, got, err)
	}
	return noticed
}

// overwrite changes a file where it is, as a disk does that fails, also for those who have it open.
func (b *bench) overwrite(path string, file []byte) {
	b.t.Helper()
	if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, file, 0o600)); err != nil {
		b.t.Fatal(err)
	}
}

// TestAShortenedFileIsNoticed: the library gives a part of a file whose length is wrong in its pack, and says nothing.
func TestAShortenedFileIsNoticed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const size = 20_015
	noise := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise) // never fails
	b.host.Create(t, repository, branch, map[string]string{"f/a.yaml": string(noise)})
	b.close(b.open("f"))
	path := b.stored("1/objects/pack/*.pack")[0]
	pack, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header := bytes.Index(pack, []byte{0xb0 | size&0xf, 0x80 | size>>4&0x7f, size >> 11}) // gitformat-pack(5)
	if header < 0 {
		t.Fatal("the file is not in the pack as such")
	}
	pack[header] ^= 0xf
	b.overwrite(path, pack)
	_, err = b.tryFiles("f")
	b.requireCode(err, errs.StorageFailed)
	if got, err := b.tryFiles("f"); err != nil || got["a.yaml"] != string(noise) {
		t.Errorf("%d bytes, %v", len(got["a.yaml"]), err)
	}
}

// tryFiles reads all files of the head.
func (b *bench) tryFiles(directory string) (map[string]string, error) {
	b.t.Helper()
	opened, err := b.repositories.OpenSnapshot(b.t.Context(), &gitv1.OpenSnapshotRequest{Location: b.location(directory)})
	if err != nil {
		return nil, err
	}
	s := opened.GetSnapshot()
	defer b.close(s)
	list, err := b.trees.ListTree(b.t.Context(), &gitv1.ListTreeRequest{SnapshotId: s.GetSnapshotId(), Tree: s.GetTree()})
	if err != nil {
		b.t.Fatal(err)
	}
	paths := map[string]string{}
	for page, err := list.Recv(); !errors.Is(err, io.EOF); page, err = list.Recv() {
		if err != nil {
			return nil, err
		}
		for _, entry := range page.GetEntries() {
			paths[entry.GetBlobId()] = entry.GetPath()
		}
	}
	blobs, err := b.trees.ReadBlobs(b.t.Context(), &gitv1.ReadBlobsRequest{
		SnapshotId: s.GetSnapshotId(),
		BlobIds:    slices.Collect(maps.Keys(paths)),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	files := map[string]string{}
	for page, err := blobs.Recv(); !errors.Is(err, io.EOF); page, err = blobs.Recv() {
		if err != nil {
			return nil, err
		}
		for _, blob := range page.GetBlobs() {
			files[paths[blob.GetBlobId()]] = string(blob.GetContent())
		}
	}
	return files, nil
}

// tryRead opens a snapshot and reads its list, which may meet the damage.
func (b *bench) tryRead(directory string) error {
	response, err := b.repositories.OpenSnapshot(b.t.Context(),
		&gitv1.OpenSnapshotRequest{Location: b.location(directory)})
	if err != nil {
		return err
	}
	defer b.close(response.GetSnapshot())
	stream, err := b.trees.ListTree(b.t.Context(), &gitv1.ListTreeRequest{SnapshotId: response.GetSnapshot().
		GetSnapshotId(), Tree: response.GetSnapshot().GetTree()})
	for err == nil {
		_, err = stream.Recv()
	}
	if err.Error() == "EOF" {
		return nil
	}
	return err
}

// TestGrownStore: the store is renewed before it has too many packs; who reads the old one goes on reading it, and with
// the last of them it goes.
func TestGrownStore(t *testing.T) {
	t.Parallel()
	const syncs, early = 60, 45
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	var reading *gitv1.Snapshot
	want := map[string]string{"a.yaml": "a: 1\n", "sub/b.yaml": "b: 1\n"}
	for i := range syncs {
		s := b.open("f")
		if i == early {
			reading = s
		}
		path, text := fmt.Sprintf("%d.yaml", i), fmt.Sprintf("n: %d\n", i)
		if _, err := b.publish(s, b.mustWrite(s, map[string]string{path: text})); err != nil {
			t.Fatal(err)
		}
		if i < early {
			want[path] = text
		}
		if i != early {
			b.close(s)
		}
	}
	if packs := b.stored("2/objects/pack/*.pack"); len(packs) == 0 || len(packs) > syncs-40 {
		t.Errorf("%d packs", len(packs))
	}
	if got := b.files(reading, reading.GetTree()); !maps.Equal(got, want) {
		t.Errorf("the old one has %d files, not %d", len(got), len(want))
	}
	b.close(reading)
	if left := b.stored("*"); len(left) != 1 || filepath.Base(left[0]) != "2" {
		t.Errorf("left: %v", left)
	}
	b.requireCommits(1 + syncs)
}

// TestRenewedBeforeAPush: the store is renewed by those who work on another branch, between the opening of a snapshot
// and the push. The next who opens the branch finds all of it.
func TestRenewedBeforeAPush(t *testing.T) {
	t.Parallel()
	const other, changes = "other", 60
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	location := b.location("f")
	location.Branch = other
	for i := range changes {
		b.host.Commit(t, repository, other, map[string]string{"f/x.yaml": fmt.Sprintf("x: %d\n", i)})
		if _, err := b.tryHold(location); err != nil {
			t.Fatal(err)
		}
	}
	if renewed := b.stored("2"); len(renewed) != 1 {
		t.Fatal("the store was not renewed")
	}
	if _, err := b.publish(s, b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})); err != nil {
		t.Fatal(err)
	}
	if err := b.tryRead("f"); err != nil {
		t.Error(err)
	}
	next := b.open("f")
	if got := b.files(next, next.GetTree()); !maps.Equal(got,
		map[string]string{"a.yaml": "a: 2\n", "sub/b.yaml": "b: 1\n"}) {
		t.Errorf("there are %q", got)
	}
}

// TestGlitch: a Git host that breaks off is no reason to throw away what is there.
func TestGlitch(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]gitserver.Fault{
		"lost":      {On: gitserver.Fetch, Times: 1, Lose: true},
		"truncated": {On: gitserver.Fetch, Times: 1, Truncate: 100},
		"503":       {On: gitserver.Fetch, Times: 1, Status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			b.close(b.open("f"))
			before := b.stored("*/objects/pack/*")
			b.host.Commit(t, repository, branch, map[string]string{"f/a.yaml": "a: 2\n"})
			b.host.Break(fault)
			if err := b.tryRead("f"); err == nil {
				t.Error("the fault was not seen")
			}
			if after := b.stored("*/objects/pack/*"); !slices.Equal(after, before) {
				t.Errorf("before %v, after %v", before, after)
			}
			if s := b.open("f"); b.files(s, s.GetTree())["a.yaml"] != "a: 2\n" {
				t.Error("the change is not there")
			}
		})
	}
}

// TestRestart: the next process takes over what was fetched, and takes away what was on its way.
func TestRestart(t *testing.T) {
	t.Parallel()
	host, data := newHost(t), t.TempDir()
	there := func(cfg *githubsync.Config) { cfg.DataDir = data }
	host.Create(t, repository, branch, content)
	var store string
	t.Run("the first process", func(t *testing.T) {
		b := replica(t, host, there)
		b.close(b.open("f"))
		store = filepath.Dir(b.stored("1")[0])
	})
	unfinished := filepath.Join(store, "1", "objects", "pack", "tmp_pack_1")
	if err := os.WriteFile(unfinished, []byte("PACK"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(store, "1"), filepath.Join(store, "7")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(store, "6"), 0o700); err != nil {
		t.Fatal(err)
	}
	fetches := host.Requests(gitserver.Fetch)
	next := replica(t, host, there)
	s := next.open("f")
	if got := next.files(s, s.GetTree()); got["a.yaml"] != "a: 1\n" {
		t.Errorf("files: %q", got)
	}
	if n := host.Requests(gitserver.Fetch); n != fetches {
		t.Errorf("fetched %d times more", n-fetches)
	}
	if left := strings.Join(next.stored("*"), " ") + strings.Join(next.leftovers(), " "); !strings.HasSuffix(left, "/7") ||
		strings.Contains(left, " ") {
		t.Errorf("left: %s", left)
	}
}

// TestOnlyNewObjectsAreFetched: after the first fetch a small change costs a small one, whoever made the commits
// before.
func TestOnlyNewObjectsAreFetched(t *testing.T) {
	t.Parallel()
	const small = 8 << 10
	b := setup(t)
	files := map[string]string{}
	for i := range 100 {
		files[fmt.Sprintf("f/%d/a.yaml", i)] = fmt.Sprintf("%x\n", rand.Perm(256))
	}
	b.host.Create(t, repository, branch, files)
	b.close(b.open("f"))
	known := b.packs()
	for round := range 3 {
		b.host.Commit(t, repository, branch, map[string]string{"f/1/a.yaml": fmt.Sprintf("%d\n", round)})
		s := b.open("f")
		if _, err := b.publish(s, b.mustWrite(s, map[string]string{"b.yaml": fmt.Sprintf("%d\n", round)})); err != nil {
			t.Fatal(err)
		}
		b.close(s)
		now := b.packs()
		for name, size := range now {
			if known[name] == 0 && size > small {
				t.Errorf("round %d: a pack of %d bytes for one file", round, size)
			}
		}
		known = now
	}
}

// packs returns the sizes of the packs in the store.
func (b *bench) packs() map[string]int64 {
	b.t.Helper()
	sizes := map[string]int64{}
	for _, name := range b.stored("*/objects/pack/*.pack") {
		info, err := os.Stat(name)
		if err != nil {
			b.t.Fatal(err)
		}
		sizes[name] = info.Size()
	}
	return sizes
}

// TestLargeBaseIsNotHeld: where a small change builds on a large object, the change comes whole instead.
func TestLargeBaseIsNotHeld(t *testing.T) {
	t.Parallel()
	b := setup(t)
	large := strings.Repeat("0123456789abcde\n", 1<<20+1)
	b.host.Create(t, repository, branch, map[string]string{"f/a.yaml": "a\n", "large.txt": large})
	b.close(b.open("f"))
	b.host.Commit(t, repository, branch, map[string]string{"large.txt": large + "more\n", "f/a.yaml": "b\n"})
	s := b.open("f")
	if got := b.files(s, s.GetTree()); got["a.yaml"] != "b\n" {
		t.Errorf("%v", got)
	}
	if asked := b.host.Requests(gitserver.Fetch); asked != 3 {
		t.Errorf("%d fetches, not the first, a thin one and a whole one", asked)
	}
	b.close(s)
}
