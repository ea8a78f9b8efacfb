// Package bench measures the built programs from outside. Each figure stands beside a floor or a peer that is measured
// in the same run on the same machine; see docs/benchmarks.md.
package bench

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

const (
	branch    = "main"
	directory = "gitops/hedgehog/fabric-1"
	user      = "robot"
	password  = "bench"
)

func programs(b *testing.B) system.Binaries {
	b.Helper()
	built, err := system.Build(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	return built
}

func server(b *testing.B) *gitserver.Server {
	b.Helper()
	return gitserver.Start(b, gitserver.Options{User: user, Password: password, Yielding: true})
}

func registration(name, url string) map[string]any {
	return map[string]any{
		"name": name, "repository_url": url, "branch": branch, "gitops_directory": directory,
		"credentials": map[string]any{"username": user, "password": password},
	}
}

func took(status system.Status) time.Duration { return status.CompletedAt.Sub(status.AcceptedAt) }

// report reports the median and the slowest in milliseconds.
func report(b *testing.B, name string, durations []time.Duration) time.Duration {
	slices.Sort(durations)
	median := durations[len(durations)/2]
	b.ReportMetric(milliseconds(median), name+"-median-ms")
	b.ReportMetric(milliseconds(durations[len(durations)-1]), name+"-slowest-ms")
	return median
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// BenchmarkFirstSync is the main job: the first sync of 48 documents in 3 files, over smart HTTP and with a real Redis,
// from accepted to completed. Its peer is git's command line, which clones the same content from the same server, moves
// it into as many files, and pushes.
func BenchmarkFirstSync(b *testing.B) {
	s := programs(b).Up(b, nil)
	host := server(b)
	var syncs, again, peers []time.Duration
	for i := 0; b.Loop(); i++ {
		repository, peer := fmt.Sprintf("r%d.git", i), fmt.Sprintf("p%d.git", i)
		files := fabric.PreInit(directory)
		host.Create(b, repository, branch, files)
		host.Create(b, peer, branch, files)
		var registered, triggered system.Accepted
		s.Call(http.MethodPost, "/api/v1/fabrics", registration(repository, host.URL(repository)), &registered)
		status := s.Ended(registered.SyncID)
		if status.Result.ResourcesTotal != 47 || status.Result.CommitSHA == "" {
			b.Fatalf("status: %+v", status)
		}
		syncs = append(syncs, took(status))
		s.Call(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", status.FabricID), map[string]any{}, &triggered)
		again = append(again, took(s.Ended(triggered.SyncID)))
		peers = append(peers, byGit(b, host, peer, fabric.Documents(47)))
	}
	mine := report(b, "first-sync", syncs)
	report(b, "no-change", again)
	theirs := report(b, "git-cli", peers)
	b.ReportMetric(float64(theirs)/float64(mine), "git-cli/first-sync")
}

// byGit does with git's command line what a sync does at the least: clone, one file per document, commit, push.
func byGit(b *testing.B, host *gitserver.Server, repository string, docs []string) time.Duration {
	b.Helper()
	work := b.TempDir()
	url := strings.Replace(host.URL(repository), "http://", "http://"+user+":"+password+"@", 1)
	began := time.Now()
	git(b, work, "clone", "-q", "--depth", "1", url, ".")
	folder := filepath.Join(work, directory, "managed")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		b.Fatal(err)
	}
	for i, doc := range docs {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.yaml", i)), []byte(doc), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	git(b, work, "add", ".")
	git(b, work, "-c", "user.name=b", "-c", "user.email=b@example.com", "commit", "-qm", "split")
	git(b, work, "push", "-q", "origin", branch)
	return time.Since(began)
}

func git(b *testing.B, folder string, args ...string) {
	b.Helper()
	command := exec.CommandContext(b.Context(), "git", args...)
	command.Dir = folder
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1"}
	if out, err := command.CombinedOutput(); err != nil {
		b.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// BenchmarkLarge is fgd sync on 10,000 documents in 200 files, the whole process, with the memory that it had at most.
func BenchmarkLarge(b *testing.B) {
	const documents = 10_000
	built, host := programs(b), server(b)
	files := fabric.Files(directory+"/raw", fabric.Documents(documents), 50)
	var wholes, syncs, peers []time.Duration
	var memory int64
	for i := 0; b.Loop(); i++ {
		repository, peer := fmt.Sprintf("r%d.git", i), fmt.Sprintf("p%d.git", i)
		host.Create(b, repository, branch, files)
		host.Create(b, peer, branch, files)
		began := time.Now()
		result := built.Run(b, []string{"HEDGEHOG_FGD_GIT_USERNAME=" + user, "HEDGEHOG_FGD_GIT_PASSWORD=" + password},
			"sync", "--repo", host.URL(repository), "--dir", directory, "--allow-http", "--allow-network=127.0.0.0/8", "-o=json")
		wholes = append(wholes, time.Since(began))
		if result.Code != 0 {
			b.Fatalf("exit %d:\n%s", result.Code, result.Output())
		}
		status := system.Read[system.Status](b, result.Stdout)
		if status.Result.ResourcesTotal != documents {
			b.Fatalf("status: %+v", status)
		}
		syncs = append(syncs, took(status))
		memory = max(memory, result.Memory)
		peers = append(peers, byGit(b, host, peer, fabric.Documents(documents)))
	}
	report(b, "whole-process", wholes)
	mine := report(b, "sync", syncs)
	theirs := report(b, "git-cli", peers)
	b.ReportMetric(float64(theirs)/float64(mine), "git-cli/sync")
	b.ReportMetric(float64(memory)/(1<<20), "resident-MiB")
}

// BenchmarkConcurrent drops 23 files into each of 100 fabrics in 100 repositories, triggers all of them at once, and
// asks for their status all the while.
func BenchmarkConcurrent(b *testing.B) {
	const fabrics, filesEach = 100, 23
	s := programs(b).Up(b, nil)
	host := server(b)
	names := make([]string, fabrics)
	for i := range fabrics {
		names[i] = fmt.Sprintf("r%d.git", i)
		host.Create(b, names[i], branch, map[string]string{"README.md": ""})
		var registered system.Accepted
		s.Call(http.MethodPost, "/api/v1/fabrics", registration(names[i], host.URL(names[i])), &registered)
		s.Ended(registered.SyncID)
	}
	var wholes, each, answers []time.Duration
	for round := 0; b.Loop(); round++ {
		for _, name := range names {
			host.Commit(b, name, branch, fabric.Files(directory+"/raw",
				fabric.Documents((round + 1) * filesEach)[round*filesEach:], 1))
		}
		began := time.Now()
		var ended [fabrics]system.Status
		var answered [fabrics]time.Duration
		var all sync.WaitGroup
		for i := range fabrics {
			all.Go(func() {
				var triggered system.Accepted
				s.Call(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", i+1), map[string]any{}, &triggered)
				asked := time.Now()
				s.Call(http.MethodGet, "/api/sync-status/"+triggered.SyncID+"/", nil, &system.Status{})
				answered[i] = time.Since(asked)
				ended[i] = s.Ended(triggered.SyncID)
			})
		}
		all.Wait()
		wholes = append(wholes, time.Since(began))
		answers = append(answers, answered[:]...)
		for _, status := range ended {
			if status.State != "completed" || status.Result.ResourcesTotal != (round+1)*filesEach {
				b.Fatalf("status: %+v", status)
			}
			each = append(each, took(status))
		}
	}
	whole := report(b, "100-syncs", wholes)
	report(b, "each", each)
	report(b, "status", answers)
	b.ReportMetric(fabrics*filesEach/whole.Seconds(), "files/s")
	b.ReportMetric(float64(s.Processes["fgd"].Memory())/(1<<20), "resident-MiB")
}
