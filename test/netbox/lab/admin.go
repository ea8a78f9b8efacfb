package lab

import (
	"errors"
	"os"
	"path/filepath"
)

// What somebody has who looks after a NetBox: its configuration, its environment and its Python.

// Configure adds to the end of the configuration. It counts when the web processes and the worker are started next.
func (n *NetBox) Configure(text string) error {
	file, err := os.OpenFile(filepath.Join(n.folder, "conf", "configuration.py"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString("\n" + text)
	return errors.Join(err, file.Close())
}

// Environment is what its processes are started with.
func (n *NetBox) Environment() []string { return append(os.Environ(), n.env...) }

// Python is that of its virtual environment.
func (n *NetBox) Python() string { return n.lab.python }
