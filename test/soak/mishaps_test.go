package soak

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// mishaps are what people do to a fabric that no system can do for them, and most of which they mend afterwards. Each
// has to come to what it says, and to leave nothing behind but what the plot knows of.
func mishaps() []func(*soak, *plot) {
	return []func(*soak, *plot){
		(*soak).takeManifest, (*soak).nest, (*soak).breakManaged, (*soak).addNames, (*soak).addForeign,
		(*soak).mendQuarantined, (*soak).dropQuarantined,
	}
}

// fence is a trailer of which the system makes nothing: it is none of its own.
func fence() string {
	values := []string{
		"9223372036854775807", "9223372036854775806", "9007199254740993", "99999999999999999999", "-1", "0", "x", "",
	}
	return "Fgd-Fence: " + values[rand.IntN(len(values))]
}

// commit is a commit of a person to a directory. One of five has a trailer that is not theirs to write.
func (s *soak) commit(p *plot, files map[string]string) {
	s.t.Helper()
	message := fmt.Sprintf("Change %d of fabric %d", p.commits, p.number)
	if rand.IntN(5) == 0 {
		message += "\n\n" + fence() + "\n"
	}
	below := map[string]string{}
	for name, content := range files {
		if quoted, is := strings.CutPrefix(name, `"`); is {
			below[`"`+p.directory+"/"+quoted] = content
			continue
		}
		below[p.directory+"/"+name] = content
	}
	s.git.CommitSaying(s.t, p.repository, branch, message, below)
	p.commits++
}

