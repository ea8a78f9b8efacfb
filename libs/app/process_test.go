package app_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
)

func definition(w *worker) app.Definition {
	return app.Definition{
		Name: "test", GRPCListen: "127.0.0.1:0", HTTPListen: "127.0.0.1:0",
		Build: func(*app.Process) (app.Service, http.Handler, error) { return w, nil, nil },
	}
}

func forCallers(w *worker) app.Definition {
	def := definition(w)
	def.Audience = rpc.Callers
	return def
}

// TestAProcessEndsInOrderOnASignal has the signal for itself: other tests run before it or after it.
func TestAProcessEndsInOrderOnASignal(t *testing.T) {
	w := newWorker()
	var closed []string
	def := definition(w)
	build := def.Build
	def.Peers = []app.Peer{{Name: "some-peer", Address: "127.0.0.1:1"}}
	def.Build = func(p *app.Process) (app.Service, http.Handler, error) {
		p.OnClose(func() error { closed = append(closed, "first"); return nil })
		p.OnClose(func() error { closed = append(closed, "second"); return nil })
		if p.Peers["some-peer"] == nil || p.Self == nil || p.MetricsPage == nil || p.Source == nil || p.Now == nil ||
			!strings.HasSuffix(p.Instance, "/127.0.0.1:0") {
			t.Errorf("it was built from %+v", p)
		}
		if value, set := p.LookupEnv("SOME_VARIABLE"); value != "x=y" || !set {
			t.Errorf("the variable is %q", value)
		}
		return build(p)
	}
	var stderr bytes.Buffer
	code := make(chan int, 1)
	go func() { code <- app.Main(def, nil, []string{"SOME_VARIABLE=x=y"}, &stderr) }()
	<-w.began
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != 0 {
		t.Errorf("exit code %d: %s", got, stderr.String())
	}
	if !w.ended.Load() || !slices.Equal(closed, []string{"second", "first"}) {
		t.Errorf("ended %v, closed %v", w.ended.Load(), closed)
	}
	if !strings.Contains(stderr.String(), `"msg":"started"`) ||
		!strings.Contains(stderr.String(), `"service":"fgd-test"`) {
		t.Errorf("logged %s", stderr.String())
	}
}

// TestACommandLine: what is no call of a service is said in words, and its version without one being run.
func TestACommandLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"unknown flag": {[]string{"--nonsense"}, 2, "nonsense"},
		"a word":       {[]string{"now"}, 2, `"now" is no flag`},
		"help":         {[]string{"--help"}, 0, "-config file"},
		"version":      {[]string{"--version"}, 0, "test " + app.Version},
	} {
		var stderr bytes.Buffer
		if code := app.Main(definition(newWorker()), c.args, nil, &stderr); code != c.code ||
			!strings.Contains(stderr.String(), c.want) || strings.Contains(stderr.String(), "FGD_") {
			t.Errorf("%s: exit code %d: %s", name, code, &stderr)
		}
	}
}

// TestAVariableThatNothingReads is warned about with the one that was perhaps meant, before the service is built.
func TestAVariableThatNothingReads(t *testing.T) {
	t.Parallel()
	def := definition(newWorker())
	def.Build = func(*app.Process) (app.Service, http.Handler, error) {
		return nil, nil, errs.New(errs.RedisConnectionFailed, "Redis is away.")
	}
	var stderr bytes.Buffer
	app.Main(def, nil, []string{"HEDGEHOG_FGD_SYNK_TIMEOUT=1s", "HEDGEHOG_FGD_GIT_TOKEN=s3cret"}, &stderr)
	if out := stderr.String(); !strings.Contains(out, `"level":"WARN"`) || strings.Count(out, "WARN") != 1 ||
		!strings.Contains(out, `"variable":"HEDGEHOG_FGD_SYNK_TIMEOUT","perhaps":"HEDGEHOG_FGD_SYNC_TIMEOUT"`) {
		t.Errorf("logged %s", out)
	}
}

func TestAProcessSaysWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	taken := listen(t)
	t.Cleanup(func() { _ = taken.Close() })
	bad := filepath.Join(t.TempDir(), "fgd.yaml")
	if err := os.WriteFile(bad, []byte("no_such_key: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	misplaced := definition(internalWorker())
	misplaced.Audience = rpc.Callers
	broken := definition(newWorker())
	broken.Build = func(*app.Process) (app.Service, http.Handler, error) {
		return nil, nil, errs.New(errs.RedisConnectionFailed, "Redis is away.")
	}
	for name, c := range map[string]struct {
		def     app.Definition
		args    []string
		environ []string
		want    []string
	}{
		"unknown key":  {definition(newWorker()), []string{"--config", bad}, nil, []string{"FGD_5007", "no_such_key"}},
		"no such file": {definition(newWorker()), []string{"--config", bad + "x"}, nil, []string{"FGD_5007", bad + "x"}},
		"bad value": {
			definition(newWorker()), nil,
			[]string{"HEDGEHOG_FGD_LOG_LEVEL=loud"},
			[]string{"FGD_5007", "log_level", "debug"},
		},
		"taken gRPC port": {
			definition(newWorker()), nil,
			[]string{"HEDGEHOG_FGD_GRPC_LISTEN=" + taken.Addr().String()},
			[]string{"FGD_5006", "grpc_listen", "Stop what uses the address"},
		},
		"taken HTTP port": {
			definition(newWorker()), nil,
			[]string{"HEDGEHOG_FGD_HTTP_LISTEN=" + taken.Addr().String()},
			[]string{"FGD_5006", "http_listen"},
		},
		"HTTP open to all": {
			forCallers(newWorker()), nil,
			[]string{"HEDGEHOG_FGD_HTTP_LISTEN=0.0.0.0:0", "HEDGEHOG_FGD_ALLOW_UNAUTHENTICATED=true"},
			[]string{"FGD_5007", "http_listen", "0.0.0.0:0", "HEDGEHOG_FGD_ALLOW_UNAUTHENTICATED"},
		},
		"gRPC open to all": {
			definition(newWorker()), nil,
			[]string{"HEDGEHOG_FGD_GRPC_LISTEN=:0", "HEDGEHOG_FGD_ALLOW_UNAUTHENTICATED=true"},
			[]string{"FGD_5007", "grpc_listen", "fgd certs init"},
		},
		"no public host": {
			definition(newWorker()), nil,
			[]string{"HEDGEHOG_FGD_PUBLIC_HOSTS=https://fgd.example"},
			[]string{"FGD_5007", "public_hosts", "https://fgd.example"},
		},
		"wrong audience": {misplaced, nil, nil, []string{"SyncService", "callers"}},
		"broken service": {broken, nil, nil, []string{"FGD_5003", "Check that Redis runs"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stderr bytes.Buffer
			if code := app.Main(c.def, c.args, c.environ, &stderr); code != 1 {
				t.Errorf("exit code %d", code)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("no %q in: %s", want, stderr.String())
				}
			}
		})
	}
}

func TestHelpIsNoFailure(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	if code := app.Main(definition(newWorker()), []string{"--help"}, nil, &stderr); code != 0 ||
		!strings.Contains(stderr.String(), "-config") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}

// TestAnOpenProcessSaysSo: one that others can reach in clear warns of it, for both listeners.
func TestAnOpenProcessSaysSo(t *testing.T) {
	w := newWorker()
	var stderr bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- app.Main(forCallers(w), nil, []string{
			"HEDGEHOG_FGD_GRPC_LISTEN=0.0.0.0:0", "HEDGEHOG_FGD_HTTP_LISTEN=[::]:0",
		}, &stderr)
	}()
	select {
	case <-w.began:
	case got := <-code:
		t.Fatalf("exit code %d: %s", got, stderr.String())
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != 0 {
		t.Errorf("exit code %d: %s", got, stderr.String())
	}
	for _, address := range []string{"0.0.0.0:0", "[::]:0"} {
		if !strings.Contains(stderr.String(), `"level":"WARN","msg":"tokens travel in clear`) ||
			!strings.Contains(stderr.String(), `"address":"`+address+`"`) {
			t.Errorf("no warning of %s in %s", address, stderr.String())
		}
	}
}

// TestEmptyAddressesAreTheDefaults, as the sample says.
func TestEmptyAddressesAreTheDefaults(t *testing.T) {
	w := newWorker()
	var stderr bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- app.Main(definition(w), nil, []string{"HEDGEHOG_FGD_GRPC_LISTEN=", "HEDGEHOG_FGD_HTTP_LISTEN="}, &stderr)
	}()
	select {
	case <-w.began:
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-code
	case got := <-code:
		t.Errorf("exit code %d: %s", got, stderr.String())
	}
}
