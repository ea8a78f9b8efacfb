package drill

import (
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/test/system"
)

var seed = flag.Uint64("seed", 0, "of what goes wrong in the story; another one each time without it")

// inStory is how many things go wrong in the story.
const inStory = 5

// TestStory is a night on call: an alert comes, its annotation leads to the runbook, the commands there show what is
// the matter, and the steps there mend it.
func TestStory(t *testing.T) {
	if !*drilling {
		t.Skip("make story runs it")
	}
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("the seed is %d", *seed)
	d, all := start(t), mishaps()
	d.await(d.watch.all, false)
	picked := rand.New(rand.NewPCG(*seed, 0)).Perm(len(all))[:inStory]
	for _, i := range picked {
		d.run(all[i], d.follow)
	}
	d.await(d.watch.all, false)
	d.step("FGDServiceDown", "fgd health", "")
}

// follow reads the runbooks of what fires, and looks as they say.
func (d *drill) follow(m mishap) {
	d.t.Helper()
	for _, alert := range m.alerts {
		where := d.watch.runbook[alert]
		if filepath.Base(where) != alert+".md" {
			d.t.Errorf("%s leads to %q", alert, where)
		}
		_, chapter, _ := strings.Cut(d.page(alert), "\n## Look\n")
		chapter, _, _ = strings.Cut(chapter, "\n## ")
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(chapter, -1) {
			for line := range strings.SplitSeq(strings.TrimSpace(block[1]), "\n") {
				said, _ := d.shell(line) // of what is down some say so
				d.t.Logf("%s\n$ %s\n%s", alert, line, said)
			}
		}
	}
}

// page returns the runbook of an alert.
func (d *drill) page(alert string) string {
	d.t.Helper()
	root, err := system.Root()
	if err != nil {
		d.t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(root, "docs", "runbooks", alert+".md"))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(raw)
}

// step does what a runbook says, for a fabric, with what stands for other things replaced, until it succeeds: what was
// mended needs some seconds.
func (d *drill) step(alert, command, fabric string, replaced ...string) {
	d.t.Helper()
	if page := d.page(alert); !strings.Contains(page, command) {
		d.t.Errorf("the runbook of %s does not say: %s", alert, command)
	}
	if fabric != "" {
		replaced = append(replaced, "fabric-1", fabric)
	}
	command = strings.NewReplacer(replaced...).Replace(command)
	ticker := time.NewTicker(pollPeriod)
	defer ticker.Stop()
	for began := time.Now(); ; <-ticker.C {
		said, err := d.shell(command)
		if err == nil {
			return
		}
		if time.Since(began) > patience {
			d.t.Fatalf("%s: %s: %v\n%s", alert, command, err, said)
		}
	}
}

var ports = regexp.MustCompile(`localhost:(?:8080|919[1-4])`)

// shell runs a command as somebody on call does, who has told fgd where the system is.
func (d *drill) shell(command string) (string, error) {
	d.t.Helper()
	command = ports.ReplaceAllStringFunc(command, func(address string) string {
		service := map[string]string{
			"8080": "bridge", "9191": "orchestrator", "9192": "ingestion", "9193": "directory", "9194": "github-sync",
		}[strings.TrimPrefix(address, "localhost:")]
		return strings.TrimPrefix(d.Operations[service], "http://")
	})
	run := exec.CommandContext(d.t.Context(), "bash", "-c", command)
	run.Env = []string{
		"PATH=" + string(d.programs) + ":" + os.Getenv("PATH"), "HOME=" + d.Data,
		"HEDGEHOG_FGD_SERVER=" + d.GRPC, "HEDGEHOG_FGD_TOKEN=" + d.Token(),
	}
	said, err := run.CombinedOutput()
	return string(said), err
}
