package system

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// System is running services and the address of their JSON API.
type System struct {
	t         testing.TB
	Base      string
	GRPC      string
	Data      string // its data folder
	TokenFile string // has the first token
	Processes map[string]*Process
	// Operations are the addresses of the metrics of each process.
	Operations map[string]string

	starts  map[string]func(env ...string) *Process
	bridges []string
	trusted *x509.CertPool // who signs what the bridge shows; nil where it speaks no TLS
	calls   atomic.Uint64
}

// Up runs fgd up, with a private redis-server.
func (b Binaries) Up(t testing.TB, env []string, args ...string) *System {
	t.Helper()
	return b.up(t, &System{}, OwnHost(), env, args)
}

// UpTLS runs fgd up that speaks TLS with callers at an address, with what fgd certs init has made for it in a folder.
func (b Binaries) UpTLS(t testing.TB, host, certs string, env []string) *System {
	t.Helper()
	authority, err := os.ReadFile(filepath.Join(certs, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	s := &System{trusted: x509.NewCertPool()}
	s.trusted.AppendCertsFromPEM(authority)
	return b.up(t, s, host, append(env, "HEDGEHOG_FGD_TLS_CERTIFICATE_FILE="+filepath.Join(certs, "https", "tls.crt"),
		"HEDGEHOG_FGD_TLS_KEY_FILE="+filepath.Join(certs, "https", "tls.key")), nil)
}

func (b Binaries) up(t testing.TB, s *System, host string, env, args []string) *System {
	t.Helper()
	addresses, scheme := FreeAddresses(t, host, 2), "http://"
	if s.trusted != nil {
		scheme = "https://"
	}
	s.t, s.Base, s.GRPC, s.Data = t, scheme+addresses[0], addresses[1], t.TempDir()
	if i := slices.Index(args, "--data"); i >= 0 {
		s.Data = args[i+1]
	}
	s.TokenFile = tokenFile(s.Data, env)
	args = append([]string{
		"up", "--data", s.Data, "--http", addresses[0], "--grpc", s.GRPC,
		"--allow-http", "--allow-network=127.0.0.0/8",
	},
		args...)
	s.bridges = []string{s.Base}
	s.Operations = map[string]string{"fgd": s.Base}
	s.starts = map[string]func(env ...string) *Process{"fgd": func(more ...string) *Process {
		return b.Start(t, slices.Concat(env, more), "fgd", args...)
	}}
	s.Processes = map[string]*Process{"fgd": s.starts["fgd"]()}
	s.AwaitReady()
	return s
}

// tokenVariable names the file of the first token.
const tokenVariable = "HEDGEHOG_FGD_BOOTSTRAP_TOKEN_FILE=" //nolint:gosec // a name

// tokenFile is where the first token is: in the data folder, unless an environment says otherwise, as it does for a
// system that joins another one.
func tokenFile(data string, env []string) string {
	for _, variable := range env {
		if path, found := strings.CutPrefix(variable, tokenVariable); found {
			return path
		}
	}
	return filepath.Join(data, "bootstrap.token")
}

// One runs fgd up over a Redis.
func (b Binaries) One(t testing.TB, redisURL string, env []string) *System {
	t.Helper()
	return b.Up(t, append(env, "HEDGEHOG_FGD_REDIS_URL="+redisURL))
}

// Five runs the five services as five processes over one Redis.
func (b Binaries) Five(t testing.TB, redisURL string, env []string) *System {
	t.Helper()
	s := b.FiveUnready(t, redisURL, env)
	s.AwaitReady()
	return s
}

// Ten runs two replicas of each of the five services over one Redis.
func (b Binaries) Ten(t testing.TB, redisURL string, env []string) *System {
	t.Helper()
	s := b.unready(t, redisURL, 2, env, nil)
	s.AwaitReady()
	return s
}

// FiveConfigured runs five that read a configuration file.
func (b Binaries) FiveConfigured(t testing.TB, redisURL, file string, env []string) *System {
	t.Helper()
	s := b.unready(t, redisURL, 1, env, nil, "--config", file)
	s.AwaitReady()
	return s
}

// FiveUnready runs five and does not wait until they are ready.
func (b Binaries) FiveUnready(t testing.TB, redisURL string, env []string) *System {
	t.Helper()
	return b.unready(t, redisURL, 1, env, nil)
}

// FiveProving runs five of which each proves to the others who it is, with certificates in a folder that fgd certs init
// has made.
func (b Binaries) FiveProving(t testing.TB, redisURL, certs string, env []string) *System {
	t.Helper()
	s := b.unready(t, redisURL, 1, env, func(service string) []string { return Certificates(certs, service) })
	s.AwaitReady()
	return s
}

// Certificates are the variables that name what a service has in a folder that fgd certs init has made.
func Certificates(folder, service string) []string {
	return []string{
		"HEDGEHOG_FGD_SERVICE_CA_FILE=" + filepath.Join(folder, service, "ca.crt"),
		"HEDGEHOG_FGD_SERVICE_CERTIFICATE_FILE=" + filepath.Join(folder, service, "tls.crt"),
		"HEDGEHOG_FGD_SERVICE_KEY_FILE=" + filepath.Join(folder, service, "tls.key"),
	}
}

// unready has an environment and arguments for all processes, and an environment of its own for each service.
func (b Binaries) unready(
	t testing.TB, redisURL string, replicas int, env []string, special func(service string) []string, args ...string,
) *System {
	t.Helper()
	s := &System{
		t: t, Data: t.TempDir(), Processes: map[string]*Process{}, Operations: map[string]string{},
		starts: map[string]func(env ...string) *Process{},
	}
	s.TokenFile = tokenFile(s.Data, env)
	free := FreeAddresses(t, OwnHost(), 2*replicas*len(Services()))
	grpc, http := map[string][]string{}, map[string][]string{}
	for i, name := range Services() {
		own := free[2*replicas*i : 2*replicas*(i+1)]
		grpc[name], http[name] = own[:replicas], own[replicas:]
		if name != "bridge" {
			env = append(env, "HEDGEHOG_FGD_"+strings.ToUpper(strings.ReplaceAll(name, "-",
				"_"))+"_ADDRESS="+strings.Join(grpc[name], ","))
		}
	}
	env = append(env, "HEDGEHOG_FGD_REDIS_URL="+redisURL,
		"HEDGEHOG_FGD_ALLOW_HTTP=true", "HEDGEHOG_FGD_ALLOWED_PRIVATE_NETWORKS=127.0.0.0/8",
		"HEDGEHOG_FGD_CREDENTIALS_KEY_FILE="+filepath.Join(s.Data, "key"),
		"HEDGEHOG_FGD_TOKEN_PEPPER_FILE="+filepath.Join(s.Data, "peppers"),
		tokenVariable+s.TokenFile)
	for i := range replicas {
		for _, name := range Services() {
			var of []string
			if special != nil {
				of = special(name)
			}
			s.add(b, Replica(name, i), name, slices.Concat(of, []string{
				"HEDGEHOG_FGD_GRPC_LISTEN=" + grpc[name][i], "HEDGEHOG_FGD_HTTP_LISTEN=" + http[name][i],
				"HEDGEHOG_FGD_DATA_DIR=" + filepath.Join(s.Data, fmt.Sprint("git-", i)),
				"HEDGEHOG_FGD_LEDGER_FILE=" + filepath.Join(s.Data, fmt.Sprint("ledger-", i, ".db")),
				"HEDGEHOG_FGD_OUTBOX_FILE=" + filepath.Join(s.Data, fmt.Sprint("outbox-", i, ".db")),
				"HEDGEHOG_FGD_AUDIT_FILE=" + filepath.Join(s.Data, fmt.Sprint("audit-", i), "audit.jsonl"),
				"HEDGEHOG_FGD_AUDIT_KEY_FILE=" + filepath.Join(s.Data, fmt.Sprint("audit-", i), "audit.key"),
			}, env), http[name][i], args)
		}
		s.bridges = append(s.bridges, "http://"+http["bridge"][i])
	}
	s.Base, s.GRPC = s.bridges[0], grpc["bridge"][0]
	return s
}

func (s *System) add(b Binaries, name, program string, env []string, operations string, args []string) {
	s.starts[name] = func(more ...string) *Process { return b.Start(s.t, slices.Concat(env, more), program, args...) }
	s.Processes[name] = s.starts[name]()
	s.Operations[name] = "http://" + operations
}

// Revive starts programs that were killed again, and says whether there were any.
func (s *System) Revive(env ...string) bool {
	died := false
	for name, p := range s.Processes {
		select {
		case <-p.exited:
			p.AwaitCrash()
			s.Restart(name, env...)
			s.Await(name+" to say that it has started", func() bool { return s.Processes[name].Output() != "" })
			died = true
		default:
		}
	}
	return died
}

// Replica is the name of a process, of which there may be several: those after the first have a number.
func Replica(service string, i int) string {
	if i == 0 {
		return service
	}
	return fmt.Sprint(service, "-", i+1)
}

// bridge returns the address of the next bridge: calls go to all of them in turn.
func (s *System) bridge() string {
	return s.bridges[int(s.calls.Add(1))%len(s.bridges)]
}

// Restart starts a program again that was killed, with more of an environment.
func (s *System) Restart(name string, env ...string) { s.Processes[name] = s.starts[name](env...) }

const (
	readyTimeout = time.Minute
	pollPeriod   = 20 * time.Millisecond
)

// AwaitReady waits until work can be taken, and the first token is.
func (s *System) AwaitReady() {
	s.t.Helper()
	s.Await("the services to be ready", func() bool {
		if s.Died() {
			s.t.Fatalf("a process ended:\n%s", s.Output())
		}
		return s.Ready()
	})
}

// Died reports whether a process has ended.
func (s *System) Died() bool {
	for _, p := range s.Processes {
		select {
		case <-p.exited:
			return true
		default:
		}
	}
	return false
}

// Ready reports whether work can be taken, and the first token is.
func (s *System) Ready() bool {
	s.t.Helper()
	for _, bridge := range s.bridges {
		for _, path := range []string{"/readyz", "/api/v1/caller"} {
			if code, _ := s.get(bridge + path); code != http.StatusOK {
				return false
			}
		}
	}
	return true
}

// Await waits until something holds that no event announces.
func (s *System) Await(what string, holds func() bool) {
	s.t.Helper()
	deadline := time.After(readyTimeout)
	ticker := time.NewTicker(pollPeriod)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-deadline:
			s.t.Fatalf("waited %s for %s; the processes wrote:\n%s", readyTimeout, what, s.Output())
		case <-ticker.C:
		}
	}
}

