package bench

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// zeros reads as zeros without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// BenchmarkHostile syncs directories that are made to cost much. Beside each stands what it takes more, in time and in
// resident memory, than the same directory without the hostile file.
func BenchmarkHostile(b *testing.B) {
	built, host := programs(b), server(b)
	run := func(repository string) (time.Duration, system.Result) {
		began := time.Now()
		result := built.Run(b, []string{"HEDGEHOG_FGD_GIT_USERNAME=" + user, "HEDGEHOG_FGD_GIT_PASSWORD=" + password},
			"sync", "--repo", host.URL(repository), "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8", "--dry-run")
		return time.Since(began), result
	}
	host.Create(b, "plain.git", branch, map[string]string{"f/raw/good.yaml": fabric.VPC("good", 1)})
	for name, hostile := range map[string]struct {
		entry func(repository string) string
		code  string
	}{
		"alias bomb": {blob(b, host, strings.NewReader(aliasBomb())), "FGD_1001"},
		"deep nesting": {
			blob(b, host, strings.NewReader(strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000))),
			"FGD_1001",
		},
		"300 MiB zeros": {blob(b, host, io.LimitReader(zeros{}, 300<<20)), "FGD_1006"},
		"tree bomb":     {treeBomb(b, host), "FGD_4012"},
	} {
		b.Run(name, func(b *testing.B) {
			repository := strings.ReplaceAll(name, " ", "-") + ".git"
			host.Create(b, repository, branch, map[string]string{"README.md": "r\n"})
			raw := host.Object(b, repository, "tree", strings.NewReader(hostile.entry(repository)))
			f := host.Object(b, repository, "tree", strings.NewReader(gitserver.TreeEntry(b, "40000", "raw", raw)))
			host.CommitTree(b, repository, branch, host.Object(b, repository, "tree",
				strings.NewReader(gitserver.TreeEntry(b, "40000", "f", f))))
			// as hosts keep what they were sent; else the server packs it anew each time
			host.Git(b, repository, "repack", "-adq")
			var more []time.Duration
			memory := int64(0)
			for b.Loop() {
				floor, plain := run("plain.git")
				took, result := run(repository)
				if !strings.Contains(result.Output(), hostile.code) {
					b.Fatalf("exit %d:\n%s", result.Code, result.Output())
				}
				more, memory = append(more, took-floor), max(memory, result.Memory-plain.Memory)
			}
			report(b, "more", more)
			b.ReportMetric(float64(memory)/(1<<20), "more-MiB")
		})
	}
}

// blob is a file of a content that is read once.
func blob(b *testing.B, host *gitserver.Server, content io.Reader) func(string) string {
	return func(repository string) string {
		return gitserver.TreeEntry(b, "100644", "hostile.yaml", host.Object(b, repository, "blob", content))
	}
}

// aliasBomb is a document of a kilobyte that stands for a billion values.
func aliasBomb() string {
	var text strings.Builder
	text.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		fmt.Fprintf(&text, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10),
			", "))
	}
	return text.String()
}

// treeBomb is ten trees that name each other ten times: ten billion paths.
func treeBomb(b *testing.B, host *gitserver.Server) func(string) string {
	return func(repository string) string {
		tree := host.Object(b, repository, "tree", strings.NewReader(""))
		entries := ""
		for range 10 {
			entries = ""
			for n := range 10 {
				entries += gitserver.TreeEntry(b, "40000", fmt.Sprintf("d%d", n), tree)
			}
			tree = host.Object(b, repository, "tree", strings.NewReader(entries))
		}
		return entries
	}
}
