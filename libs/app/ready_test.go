package app_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"fgdsync.dev/libs/app"
)

// TestAProgramAsksWhetherAnotherIsReady, which is how a container finds out whether it is healthy.
func TestAProgramAsksWhetherAnotherIsReady(t *testing.T) {
	t.Parallel()
	var sick atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" || r.Host != "localhost" || sick.Load() {
			http.Error(w, "test is not ready (FGD_5003); its log says why", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	ask := func(listen string) (int, string) {
		t.Helper()
		var stderr bytes.Buffer
		code := app.Main(definition(newWorker()), []string{"-ready"}, []string{"HEDGEHOG_FGD_HTTP_LISTEN=" + listen}, &stderr)
		return code, stderr.String()
	}
	for _, listen := range []string{"127.0.0.1:" + port, "0.0.0.0:" + port, ":" + port} {
		if code, said := ask(listen); code != 0 || said != "" {
			t.Errorf("%s: %d %s", listen, code, said)
		}
	}
	sick.Store(true)
	if code, said := ask("127.0.0.1:" + port); code != 1 || !strings.Contains(said, "FGD_5003") {
		t.Errorf("not ready: %d %s", code, said)
	}
	server.Close()
	if code, said := ask("127.0.0.1:" + port); code != 1 || !strings.Contains(said, "Nothing answers at 127.0.0.1:"+port) {
		t.Errorf("away: %d %s", code, said)
	}
	if code, said := ask("nonsense"); code != 1 || !strings.Contains(said, "http_listen") {
		t.Errorf("no address: %d %s", code, said)
	}
}
