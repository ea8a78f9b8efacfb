package githubsync_test

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// TestTheDiskIsFull (W15): what was fetched does not fit. The error and the health say so, and once there is room the
// same call succeeds.
func TestTheDiskIsFull(t *testing.T) {
	t.Parallel()
	b := setup(t)
	resize := func(size string, flags uintptr) error {
		return unix.Mount("tmpfs", b.data, "tmpfs", flags, "size="+size)
	}
	if err := resize("64k", 0); err != nil {
		t.Skipf("mounting a small disk is not permitted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(b.data, unix.MNT_DETACH) })
	b.requireStore("little room", health.Degraded, "MiB left")
	noise := make([]byte, 1<<20)
	_, _ = rand.Read(noise) // never fails
	b.host.Create(t, repository, branch, map[string]string{"f/a.yaml": "a: 1\n", "f/noise": string(noise)})
	request := &gitv1.OpenSnapshotRequest{Location: b.location("f")}
	if _, err := b.repositories.OpenSnapshot(t.Context(), request); !errs.HasCode(err, errs.StorageFailed) ||
		errs.KindOf(err) != errs.Unavailable {
		t.Errorf("on a full disk: %v", err)
	}
	filler := filepath.Join(b.data, "filler")
	if err := os.WriteFile(filler, noise, 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	b.requireStore("no room", health.Unhealthy, "can't be kept in")
	if err := errors.Join(os.Remove(filler), resize("1g", unix.MS_REMOUNT)); err != nil {
		t.Fatal(err)
	}
	if err := b.part(health.Store); err != nil {
		t.Errorf("there is room, and the health says %v", err)
	}
	response, err := b.repositories.OpenSnapshot(t.Context(), request)
	if err != nil {
		t.Fatalf("with room on the disk: %v", err)
	}
	if files := b.files(response.GetSnapshot(), response.GetSnapshot().GetTree()); len(files) != 2 {
		t.Errorf("%d files", len(files))
	}
}

func (b *bench) requireStore(when string, status health.Status, reason string) {
	b.t.Helper()
	got := health.StateOf(health.Store, b.part(health.Store))
	if got.Status != status || !strings.Contains(got.Reason, reason) || got.Remedy == "" ||
		got.Details["folder"] != filepath.Join(b.data, "repositories") {
		b.t.Errorf("with %s the store is %+v", when, got)
	}
}
