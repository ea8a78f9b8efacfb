package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/netboxtest"
)

const (
	podsIn   = "pods.git" // a repository of several fabrics
	pods     = 6          // how many
	firstPod = 100        // the number of the first
	shrinks  = 103        // one of which resources are deleted
	heldIn   = "held.git" // a repository that takes pushes when it is told to
	heldPod  = 50
	lateIn   = "late.git" // a repository of a fabric that no backup has
	latePod  = 60
)

// disaster is a system of which everything is lost but Git and NetBox.
type disaster struct {
	*paired
	backupPage

	t       *testing.T
	redis   *system.RedisServer
	backups string
}

func newDisaster(t *testing.T) *disaster {
	t.Helper()
	n, redis := netboxtest.Start(t), system.Redis(t)
	wrong := strings.Replace(fabric.VPC("wrong", 7), "vlan: ", "vlan: many", 1)
	h := newHost(t, map[string]string{directory + "/raw/all.yaml": fabric.File([]string{
		fabric.VPC("vpc-1", 1), fabric.VPC("vpc-2", 2), fabric.VPC("vpc-3", 3), wrong,
	})})
	e := &editing{host: h, t: t, System: programs.One(t, redis.URL(), append(netboxEnv(n), shortLease))}
	d := &disaster{paired: &paired{e, people{n, t}}, t: t, redis: redis, backups: t.TempDir()}
	at, err := url.Parse(redis.URL())
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := at.User.Password()
	data := filepath.Join(t.TempDir(), "fgd-sync") // a link, as a dynamic user of systemd has it
	if err := os.Symlink(d.Data, data); err != nil {
		t.Fatal(err)
	}
	d.backupPage = backupPage{t, []string{
		"REDISCLI_AUTH=" + secret, "HEDGEHOG_FGD_SERVER=" + d.GRPC, "HEDGEHOG_FGD_TOKEN=" + d.Token(),
	}, strings.NewReplacer("/var/lib/fgd-sync", data, "/var/lib/redis", redis.Folder, "/var/backups/fgd-sync", d.backups,
		"127.0.0.1:6379", at.Host)}
	d.populate()
	return d
}

// register registers a fabric, and waits for its first sync.
func (d *disaster) register(number int, repository, directory string) {
	d.t.Helper()
	definition := d.fabric()
	maps.Copy(definition, map[string]any{
		"fabric_id": number, "name": fmt.Sprint("fabric-", number), "repository_url": d.URL(repository),
		"gitops_directory": directory,
	})
	var registered system.Accepted
	d.Call(http.MethodPost, "/api/v1/fabrics", definition, &registered)
	if first := d.Ended(registered.SyncID); first.State != "completed" {
		d.t.Fatalf("the first sync of %d is %+v", number, first)
	}
}

// populate makes what there is: a fabric with a quarantine and a conflict with NetBox, those of the pods, and one whose
// pushes can be held.
func (d *disaster) populate() {
	d.t.Helper()
	d.register(1, repository, directory)
	d.Call(http.MethodPatch, "/api/v1/fabrics/1", map[string]any{"netbox": map[string]any{
		"url": d.people.URL, "fabric": d.people.AddFabric("fabric-1"), "token_ref": "env:" + netboxToken,
	}}, &struct{}{})
	d.same(3)
	d.conflict()
	files := map[string]string{}
	for i := range pods {
		files[fmt.Sprint(i, "/raw/all.yaml")] = fabric.File(fabric.Documents(20))
	}
	d.Create(d.t, podsIn, branch, files)
	for i := range pods {
		d.register(firstPod+i, podsIn, fmt.Sprint(i))
	}
	d.Create(d.t, heldIn, branch, map[string]string{"pod/raw/all.yaml": fabric.VPC("first", 1)})
	d.register(heldPod, heldIn, "pod")
}

// conflict has both sides change one field.
func (d *disaster) conflict() {
	d.t.Helper()
	path := directory + "/managed/vpcs/vpc-2.yaml"
	text := d.Files(d.t, repository, branch)[path]
	d.Commit(d.t, repository, branch, map[string]string{path: strings.Replace(text, "vlan: 3", "vlan: 601", 1)})
	d.people.setVLAN("alice", "vpc-2", 602)
	d.Await("a conflict", func() bool { return len(d.seen().Conflicts) == 1 })
	d.sync(1)
}

// sync has a fabric synced, and waits for the end.
func (d *disaster) sync(number int) system.Status {
	d.t.Helper()
	status := d.Ended(d.trigger(number))
	if status.State != "completed" {
		d.t.Errorf("the sync of %d is %+v", number, status)
	}
	return status
}