// Output is what all processes wrote.
func (s *System) Output() string {
	var b strings.Builder
	for name, p := range s.Processes {
		fmt.Fprintf(&b, "== %s\n%s\n", name, p.Output())
	}
	return b.String()
}

// Try makes a call and gives the status code and body, 0 when there is no answer.
func (s *System) Try(method, path string, body any) (int, []byte) {
	s.t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.bridge()+path, bytes.NewReader(content))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	return s.send(request)
}

func (s *System) get(address string) (int, []byte) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.send(request)
}

func (s *System) send(request *http.Request) (int, []byte) {
	s.t.Helper()
	response, err := s.Client().Do(request)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil
	}
	return response.StatusCode, answer
}

// Call makes a call that has to succeed.
func (s *System) Call(method, path string, body, answer any) {
	s.t.Helper()
	code, raw := s.Try(method, path, body)
	if code != http.StatusOK {
		s.t.Fatalf("%s %s: %d %s\n%s", method, path, code, raw, s.Output())
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		s.t.Fatalf("%s %s: %v: %s", method, path, err, raw)
	}
}

// Follow reads the progress of a sync to its end and gives the types of its messages.
func (s *System) Follow(syncID string) []string {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.bridge()+"/api/v1/syncs/"+syncID+"/events",
		nil)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := s.Client().Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var types []string
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		var message struct{ Type string }
		if err := json.Unmarshal(lines.Bytes(), &message); err != nil {
			s.t.Fatalf("progress of %s: %v: %s", syncID, err, lines.Bytes())
		}
		types = append(types, message.Type)
	}
	if err := lines.Err(); err != nil {
		s.t.Fatalf("progress of %s: %v\n%s", syncID, err, s.Output())
	}
	return types
}

// Ended follows a sync and gives its status.
func (s *System) Ended(syncID string) Status {
	s.t.Helper()
	s.Follow(syncID)
	var status Status
	s.Call(http.MethodGet, "/api/sync-status/"+syncID+"/", nil, &status)
	return status
}

// Plan gives what a sync did, or would do.
func (s *System) Plan(syncID string) Plan {
	s.t.Helper()
	var page struct{ Plan Plan }
	s.Call(http.MethodGet, "/api/v1/syncs/"+syncID+"/plan", nil, &page)
	return page.Plan
}

// Diff gives what a dry run would change.
func (s *System) Diff(syncID string) string {
	s.t.Helper()
	var page struct{ Diff string }
	s.Call(http.MethodGet, "/api/v1/syncs/"+syncID+"/diff", nil, &page)
	return page.Diff
}
