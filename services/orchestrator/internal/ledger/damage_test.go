package ledger_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/ledger"
)

// full returns the bytes of a ledger of some pages.
func full(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := open(t, path)
	for i := range 40 {
		must(t, l.PutFabric(&fabricv1.Fabric{FabricId: int32(i + 1), Generation: 1, Name: fmt.Sprintf("%0200d", i)}))
		must(t, l.Accept(&syncv1.Sync{SyncId: fmt.Sprint("sync-", i), RequestedBy: fmt.Sprintf("%0200d", i)}))
	}
	must(t, l.Close())
	raw, err := os.ReadFile(path)
	must(t, err)
	return raw
}

// TestADamagedLedgerIsPutAside: however it is damaged, the process goes on with an empty one, and loses nothing of the
// damaged.
func TestADamagedLedgerIsPutAside(t *testing.T) {
	t.Parallel()
	random := func(from int, raw []byte) []byte {
		dice := rand.NewChaCha8([32]byte{35})
		_, _ = dice.Read(raw[from:]) // it never fails
		return raw
	}
	whole := full(t)
	for name, damage := range map[string]func([]byte) []byte{
		"three pages":     func(raw []byte) []byte { return raw[:3*os.Getpagesize()] },
		"some bytes":      func(raw []byte) []byte { return raw[:100] },
		"random pages":    func(raw []byte) []byte { return random(2*os.Getpagesize(), raw) },
		"random all over": func(raw []byte) []byte { return random(0, raw) },
		"zeroed heads":    func(raw []byte) []byte { clear(raw[:2*os.Getpagesize()]); return raw },
		"zeroed pages":    func(raw []byte) []byte { clear(raw[2*os.Getpagesize():]); return raw },
		"text":            func([]byte) []byte { return bytes.Repeat([]byte("no ledger\n"), 2000) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "ledger.db")
			raw := damage(bytes.Clone(whole))
			must(t, os.WriteFile(path, raw, 0o600))
			l := open(t, path)
			if l.Damaged() == "" {
				t.Fatal("nothing was put aside")
			}
			if kept, err := os.ReadFile(l.Damaged()); err != nil || !bytes.Equal(kept, raw) {
				t.Errorf("put aside are %d bytes, %v", len(kept), err)
			}
			register, err := l.Register()
			must(t, err)
			must(t, l.PutFabric(&fabricv1.Fabric{FabricId: 1, Generation: 2}))
			if len(register.Fabrics) != 0 {
				t.Errorf("the new one has %v", register.Fabrics)
			}
		})
	}
}

// TestOneByteAnywhere: whatever byte is another, the file is read, or put aside; nothing ends the process.
func TestOneByteAnywhere(t *testing.T) {
	t.Parallel()
	raw := full(t)
	dice := rand.New(rand.NewPCG(3, 5))
	for range 60 {
		changed := bytes.Clone(raw)
		for range 1 + dice.IntN(20) {
			changed[dice.IntN(len(changed))] ^= byte(1 + dice.IntN(255))
		}
		one := filepath.Join(t.TempDir(), "ledger.db")
		must(t, os.WriteFile(one, changed, 0o600))
		l, err := ledger.Open(one)
		must(t, err)
		_, err = l.Register()
		must(t, err)
		must(t, l.Close())
	}
}

// TestARefusedLedgerIsAsItWas: the next start finds it again.
func TestARefusedLedgerIsAsItWas(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	must(t, os.WriteFile(path, []byte("no ledger"), 0o600))
	for range 2 {
		l, err := ledger.Open(path)
		must(t, err)
		if err := l.Refuse(); !errs.HasCode(err, errs.LedgerDamaged) {
			t.Errorf("got %v", err)
		}
		if raw, err := os.ReadFile(path); err != nil || string(raw) != "no ledger" {
			t.Errorf("the file has %q, %v", raw, err)
		}
	}
}

// TestALedgerIsForItsOwnerAlone: it has sealed credentials.
func TestALedgerIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "folder", "ledger.db")
	l := open(t, path)
	private(t, path)
	must(t, os.Remove(path))
	if renewed, err := l.Renew(); !renewed || err != nil {
		t.Errorf("renewed %v, %v", renewed, err)
	}
	private(t, path)
}

func private(t *testing.T, path string) {
	t.Helper()
	for name, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		must(t, err)
		if info.Mode().Perm() != want {
			t.Errorf("%s has the mode %o", name, info.Mode().Perm())
		}
	}
}

// TestALedgerThatIsTakenAwayComesBack: with all that it had and what came since, while others write.
func TestALedgerThatIsTakenAwayComesBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := open(t, path)
	must(t, l.Accept(&syncv1.Sync{SyncId: "before"}))
	if renewed, err := l.Renew(); renewed || err != nil {
		t.Errorf("renewed %v, %v, and it was there", renewed, err)
	}
	must(t, os.Remove(path))
	must(t, l.Accept(&syncv1.Sync{SyncId: "between"}))
	if renewed, err := l.Renew(); !renewed || err != nil {
		t.Errorf("renewed %v, %v", renewed, err)
	}
	must(t, l.Accept(&syncv1.Sync{SyncId: "after"}))
	must(t, l.Close())
	if renewed, err := l.Renew(); renewed || err != nil {
		t.Errorf("renewed %v, %v, and it was closed", renewed, err)
	}
	kept, err := open(t, path).Accepted()
	must(t, err)
	if len(kept) != 3 {
		t.Errorf("kept %v", kept)
	}
}
