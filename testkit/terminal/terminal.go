// Package terminal gives tests a real terminal of the kernel to print on.
package terminal

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Terminal is one of a width. What is printed on it can be waited for.
type Terminal struct {
	*os.File // what a program prints on

	mu      sync.Mutex
	changed *sync.Cond
	text    strings.Builder
	ended   chan struct{}
	master  *os.File
}

// Open opens a terminal that has so many columns; it is closed when the test ends.
func Open(t testing.TB, columns uint16) *Terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	file, err := other(master, columns)
	if err != nil {
		t.Fatal(err)
	}
	terminal := &Terminal{File: file, ended: make(chan struct{}), master: master}
	terminal.changed = sync.NewCond(&terminal.mu)
	go terminal.read()
	t.Cleanup(func() { terminal.Text() })
	return terminal
}

// other opens the end of a terminal that programs print on.
func other(master *os.File, columns uint16) (*os.File, error) {
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return nil, err
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	const rows = 24
	size := &unix.Winsize{Row: rows, Col: columns}
	return file, unix.IoctlSetWinsize(int(file.Fd()), unix.TIOCSWINSZ, size)
}

// read takes in what is printed, until nobody has the terminal open any more.
func (t *Terminal) read() {
	defer close(t.ended)
	part := make([]byte, 4096)
	for {
		n, err := t.master.Read(part)
		t.mu.Lock()
		t.text.Write(part[:n])
		t.mu.Unlock()
		t.changed.Broadcast()
		if err != nil {
			return
		}
	}
}

// Await waits until a text has been printed.
func (t *Terminal) Await(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for !strings.Contains(t.text.String(), text) {
		t.changed.Wait()
	}
}

// Type types a text, as a person does.
func (t *Terminal) Type(text string) error {
	_, err := t.master.WriteString(text)
	return err
}

// Text closes the terminal and returns all that was printed on it.
func (t *Terminal) Text() string {
	_ = t.Close()
	<-t.ended
	_ = t.master.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ReplaceAll(t.text.String(), "\r\n", "\n")
}