func (d *disaster) trigger(number int) string {
	d.t.Helper()
	var started system.Accepted
	d.Call(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", number), map[string]any{}, &started)
	return started.SyncID
}

// token makes one that may look at everything.
func (d *disaster) token(name string) string {
	d.t.Helper()
	var made struct{ Text string }
	d.Call(http.MethodPost, "/api/v1/tokens", map[string]any{
		"name": name, "grants": []any{map[string]any{"role": "viewer", "all_fabrics": true}},
	}, &made)
	d.Await("the token to be known", func() bool { return d.taken(made.Text) })
	return made.Text
}

// taken reports whether the system takes a token.
func (d *disaster) taken(token string) bool {
	return d.TryAs(token, http.MethodGet, "/api/v1/caller") == http.StatusOK
}

func (d *disaster) revoke(token string) {
	d.t.Helper()
	d.Call(http.MethodDelete, "/api/v1/tokens/"+strings.Split(token, "_")[1], nil, &struct{}{})
	d.Await("the token to be revoked", func() bool { return !d.taken(token) })
}

// kept is what has to come back.
type kept struct {
	Fabrics []struct {
		Number    int `json:"fabric_id"`
		Name      string
		Directory string `json:"gitops_directory"`
	}
	Tokens []struct {
		ID   string `json:"token_id"`
		Name string
	}
	Syncs     map[string]string // the states of those that have ended, by their ids
	Conflicts []struct {
		ID string `json:"conflict_id"`
	}
	Files []struct { // in quarantine
		Path, Code string
	}
	Webhook struct{ Path, Secret string }
}

func (d *disaster) seen() kept {
	d.t.Helper()
	all := kept{Syncs: map[string]string{}}
	const list = "?limit=500"
	for _, path := range []string{"fabrics" + list, "tokens" + list, "fabrics/1/conflicts", "fabrics/1/quarantine"} {
		d.Call(http.MethodGet, "/api/v1/"+path, nil, &all)
	}
	d.Call(http.MethodGet, "/api/v1/fabrics/1/webhook", nil, &all.Webhook)
	var syncs struct{ Syncs []system.Status }
	d.Call(http.MethodGet, "/api/v1/syncs"+list, nil, &syncs)
	for _, sync := range syncs.Syncs {
		if !sync.CompletedAt.IsZero() {
			all.Syncs[sync.SyncID] = sync.State
		}
	}
	return all
}

// hold has the next push to a repository wait, and returns what lets it go on.
func (d *disaster) hold() (arrived, letGo func()) {
	d.t.Helper()
	gate, here := filepath.Join(d.t.TempDir(), "gate"), filepath.Join(d.t.TempDir(), "here")
	if out, err := exec.CommandContext(d.t.Context(), "mkfifo", gate).CombinedOutput(); err != nil {
		d.t.Fatalf("%v: %s", err, out)
	}
	d.Hook(d.t, heldIn, "pre-receive", fmt.Sprintf("touch %s\nread go < %s\n", here, gate))
	open, err := os.OpenFile(gate, os.O_RDWR, 0) // for both, so that nobody waits for the other end
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _, _ = open.WriteString("go\n"); _ = open.Close() })
	return func() {
			d.Await("the push", func() bool { _, err := os.Stat(here); return err == nil })
		}, func() {
			if _, err := open.WriteString("go\n"); err != nil {
				d.t.Fatal(err)
			}
			d.Hook(d.t, heldIn, "pre-receive", "exit 0\n")
		}
}

// backUp takes a backup while people push and sync, and says how long it took and how many syncs ended meanwhile.
func (d *disaster) backUp() (took time.Duration, syncs int) {
	d.t.Helper()
	began, command, said, ended := time.Now(), d.command("Take a backup"), &bytes.Buffer{}, make(chan error, 1)
	command.Stdout, command.Stderr = said, said
	if err := command.Start(); err != nil {
		d.t.Fatal(err)
	}
	go func() { ended <- command.Wait() }()
	for ; ; syncs++ {
		select {
		case err := <-ended:
			if err != nil {
				d.t.Fatalf("%v\n%s", err, said)
			}
			return time.Since(began), syncs
		default:
			d.pushTo(syncs % pods)
		}
	}
}

// pushTo has somebody push a VPC to a pod, and the pod synced.
func (d *disaster) pushTo(pod int) {
	d.t.Helper()
	name := fmt.Sprint("more-", d.Commits(d.t, podsIn, branch))
	d.Commit(d.t, podsIn, branch, map[string]string{fmt.Sprint(pod, "/raw/", name, ".yaml"): fabric.VPC(name, 9)})
	if status := d.sync(firstPod + pod); status.Result.CommitSHA == "" {
		d.t.Errorf("nothing was published: %+v", status)
	}
}

