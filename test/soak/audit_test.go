package soak

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/test/system"
)

// audit holds what has to be so when everything has come to rest.
func (s *soak) audit() {
	s.t.Helper()
	s.quiet()
	s.survey()
	s.auditSyncs()
	published := map[string]string{} // commit by sync
	for i := range repositories {
		s.auditCommits(s.plots[i*perFolder:(i+1)*perFolder], published)
	}
	for id, status := range s.seen {
		if sha := status.Result.CommitSHA; sha != published[id] {
			s.t.Errorf("sync %s says that it made commit %q, Git says %q", id, sha, published[id])
		}
	}
	for i := range repositories {
		s.git.RequireSound(s.t, s.plots[i*perFolder].repository)
		files := s.git.Files(s.t, s.plots[i*perFolder].repository, branch)
		for _, p := range s.plots[i*perFolder : (i+1)*perFolder] {
			s.auditDocuments(p, files)
		}
	}
}

// quiet waits until no lock is held and no entry of work is left, and looks that nothing was given up.
func (s *soak) quiet() {
	s.t.Helper()
	ctx := context.WithoutCancel(s.t.Context())
	s.Await("locks to be free and streams to be empty", func() bool {
		busy := int64(0)
		for _, p := range s.plots {
			shard := events.Prefix(events.ShardOf(int32(p.number)))
			n, err := s.store.Exists(ctx, fmt.Sprintf("%s:fabric:%d:lock", shard, p.number)).Result()
			if err != nil {
				return false
			}
			busy += n
		}
		for shard := range events.Shards {
			n, err := s.store.XLen(ctx, events.WorkStream(shard)).Result()
			if err != nil {
				return false
			}
			busy += n
		}
		return busy == 0
	})
	for shard := range events.Shards {
		if n, err := s.store.XLen(ctx, events.DeadLetterStream(shard)).Result(); err != nil || n != 0 {
			s.t.Errorf("shard %d has %d dead letters, %v", shard, n, err)
		}
	}
}

// auditSyncs joins every accepted sync to its end. One that failed and did not have to is one too many: at most one in
// a thousand.
func (s *soak) auditSyncs() {
	s.t.Helper()
	for id := range s.accepted {
		if !terminal(s.seen[id]) {
			s.t.Errorf("sync %s was accepted and is %q", id, s.seen[id].State)
		}
	}
	ends := map[string]int{}
	var failures []system.Status
	for id, status := range s.seen {
		ends[status.State]++
		switch status.State {
		case "failed":
			if s.wantedFailure(status) {
				ends["refused"]++
				continue
			}
			failures = append(failures, status)
		case "cancelled":
			if !s.unwanted[id] {
				s.t.Errorf("sync %s was cancelled by nobody", id)
			}
		case "completed":
		default:
			s.t.Errorf("sync %s is %s", id, status.State)
		}
	}
	s.t.Logf("%d syncs were accepted; of all, %d completed, %d failed, of which %d had to, %d were cancelled",
		len(s.accepted), ends["completed"], ends["failed"], ends["refused"], ends["cancelled"])
	for _, f := range failures {
		s.t.Logf("failed: %s accepted %s, ended %s: %+v %+v", f.SyncID, f.AcceptedAt, f.CompletedAt, f.Errors, f.Transitions)
	}
	if 1000*len(failures) > ends["completed"]+len(failures) {
		s.t.Errorf("%d of %d syncs failed, which is more than one in a thousand", len(failures),
			ends["completed"]+len(failures))
	}
}

// auditCommits joins every commit of a repository to a person or to a sync of one fabric, whose directory is all that
// it touches.
func (s *soak) auditCommits(plots []*plot, published map[string]string) {
	s.t.Helper()
	byPeople := 1 // the first one
	for _, p := range plots {
		byPeople += p.commits
	}
	log := s.git.Git(s.t, plots[0].repository, "log", "--name-only",
		"--format=%x01%H %(trailers:key=Fgd-Sync-Id,valueonly,separator=%x2c)", branch)
	for commit := range strings.SplitSeq(strings.TrimPrefix(log, "\x01"), "\x01") {
		head, files, _ := strings.Cut(commit, "\n")
		sha, id, _ := strings.Cut(head, " ")
		if id == "" {
			byPeople--
			continue
		}
		status, known := s.seen[id]
		switch {
		case !known:
			s.t.Errorf("commit %s is of sync %q, which nobody knows", sha, id)
			continue
		case published[id] != "":
			s.t.Errorf("sync %s has two commits, %s and %s", id, published[id], sha)
		}
		published[id] = sha
		s.auditPaths(sha, strings.Fields(files), plots, status.FabricID)
	}
	if byPeople != 0 {
		s.t.Errorf("%s: %d commits of people are missing", plots[0].repository, byPeople)
	}
}

func (s *soak) auditPaths(sha string, files []string, plots []*plot, number int) {
	s.t.Helper()
	i := slices.IndexFunc(plots, func(p *plot) bool { return p.number == number })
	for _, file := range files {
		if i < 0 || !strings.HasPrefix(file, plots[i].directory+"/") {
			s.t.Errorf("commit %s of fabric %d touches %s", sha, number, file)
		}
	}
}

// auditDocuments compares what people wanted of a fabric with what there is.
func (s *soak) auditDocuments(p *plot, files map[string]string) {
	s.t.Helper()
	managed, quarantined, kept := map[string]string{}, map[string]int{}, 0
	for name, content := range files {
		below, own := strings.CutPrefix(name, p.directory+"/")
		switch folder, _, _ := strings.Cut(below, "/"); {
		case !own || folder == ".hnp":
		case p.kept[below] != "" && p.kept[below] == content:
			kept++
		case path.Base(below) == ".gitkeep":
		case folder == "managed":
			managed[strings.TrimSuffix(path.Base(below), ".yaml")] = content
		case folder == "unmanaged":
			quarantined[content]++
		default:
			s.t.Errorf("%s is left", name)
		}
	}
	for name, document := range p.wanted {
		if _, spec, _ := strings.Cut(document, "spec:"); !strings.HasSuffix(managed[name], spec) {
			s.t.Errorf("fabric %d: %s is %q, not %q", p.number, name, managed[name], document)
		}
		delete(managed, name)
	}
	for _, text := range p.broken {
		if quarantined[text] != 1 {
			s.t.Errorf("fabric %d: %q is there %d times", p.number, text, quarantined[text])
		}
		delete(quarantined, text)
	}
	if kept != len(p.kept) {
		s.t.Errorf("fabric %d: %d of %d files are where they were left", p.number, kept, len(p.kept))
	}
	if len(managed)+len(quarantined) > 0 {
		s.t.Errorf("fabric %d has what nobody wants: %v", p.number, fmt.Sprint(managed, quarantined))
	}
}
