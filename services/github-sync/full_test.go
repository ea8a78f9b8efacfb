package githubsync_test

import (
	"crypto/rand"
	"testing"

	"golang.org/x/sys/unix"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// TestTheDiskIsFull (W15): what was fetched does not fit. The error says so, and once there is room the same call
// succeeds.
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
	noise := make([]byte, 1<<20)
	_, _ = rand.Read(noise) // never fails
	b.host.Create(t, repository, branch, map[string]string{"f/a.yaml": "a: 1\n", "f/noise": string(noise)})
	request := &gitv1.OpenSnapshotRequest{Location: b.location("f")}
	if _, err := b.repositories.OpenSnapshot(t.Context(), request); !errs.HasCode(err, errs.StorageFailed) ||
		errs.KindOf(err) != errs.Unavailable {
		t.Errorf("on a full disk: %v", err)
	}
	if err := resize("16m", unix.MS_REMOUNT); err != nil {
		t.Fatal(err)
	}
	response, err := b.repositories.OpenSnapshot(t.Context(), request)
	if err != nil {
		t.Fatalf("with room on the disk: %v", err)
	}
	if files := b.files(response.GetSnapshot(), response.GetSnapshot().GetTree()); len(files) != 2 {
		t.Errorf("%d files", len(files))
	}
}