// meanwhile is what happens between a backup and the end. It returns a sync of then.
func (d *disaster) meanwhile() string {
	d.t.Helper()
	d.Call(http.MethodDelete, fmt.Sprint("/api/v1/fabrics/", firstPod+pods-1), nil, &struct{}{})
	d.Call(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d:suspend", firstPod+pods-2), map[string]any{"reason": "later"},
		&struct{}{})
	d.Create(d.t, lateIn, branch, map[string]string{"pod/raw/all.yaml": fabric.VPC("late", 1)})
	d.register(latePod, lateIn, "pod")
	d.pushTo(0)
	removed := map[string]string{}
	for path := range d.Files(d.t, podsIn, branch) {
		inside := strings.HasPrefix(path, fmt.Sprint(shrinks-firstPod, "/managed/"))
		if inside && filepath.Ext(path) == ".yaml" && len(removed) < 15 {
			removed[path] = gitserver.Removed
		}
	}
	d.Commit(d.t, podsIn, branch, removed)
	return d.force(shrinks).SyncID
}

// force has a fabric synced whatever it takes away.
func (d *disaster) force(number int) system.Status {
	d.t.Helper()
	var started system.Accepted
	d.Call(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", number),
		map[string]any{"options": map[string]any{"force": true}}, &started)
	status := d.Ended(started.SyncID)
	if status.State != "completed" {
		d.t.Errorf("the forced sync of %d is %+v", number, status)
	}
	return status
}

// syncAll has all fabrics synced. That of which much was deleted since the backup has to be forced.
func (d *disaster) syncAll(all kept) {
	d.t.Helper()
	for _, f := range all.Fabrics {
		if f.Number != shrinks {
			d.sync(f.Number)
			continue
		}
		if status := d.Ended(d.trigger(shrinks)); coded(status.Errors, "FGD_3005") == 0 {
			d.t.Errorf("the sync of a fabric that has shrunk is %+v", status)
		}
		d.force(shrinks)
	}
	d.shown()
}

// wipe ends everything as a crash does, and leaves two empty folders.
func (d *disaster) wipe() {
	d.t.Helper()
	for _, process := range d.Processes {
		process.Kill()
	}
	d.redis.Kill()
	for _, folder := range []string{d.Data, d.redis.Folder} {
		empty(d.t, folder)
	}
}

func empty(t *testing.T, folder string) {
	t.Helper()
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
}

// published are the files of all repositories, and how many commits they have.
func (d *disaster) published() map[string]string {
	d.t.Helper()
	all := map[string]string{}
	for _, name := range []string{repository, podsIn, heldIn} {
		all[name] = fmt.Sprint(d.Commits(d.t, name, branch), " commits")
		for path, content := range d.Files(d.t, name, branch) {
			all[name+"/"+path] = content
		}
	}
	return all
}

// requireKept holds that what was seen before the backup is there, and what commands said of it.
func (d *disaster) requireKept(before kept, said string) {
	d.t.Helper()
	now := d.seen()
	for id, state := range before.Syncs {
		if now.Syncs[id] != state {
			d.t.Errorf("the sync %s is %q, and was %s", id, now.Syncs[id], state)
		}
	}
	now.Syncs = before.Syncs
	if !reflect.DeepEqual(now, before) {
		d.t.Errorf("there is\n%+v\nand was\n%+v", now, before)
	}
	for _, word := range []string{fmt.Sprint("fabric-", firstPod+pods-1), "revoked later", "Lines 1 to 2 are intact"} {
		if !strings.Contains(said, word) {
			d.t.Errorf("it does not say %q:\n%s", word, said)
		}
	}
	old := read(d.t, filepath.Join(d.Data, "audit-before"), "")
	if !strings.Contains(old["audit.jsonl"], "CreateFabric") {
		d.t.Errorf("the audit has no registration:\n%s", old["audit.jsonl"])
	}
}

// shown waits until NetBox says of two records what their files say; the third is in conflict.
func (d *disaster) shown() {
	d.t.Helper()
	d.Await("two records to be as their files say", func() bool {
		var answer struct{ Delivery standing }
		d.Call(http.MethodGet, "/api/v1/fabrics/1/receipts?limit=1", nil, &answer)
		return answer.Delivery.Proven == 2 && answer.Delivery.Held+answer.Delivery.Merging == 1
	})
}
