package view

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/libs/nearest"
	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// everWere refuses paths of which no commit of the branch ever had one, for which nothing was found: they are mistyped.
// What was deleted is a path, and so is what the structure has.
func (v *View) everWere(ctx context.Context, fabric *fabricv1.Fabric, snapshot *gitv1.Snapshot, paths []string) error {
	if len(paths) == 0 || slices.ContainsFunc(paths, ofStructure) {
		return nil
	}
	found := false
	err := rpc.Collect(ctx, v.deps.History.ListCommits, &gitv1.ListCommitsRequest{
		SnapshotId: snapshot.GetSnapshotId(), Paths: paths, Limit: 1,
	}, func(part *gitv1.ListCommitsResponse) error {
		found = found || len(part.GetCommits()) > 0 || part.GetTruncated()
		return nil
	})
	if err != nil || found {
		return err
	}
	there, err := v.folders(ctx, snapshot)
	if err != nil {
		return err
	}
	return neverWas(paths[0], there.meant(paths[0], fabric.GetLocation().GetDirectory()))
}

// ofStructure reports whether each directory has a path once it is complete.
func ofStructure(path string) bool {
	switch path {
	case "", layout.Raw, layout.Managed, layout.Unmanaged, layout.Metadata, layout.Manifest, layout.ArchiveLog,
		layout.UnmanagedLog, layout.ArchiveDir, layout.Samples, layout.Ignore:
		return true
	}
	return false
}

func neverWas(path, meant string) error {
	err := errs.New(errs.NoSuchPath, "No commit of the branch ever had %q in the fabric's directory.", path).
		WithMeta("path", path)
	if meant == "" {
		return err
	}
	return err.WithRemedy("Perhaps %s is meant.", meant).WithMeta("meant", meant)
}

// folders has the names in each folder of a directory; that of the directory itself is "".
type folders map[string]map[string]bool

// folders lists a snapshot's directory.
func (v *View) folders(ctx context.Context, snapshot *gitv1.Snapshot) (folders, error) {
	all := folders{}
	err := rpc.Collect(ctx, v.deps.Trees.ListTree, &gitv1.ListTreeRequest{
		SnapshotId: snapshot.GetSnapshotId(), Tree: snapshot.GetTree(),
	}, func(part *gitv1.ListTreeResponse) error {
		for _, entry := range part.GetEntries() {
			all.add(entry.GetPath())
		}
		return nil
	})
	return all, err
}

func (f folders) add(path string) {
	for path != "" {
		folder, name := "", path
		if slash := strings.LastIndexByte(path, '/'); slash >= 0 {
			folder, name = path[:slash], path[slash+1:]
		}
		if f[folder] == nil {
			f[folder] = map[string]bool{}
		}
		f[folder][name] = true
		path = folder
	}
}

// meant returns the path that is there and most like another one, name by name, as far as there is one: a folder when
// nothing in it is like the rest. Paths are often written from the root of the repository.
func (f folders) meant(path, directory string) string {
	if rest, below := strings.CutPrefix(path, directory+"/"); below && directory != "" && f.has(rest) {
		return rest
	}
	found := ""
	for i, name := range strings.Split(path, "/") {
		if !f[found][name] {
			name = nearest.To(name, slices.Collect(maps.Keys(f[found])))
		}
		if name == "" {
			return cmp.Or(f.elsewhere(path), onlyIfChanged(found, path, i))
		}
		found = strings.TrimPrefix(found+"/"+name, "/")
	}
	return found
}

func (f folders) has(path string) bool {
	folder, name := "", path
	if slash := strings.LastIndexByte(path, '/'); slash >= 0 {
		folder, name = path[:slash], path[slash+1:]
	}
	return f[folder][name]
}

// elsewhere returns where a path stands inside another folder of the directory, as raw/a.yaml does for a.yaml; the
// first of several.
func (f folders) elsewhere(path string) string {
	for _, folder := range slices.Sorted(maps.Keys(f)) {
		if folder != "" && f.has(folder+"/"+path) {
			return folder + "/" + path
		}
	}
	return ""
}

// onlyIfChanged returns a folder when it is not how the path began: that one was written rightly.
func onlyIfChanged(folder, path string, depth int) string {
	if strings.Join(strings.Split(path, "/")[:depth], "/") == folder {
		return ""
	}
	return folder
}
