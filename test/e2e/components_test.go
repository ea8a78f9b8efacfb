package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// components is the answer of /api/v1/health.
type components struct {
	Status     string
	Components []component
}

type component struct {
	Name, Service, Status, Since, Reason, Remedy string
	Details                                      map[string]string
}

func (c components) of(name string) component {
	for _, one := range c.Components {
		if one.Name == name {
			return one
		}
	}
	return component{}
}

func look(t *testing.T, s *system.System) components {
	t.Helper()
	var health components
	code, body := s.Try(http.MethodGet, "/api/v1/health", nil)
	if code == 0 {
		return health // it has not come up yet
	}
	err := json.Unmarshal(body, &health)
	beside := slices.DeleteFunc(slices.Clone(health.Components), func(c component) bool {
		return c.Name == "configuration"
	})
	if err != nil || code != http.StatusOK || len(beside) != 15 { // each process has a configuration
		t.Fatalf("health: %d, %v, %s", code, err, body)
	}
	return health
}

// TestHealthNamesWhatIsAway: first Redis, then a service, and nothing once both are back.
func TestHealthNamesWhatIsAway(t *testing.T) {
	t.Parallel()
	h := newHost(t, fabric.PreInit(directory))
	redis := system.Redis(t)
	s := programs.Five(t, redis.URL(), nil)
	h.requireMainJob(s)
	if health := look(t, s); health.Status != "healthy" {
		t.Errorf("all is well, and the health is %+v", health)
	}
	redis.Kill()
	s.Await("the health to name Redis", func() bool { return look(t, s).of("redis").Status == "unhealthy" })
	health := look(t, s)
	if away := health.of("redis"); health.Status != "unhealthy" ||
		!strings.Contains(away.Reason, "Redis can't be reached") ||
		!strings.Contains(away.Remedy, "HEDGEHOG_FGD_REDIS_URL") || away.Since == "" || away.Service != "orchestrator" ||
		health.of("orchestrator").Status != "unhealthy" || health.of("queue").Status != "unknown" ||
		health.of("ledger").Status != "healthy" {
		t.Errorf("without Redis the health is %+v", health)
	}
	s.Await("the metrics to say so", func() bool {
		text := get(t, s.Client(), s.Operations["orchestrator"]+"/metrics", "text/plain")
		return strings.Contains(text, "\nfgd_redis_up 0\n") && strings.Contains(text, `fgd_ready{service="orchestrator"} 0`) &&
			strings.Contains(text, `fgd_component_up{component="redis"} 0`)
	})
	redis.Start()
	s.AwaitReady()
	s.Processes["github-sync"].Kill()
	s.Await("the health to name the service", func() bool { return look(t, s).of("github-sync").Status == "unhealthy" })
	health = look(t, s)
	if away := health.of("github-sync"); !strings.Contains(away.Reason, "github-sync at 127.") ||
		!strings.Contains(away.Remedy, "github_sync_address") || away.Details["key"] != "github_sync_address" ||
		health.of("store").Status != "unknown" || health.of("redis").Status != "healthy" {
		t.Errorf("without github-sync the health is %+v", health)
	}
	s.Restart("github-sync")
	s.AwaitReady()
	s.Await("all to be well", func() bool { return look(t, s).Status == "healthy" })
}
