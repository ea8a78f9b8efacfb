package pack_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"pgregory.net/rapid"

	"fgdsync.dev/services/github-sync/internal/pack"
)

// git runs Git in a bare repository.
func git(t testing.TB, dir string, input io.Reader, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...)
	command.Stdin = input
	var failures bytes.Buffer
	command.Stderr = &failures
	out, err := command.Output()
	if err != nil {
		t.Fatalf("git %s: %v: %s", args[0], err, &failures)
	}
	return string(out)
}

// newRepository makes an empty bare repository, as git init does.
func newRepository(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{"objects/pack", "refs/heads"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{
		"HEAD": "ref: refs/heads/main\n", "config": "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// add makes objects in a repository, and returns their ids.
func add(t testing.TB, dir string, contents []string) (ids []string) {
	t.Helper()
	folder := t.TempDir()
	var paths strings.Builder
	for i, content := range contents {
		path := filepath.Join(folder, strconv.Itoa(i))
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		paths.WriteString(path + "\n")
	}
	return strings.Fields(git(t, dir, strings.NewReader(paths.String()), "hash-object", "-w", "--no-filters",
		"--stdin-paths"))
}

// requireBlobs holds that objects, named as Git names them, have their contents.
func requireBlobs(t testing.TB, dir string, names, contents []string) {
	t.Helper()
	out := git(t, dir, strings.NewReader(strings.Join(names, "\n")+"\n"), "cat-file", "--batch=%(objecttype)")
	for i, content := range contents {
		rest, is := strings.CutPrefix(out, "blob\n"+content+"\n")
		if !is {
			t.Fatalf("object %d of %d, %s, is another one", i, len(contents), names[i])
		}
		out = rest
	}
	if out != "" {
		t.Errorf("there is more: %q", out)
	}
}

// receive stores a pack in an empty repository.
func receive(t testing.TB, content []byte) (string, error) {
	t.Helper()
	dir := newRepository(t)
	return dir, pack.Folder{Path: filepath.Join(dir, "objects", "pack")}.Receive(t.Context(), bytes.NewReader(content))
}

// requireClean holds that nothing is left over in a folder of packs.
func requireClean(t testing.TB, dir string, want int) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "objects", "pack"))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != want {
		t.Errorf("%d files instead of %d: %v", len(entries), want, entries)
	}
}

// related returns texts that are worth deltas of each other.
func related(seed uint64, n int) []string {
	random := rand.New(rand.NewPCG(seed, 1))
	lines := make([]string, 400)
	for i := range lines {
		lines[i] = fmt.Sprintf("line %d %x", i, random.Uint64())
	}
	var out []string
	for range n {
		lines[random.IntN(len(lines))] = fmt.Sprintf("changed %x", random.Uint64())
		if random.IntN(3) == 0 {
			lines = slices.Insert(lines, random.IntN(len(lines)), "inserted")
		}
		out = append(out, strings.Join(lines, "\n"))
	}
	return out
}

// packed makes objects in a repository, and Git's pack of them.
func packed(t testing.TB, contents []string, args ...string) (ids []string, content []byte) {
	t.Helper()
	dir := newRepository(t)
	ids = add(t, dir, contents)
	list := strings.NewReader(strings.Join(append(ids, ""), "\n"))
	return ids, []byte(git(t, dir, list, append([]string{"pack-objects", "-q", "--stdout"}, args...)...))
}

// TestReceive: whatever Git packs, and however it does, is there afterwards, and Git finds nothing wrong with it.
func TestReceive(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"offset deltas":    {"--delta-base-offset", "--window=50", "--depth=50"},
		"reference deltas": {"--window=50", "--depth=50"},
		"no deltas":        {"--window=0"},
		"not compressed":   {"--compression=0", "--window=0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contents := append(related(1, 120), "", "x", strings.Repeat("zero\n", 100_000))
			ids, content := packed(t, contents, args...)
			dir, err := receive(t, content)
			if err != nil {
				t.Fatal(err)
			}
			requireClean(t, dir, 2)
			requireBlobs(t, dir, ids, contents)
			git(t, dir, nil, "fsck", "--strict", "--no-dangling")
			requireIndexAsGit(t, dir, content)
		})
	}
}