// sync asks for a sync and returns its end.
func (s *soak) sync(p *plot) system.Status {
	s.t.Helper()
	id := s.trigger(p)
	s.await(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[id]
}

// files are those of a directory by their names below it.
func (s *soak) files(p *plot) map[string]string {
	s.t.Helper()
	below := map[string]string{}
	for name, content := range s.git.Files(s.t, p.repository, branch) {
		if inside, is := strings.CutPrefix(name, p.directory+"/"); is {
			below[inside] = content
		}
	}
	return below
}

// takeManifest lets the directory belong to somebody else, who gives it back.
func (s *soak) takeManifest(p *plot) {
	s.t.Helper()
	const name = ".hnp/manifest.yaml"
	own := s.files(p)[name]
	other := strings.Replace(own, fmt.Sprintf("fabric_id: %d\n", p.number), "fabric_id: 4711\n", 1)
	if own == other {
		s.t.Errorf("fabric %d: the manifest has another owner already: %q", p.number, own)
		return
	}
	s.refused(p, "FGD_2011", map[string]string{name: other}, map[string]string{name: own})
}

// nest puts the directory of another fabric into this one, and takes it away again.
func (s *soak) nest(p *plot) {
	s.t.Helper()
	inner := map[string]string{
		"attic/old/.hnp/manifest.yaml":       "structure_version: \"1.0\"\nfabric_name: \"old\"\nfabric_id: 4711\n",
		"attic/old/managed/vpcs/theirs.yaml": fabric.VPC("theirs", p.commits),
	}
	gone := maps.Clone(inner)
	for name := range gone {
		gone[name] = gitserver.Removed
	}
	s.refused(p, "FGD_2008", inner, gone)
}

// refused commits what has to fail every sync with a code, and changes nothing, until it is mended.
func (s *soak) refused(p *plot, code string, wrong, mended map[string]string) {
	s.t.Helper()
	s.mu.Lock()
	s.refusals[refusal{p.number, code}] = true
	s.mu.Unlock()
	s.commit(p, wrong)
	before := s.files(p)
	if status := s.sync(p); status.State == "completed" || status.Result.CommitSHA != "" {
		s.t.Errorf("fabric %d: %s was not refused with %s: %+v", p.number, names(wrong), code, status)
	}
	if after := s.files(p); !maps.Equal(before, after) {
		s.t.Errorf("fabric %d: a sync that was refused with %s changed %v", p.number, code, names(after))
	}
	s.commit(p, mended)
	s.sync(p)
}

// breakManaged leaves the markers of a conflict in a managed file. Its resource stays, and so do its bytes, until
// somebody mends the file or wishes for the resource anew.
func (s *soak) breakManaged(p *plot) {
	s.t.Helper()
	emptied := s.emptied.Load()
	whole := s.sync(p)
	wanted := slices.Sorted(maps.Keys(p.wanted))
	if whole.State != "completed" || len(wanted) == 0 {
		return
	}
	name := wanted[rand.IntN(len(wanted))]
	file := "managed/vpcs/" + name + ".yaml"
	good := s.files(p)[file]
	broken := strings.Replace(good, "spec:", fmt.Sprintf("<<<<<<< HEAD\nspec:\n=======\n>>>>>>> theirs-%d", p.commits), 1)
	s.commit(p, map[string]string{file: broken})
	status := s.sync(p)
	told := slices.ContainsFunc(status.Errors, func(f system.Finding) bool { return f.Code == "FGD_1029" })
	// What the last sync left is known from Redis.
	if total := status.Result.ResourcesTotal; status.State == "completed" && s.emptied.Load() == emptied &&
		(!told || total != len(wanted)) {
		s.t.Errorf("fabric %d: with conflict markers in %s there are %d resources, not %d: %+v", p.number, file, total,
			len(wanted), status.Errors)
	}
	if s.files(p)[file] != broken {
		s.t.Errorf("fabric %d: %s was touched", p.number, file)
	}
	if rand.IntN(2) == 0 {
		s.commit(p, map[string]string{file: good})
	} else {
		p.wanted[name] = fabric.VPC(name, p.commits)
		p.broken[fmt.Sprint("managed-", p.commits)] = broken
		s.commit(p, map[string]string{"raw/" + name + ".yaml": p.wanted[name]})
	}
	s.sync(p)
}

// addNames commits names that no checkout can hold. They stay where they are.
func (s *soak) addNames(p *plot) {
	s.t.Helper()
	text := fabric.VPC("odd", p.commits)
	s.keep(p, map[string]string{`"raw/caf\351.yaml"`: text, `"docs/Icon\r"`: text, `"raw/back\\slash/a.yaml"`: text},
		map[string]string{"raw/caf\xe9.yaml": text, "docs/Icon\r": text, `raw/back\slash/a.yaml`: text})
}

// addForeign commits files of other tools. They stay where they are.
func (s *soak) addForeign(p *plot) {
	s.t.Helper()
	files := map[string]string{
		".github/workflows/ci.yaml": fmt.Sprintf("on: push # %d\n", p.commits), ".gitlab-ci.yml": "stages: []\n",
		"kustomization.yaml": "resources: []\n", "managed/Kustomization": "resources: []\n", "raw/.DS_Store": "x",
		"raw/.hidden/vpc.yaml": fabric.VPC("hidden", p.commits),
	}
	s.keep(p, files, files)
}

// keep commits what stays as it is.
func (s *soak) keep(p *plot, files, as map[string]string) {
	s.t.Helper()
	maps.Copy(p.kept, as)
	s.commit(p, files)
	s.sync(p)
}

// mendQuarantined makes a resource of a text that nobody could ingest, where it is.
func (s *soak) mendQuarantined(p *plot) {
	s.t.Helper()
	file, of := s.quarantined(p)
	if file == "" {
		return
	}
	name := fmt.Sprint("mended-", p.commits)
	delete(p.broken, of)
	p.wanted[name] = fabric.VPC(name, p.commits)
	s.commit(p, map[string]string{file: p.wanted[name]})
	s.sync(p)
}

// dropQuarantined takes a text away that nobody could ingest.
func (s *soak) dropQuarantined(p *plot) {
	s.t.Helper()
	file, of := s.quarantined(p)
	if file == "" {
		return
	}
	delete(p.broken, of)
	s.commit(p, map[string]string{file: gitserver.Removed})
	s.sync(p)
}

// quarantined finds a file of unmanaged/ and which of the texts it is, if there is one.
func (s *soak) quarantined(p *plot) (file, of string) {
	s.t.Helper()
	for name, content := range s.files(p) {
		if !strings.HasPrefix(name, "unmanaged/") {
			continue
		}
		for key, text := range p.broken {
			if text == content {
				return name, key
			}
		}
	}
	return "", ""
}

func names(files map[string]string) []string { return slices.Sorted(maps.Keys(files)) }

// refusal is a way in which syncs of a fabric may fail: somebody has committed what has to be refused.
type refusal struct {
	fabric int
	code   string
}

// wantedFailure reports whether a sync failed as it had to.
func (s *soak) wantedFailure(status system.Status) bool {
	return slices.ContainsFunc(status.Errors, func(f system.Finding) bool {
		return s.refusals[refusal{status.FabricID, f.Code}]
	})
}
