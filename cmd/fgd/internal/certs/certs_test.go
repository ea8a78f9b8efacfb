package certs_test

import (
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"fgdsync.dev/cmd/fgd/internal/certs"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/mtls"
)

func folder(t *testing.T) certs.Folder {
	t.Helper()
	return certs.Folder{
		Path: filepath.Join(t.TempDir(), "certs"), Services: []string{"bridge", "orchestrator"}, Now: time.Now,
	}
}

func order() certs.Order { return certs.Order{Lifetime: certs.Lifetime} }

// load reads what a service has, as the service does.
func load(f certs.Folder, service string) error {
	in := func(name string) string { return filepath.Join(f.Path, service, name) }
	_, err := mtls.Load(mtls.Files{CAFile: in("ca.crt"), CertificateFile: in("tls.crt"), KeyFile: in("tls.key")}, service,
		slog.New(slog.DiscardHandler), time.Now)
	return err
}

func names(t *testing.T, f certs.Folder) []string {
	t.Helper()
	list, err := f.List()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, one := range list {
		out = append(out, append([]string{one.File}, one.Names...)...)
	}
	return out
}

// TestWhatIsMadeCanBeUsed by the services that it is for, and by nobody but their owner.
func TestWhatIsMadeCanBeUsed(t *testing.T) {
	t.Parallel()
	f, o := folder(t), order()
	o.Names, o.Addresses = []string{"fgd.example"}, []net.IP{net.IPv4(192, 0, 2, 1)}
	if err := f.Make(o); err != nil {
		t.Fatal(err)
	}
	for _, service := range f.Services {
		if err := load(f, service); err != nil {
			t.Errorf("%s: %v", service, err)
		}
	}
	if got := names(t, f)[2:]; !slices.Equal(got, []string{
		"bridge/tls.crt", "fgd://bridge", "orchestrator/tls.crt", "fgd://orchestrator", "https/tls.crt", "fgd.example",
		"192.0.2.1",
	}) {
		t.Errorf("made are %q", got)
	}
	err := filepath.WalkDir(f.Path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestNothingIsReplaced but by a renewal, which keeps the authority and the names of callers.
func TestNothingIsReplaced(t *testing.T) {
	t.Parallel()
	f, o := folder(t), order()
	o.Names = []string{"fgd.example"}
	if err := f.MakeIfAbsent(o); err != nil {
		t.Fatal(err)
	}
	key := read(t, f, "ca.key")
	before := read(t, f, "bridge/tls.crt")
	if err := f.Make(o); !errs.HasCode(err, errs.InvalidRequest) {
		t.Errorf("made again: %v", err)
	}
	if err := f.MakeIfAbsent(o); err != nil || read(t, f, "bridge/tls.crt") != before {
		t.Errorf("made again where it was there: %v", err)
	}
	listed := names(t, f)
	if err := f.Renew(order()); err != nil || read(t, f, "bridge/tls.crt") == before || read(t, f, "ca.key") != key ||
		!slices.Equal(names(t, f), listed) || load(f, "bridge") != nil {
		t.Errorf("renewed: %v, %q", err, names(t, f))
	}
	if err := os.Remove(filepath.Join(f.Path, "bridge", "tls.crt")); err != nil {
		t.Fatal(err)
	}
	if err := f.MakeIfAbsent(order()); err != nil || load(f, "bridge") != nil {
		t.Errorf("what was missing: %v", err)
	}
}

// TestACertificateEndsBeforeItsAuthority, and what is nonsense is refused.
func TestACertificateEndsBeforeItsAuthority(t *testing.T) {
	t.Parallel()
	for lifetime, fine := range map[time.Duration]bool{
		time.Minute: false, time.Hour: true, 9 * certs.Lifetime: true, 11 * certs.Lifetime: false,
	} {
		if err := folder(t).Make(certs.Order{Lifetime: lifetime}); (err == nil) != fine {
			t.Errorf("%s: %v", lifetime, err)
		}
	}
	if err := folder(t).Renew(order()); !errs.HasCode(err, errs.InvalidRequest) {
		t.Errorf("renewed where nothing is: %v", err)
	}
	if _, err := folder(t).List(); !errs.HasCode(err, errs.InvalidRequest) {
		t.Errorf("listed where nothing is: %v", err)
	}
}

func read(t *testing.T, f certs.Folder, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(f.Path, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