// requireIndexAsGit holds that the index is, byte for byte, the one that Git makes of the pack.
func requireIndexAsGit(t *testing.T, dir string, content []byte) {
	t.Helper()
	indexes, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "*.idx"))
	if err != nil || len(indexes) != 1 {
		t.Fatalf("indexes: %v, %v", indexes, err)
	}
	ours, err := os.ReadFile(indexes[0])
	if err != nil {
		t.Fatal(err)
	}
	other := newRepository(t)
	git(t, other, bytes.NewReader(content), "index-pack", "--stdin")
	theirs, err := os.ReadFile(filepath.Join(other, "objects", "pack", filepath.Base(indexes[0])))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours, theirs) {
		t.Error("the index is not the one that Git makes")
	}
}

// TestReceiveAny is TestReceive for packs of all sorts.
func TestReceiveAny(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		contents := related(rapid.Uint64().Draw(r, "seed"), rapid.IntRange(0, 30).Draw(r, "texts"))
		contents = append(contents, rapid.SliceOfN(rapid.String(), 1, 5).Draw(r, "others")...)
		args := []string{
			fmt.Sprintf("--window=%d", rapid.IntRange(0, 20).Draw(r, "window")),
			fmt.Sprintf("--depth=%d", rapid.IntRange(1, 30).Draw(r, "depth")),
		}
		if rapid.Bool().Draw(r, "offsets") {
			args = append(args, "--delta-base-offset")
		}
		_, content := packed(t, contents, args...)
		dir, err := receive(t, content)
		if err != nil {
			r.Fatal(err)
		}
		requireIndexAsGit(t, dir, content)
	})
}

func TestReceiveNothing(t *testing.T) {
	t.Parallel()
	_, content := packed(t, nil)
	dir, err := receive(t, content)
	if err != nil {
		t.Fatal(err)
	}
	requireClean(t, dir, 0)
}

// TestCut: a pack that ends early or is altered anywhere is refused, and leaves nothing.
func TestCut(t *testing.T) {
	t.Parallel()
	_, content := packed(t, related(2, 4), "--delta-base-offset")
	for n := range content {
		if n%7 != 0 {
			continue // each takes a while
		}
		dir, err := receive(t, content[:n])
		if err == nil {
			t.Errorf("cut at %d it is taken", n)
		}
		requireClean(t, dir, 0)
		altered := bytes.Clone(content)
		altered[n] ^= 0x11
		dir, err = receive(t, altered)
		if err == nil {
			t.Errorf("altered at %d it is taken", n)
		}
		requireClean(t, dir, 0)
	}
}

// object is one that is written as it is told, right or wrong.
type object struct {
	kind    plumbing.ObjectType
	size    int
	base    []byte // after the size: a distance or an id
	content []byte
}

// write makes a pack of objects with a right checksum.
func write(t testing.TB, objects ...object) []byte {
	t.Helper()
	out := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("PACK"), 2), uint32(len(objects)))
	for _, o := range objects {
		first, rest := byte(o.kind)<<4|byte(o.size&15), o.size>>4
		for rest > 0 {
			out = append(out, first|0x80)
			first, rest = byte(rest&0x7f), rest>>7
		}
		out = append(append(append(out, first), o.base...), deflate(t, o.content)...)
	}
	sum := sha1.Sum(out)
	return append(out, sum[:]...)
}

func blob(content string) object {
	return object{plumbing.BlobObject, len(content), nil, []byte(content)}
}

