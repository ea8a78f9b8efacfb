package pack

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestWhatIsHeldIsOneFile: however many contents are held at the same time, one file is open for them, and each is what
// was written to it, also in the place of one that was closed.
func TestWhatIsHeldIsOneFile(t *testing.T) {
	t.Parallel()
	const number, size = 100, 1000
	b := &budget{folder: t.TempDir(), left: 10 * size}
	hold := func(first int) (held []*content) {
		for i := first; i < number; i++ {
			c, err := b.make(size)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write(bytes.Repeat([]byte{byte(first + i)}, size)); err != nil {
				t.Fatal(err)
			}
			held = append(held, c)
		}
		return held
	}
	held := hold(0)
	if files := openIn(t, b.folder); files != 1 {
		t.Errorf("%d files are open", files)
	}
	for i := number - 1; i >= number/2; i-- {
		held[i].close()
	}
	held = append(held[:number/2], hold(number/2)...)
	for i, c := range held {
		var got bytes.Buffer
		want := i
		if i >= number/2 {
			want += number / 2
		}
		if err := c.copyTo(&got, 0, size, make([]byte, 64)); err != nil ||
			!bytes.Equal(got.Bytes(), bytes.Repeat([]byte{byte(want)}, size)) {
			t.Errorf("content %d is another one: %v", i, err)
		}
	}
	if err := b.close(); err != nil {
		t.Error(err)
	}
	if files := openIn(t, b.folder); files != 0 {
		t.Errorf("%d files stay open", files)
	}
}

// openIn is how many files this process has open that have left a folder.
func openIn(t *testing.T, folder string) (number int) {
	t.Helper()
	const fds = "/proc/self/fd"
	entries, err := fs.ReadDir(os.DirFS(fds), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if target, err := os.Readlink(filepath.Join(fds, entry.Name())); err == nil && filepath.Dir(target) == folder {
			number++
		}
	}
	return number
}