func delta(base, content string) object {
	id := plumbing.ComputeHash(plumbing.BlobObject, []byte(base))
	return object{plumbing.REFDeltaObject, len(content), id[:], []byte(content)}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, objects := range map[string][]object{
		"longer than it says":         {{plumbing.BlobObject, 3, nil, []byte("four")}},
		"shorter than it says":        {{plumbing.BlobObject, 5, nil, []byte("four")}},
		"of unknown type":             {{plumbing.ObjectType(5), 4, nil, []byte("four")}},
		"of no type":                  {{plumbing.InvalidObject, 4, nil, []byte("four")}},
		"no such base":                {delta("other", "\x05\x01\x01a")},
		"base of another size":        {blob("four"), delta("four", "\x05\x01\x01a")},
		"copy beyond the base":        {blob("four"), delta("four", "\x04\x03\x91\x02\x03")},
		"makes more":                  {blob("four"), delta("four", "\x04\x01\x02ab")},
		"makes more by copy":          {blob("four"), delta("four", "\x04\x01\x90\x02")},
		"makes less":                  {blob("four"), delta("four", "\x04\x05\x01a")},
		"instruction 0":               {blob("four"), delta("four", "\x04\x01\x00a")},
		"insert cut":                  {blob("four"), delta("four", "\x04\x05\x05a")},
		"copy cut":                    {blob("four"), delta("four", "\x04\x05\xff\x00")},
		"no sizes":                    {blob("four"), delta("four", "")},
		"endless size":                {blob("four"), delta("four", "\x04\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")},
		"makes two gigabytes":         {blob("four"), delta("four", "\x04\x80\x80\x80\x80\x08")},
		"distance before the pack":    {blob("four"), {plumbing.OFSDeltaObject, 4, []byte{0x7f}, []byte("\x04\x01\x01a")}},
		"distance 0":                  {blob("four"), {plumbing.OFSDeltaObject, 4, []byte{0}, []byte("\x04\x01\x01a")}},
		"distance to no object":       {blob("four"), {plumbing.OFSDeltaObject, 4, []byte{1}, []byte("\x04\x01\x01a")}},
		"a delta of itself by its id": {delta("four", "\x04\x04\x90\x04")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, err := receive(t, write(t, objects...))
			if err == nil || errors.Is(err, io.EOF) {
				t.Errorf("%v", err)
			}
			requireClean(t, dir, 0)
		})
	}
	t.Run("more after the end", func(t *testing.T) {
		t.Parallel()
		if _, err := receive(t, append(write(t, blob("four")), 'x')); !errors.Is(err, pack.ErrDamaged) {
			t.Error(err)
		}
	})
	t.Run("twice the same", func(t *testing.T) {
		t.Parallel()
		dir, err := receive(t, write(t, blob("four"), blob("four"), delta("four", "\x04\x02\x90\x02"),
			delta("four", "\x04\x02\x90\x02")))
		if err != nil {
			t.Fatal(err)
		}
		git(t, dir, nil, "fsck", "--strict", "--no-dangling")
	})
}

// prepend is a delta that puts a text before a base.
func prepend(text string, base int) string {
	out := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(base)), uint64(base+len(text)))
	out = append(append(out, byte(len(text))), text...)
	for offset := 0; offset < base; {
		n := min(base-offset, 1<<24-1)
		out = append(out, 0xff)
		out = binary.LittleEndian.AppendUint32(out, uint32(offset))
		out = append(out, byte(n), byte(n>>8), byte(n>>16))
		offset += n
	}
	return string(out)
}

// TestLargeBases: a chain of what does not fit into memory is resolved all the same.
func TestLargeBases(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789abcdef", 3<<16) // 3 MiB
	objects := []object{blob(text)}
	for i := range 8 {
		longer := fmt.Sprintf("%d\n", i) + text
		objects = append(objects, delta(text, prepend(longer[:2], len(text))))
		text = longer
	}
	dir, err := receive(t, write(t, objects...))
	if err != nil {
		t.Fatal(err)
	}
	id := plumbing.ComputeHash(plumbing.BlobObject, []byte(text))
	if got := git(t, dir, nil, "cat-file", "blob", id.String()); got != text {
		t.Errorf("%d bytes instead of %d", len(got), len(text))
	}
	requireClean(t, dir, 2)
}

func FuzzReceive(f *testing.F) {
	_, content := packed(f, related(3, 3), "--delta-base-offset")
	f.Add(content)
	f.Add(write(f, blob("four"), delta("four", "\x04\x02\x90\x02")))
	f.Add(write(f, delta("four", "\x04\x02\x90\x02")))
	four := &plumbing.MemoryObject{}
	four.SetType(plumbing.BlobObject)
	if _, err := four.Write([]byte("four")); err != nil {
		f.Fatal(err)
	}
	bases := func(id plumbing.Hash) (plumbing.EncodedObject, error) {
		if id != four.Hash() {
			return nil, plumbing.ErrObjectNotFound
		}
		return four, nil
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		content = bytes.Clone(content)
		if len(content) > 20 {
			sum := sha1.Sum(content[:len(content)-20])
			copy(content[len(content)-20:], sum[:])
		}
		if (pack.Folder{Path: dir, Bases: bases}).Receive(t.Context(), bytes.NewReader(content)) != nil {
			return
		}
		for _, pattern := range []string{"*.idx", "*.pack"} {
			made, _ := filepath.Glob(filepath.Join(dir, pattern))
			for _, p := range made {
				if err := os.Remove(p); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
