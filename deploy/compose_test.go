package deploy

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"
)

const password = "a-password-of-the-test"

// own are the services of the system; what else there is, others make.
func own() []string {
	return []string{"bridge", "directory", "github-sync", "ingestion", "orchestrator"}
}

func load(env ...string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{"compose/compose.yaml"}, cli.WithEnv(env))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}

func project(t *testing.T) *types.Project {
	t.Helper()
	p, err := load("FGD_REDIS_PASSWORD=" + password)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestEveryContainerIsBounded: in what it takes, what it may do, what it writes to its log, and who reaches it.
func TestEveryContainerIsBounded(t *testing.T) {
	t.Parallel()
	p := project(t)
	if got := slices.Sorted(maps.Keys(p.Services)); !slices.Equal(got, slices.Sorted(slices.Values(append(own(), "redis",
		"jaeger", "prometheus", "alertmanager", "certs")))) {
		t.Fatalf("the services are %q", got)
	}
	for name, s := range p.Services {
		tag := regexp.MustCompile(`:[\w.-]+$`)
		switch {
		case s.Deploy == nil || s.Deploy.Resources.Limits == nil || s.Deploy.Resources.Limits.MemoryBytes == 0 ||
			s.Deploy.Resources.Limits.NanoCPUs == 0 || s.Deploy.Resources.Limits.Pids == 0:
			t.Errorf("%s may take all of the machine", name)
		case s.StopGracePeriod == nil:
			t.Errorf("%s is not given the time to end", name)
		case s.Logging == nil || s.Logging.Options["max-size"] == "" || s.Logging.Options["max-file"] == "":
			t.Errorf("the log of %s grows without bound", name)
		case !tag.MatchString(s.Image) || strings.HasSuffix(s.Image, ":latest"):
			t.Errorf("%s is any version of %s", name, s.Image)
		case (s.Restart == "unless-stopped") == (name == "certs"):
			t.Errorf("%s is restarted %q", name, s.Restart)
		case !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true"):
			t.Errorf("%s has the rights of root", name)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes %s on %q", name, port.Published, port.HostIP)
			}
		}
	}
}

// TestTheServicesRunAsTheirImageIs: by number, on a file system that they can't change, asked whether they are ready by
// themselves. An image from scratch has nothing else that could.
func TestTheServicesRunAsTheirImageIs(t *testing.T) {
	t.Parallel()
	p := project(t)
	for _, name := range own() {
		s := p.Services[name]
		if s.User != "65532:65532" || !s.ReadOnly || s.HealthCheck == nil ||
			!slices.Equal(s.HealthCheck.Test, []string{"CMD", "/service", "-ready"}) || *s.Build.Args["SERVICE"] != name {
			t.Errorf("%s: user %q, read-only %v, health check %v, built as %v", name, s.User, s.ReadOnly, s.HealthCheck,
				s.Build.Args)
		}
	}
	dockerfile := text(t, "compose/Dockerfile")
	_, image, _ := strings.Cut(dockerfile, "\nFROM scratch\n")
	for _, line := range []string{"USER 65532:65532\n", `CMD ["/service", "-ready"]`, `ENTRYPOINT ["/service"]`} {
		if !strings.Contains(image, line) {
			t.Errorf("the image has no %q", line)
		}
	}
	if !strings.Contains(dockerfile, "CGO_ENABLED=0 go build") || strings.Contains(image, "\nRUN ") {
		t.Error("the program of the image needs more than is in it")
	}
}

// TestEachServiceHasItsOwnKey and no other, and the key of the authority is with none. All begin when they are there.
func TestEachServiceHasItsOwnKey(t *testing.T) {
	t.Parallel()
	p := project(t)
	made := map[string]string{}
	for _, volume := range p.Services["certs"].Volumes {
		made[volume.Source] = volume.Target
	}
	for _, name := range own() {
		s := p.Services[name]
		for _, volume := range s.Volumes {
			switch where, is := made[volume.Source]; {
			case is && (volume.Source != name+"-tls" || where != "/certs/"+name || volume.Target != "/tls" || !volume.ReadOnly):
				t.Errorf("%s has %s at %s", name, volume.Source, volume.Target)
			case is:
				delete(made, volume.Source)
			}
		}
		for key, file := range map[string]string{"CA": "ca.crt", "CERTIFICATE": "tls.crt", "KEY": "tls.key"} {
			if got := s.Environment["HEDGEHOG_FGD_SERVICE_"+key+"_FILE"]; got == nil || *got != "/tls/"+file {
				t.Errorf("%s has no %s", name, file)
			}
		}
		if s.DependsOn["certs"].Condition != types.ServiceConditionCompletedSuccessfully {
			t.Errorf("%s does not wait for its certificate", name)
		}
		if open := s.Environment["HEDGEHOG_FGD_ALLOW_UNAUTHENTICATED"]; open != nil {
			t.Errorf("%s is open to everybody: %s", name, *open)
		}
	}
	if len(made) != 1 || made["certs"] != "/certs" {
		t.Errorf("nobody mounts %v", made)
	}
}

// TestEveryVariableIsRead: what the compose file sets is a key of the configuration.
func TestEveryVariableIsRead(t *testing.T) {
	t.Parallel()
	var keys map[string]any
	if err := yaml.Unmarshal([]byte(text(t, "../libs/config/fgd.yaml")), &keys); err != nil {
		t.Fatal(err)
	}
	p := project(t)
	for _, name := range own() {
		for variable := range p.Services[name].Environment {
			key, ours := strings.CutPrefix(variable, "HEDGEHOG_FGD_")
			if _, known := keys[strings.ToLower(key)]; ours && !known {
				t.Errorf("%s has %s, which nothing reads", name, variable)
			}
		}
	}
}

// TestCallersShowTokens: the bridge, which others reach, asks for them, keeps what it needs for that in its volume, and
// the page for operators says how to take out the first one.
func TestCallersShowTokens(t *testing.T) {
	t.Parallel()
	p := project(t)
	bridge := p.Services["bridge"]
	if open := bridge.Environment["HEDGEHOG_FGD_ALLOW_UNAUTHENTICATED"]; open != nil {
		t.Errorf("the bridge is open to everybody: %s", *open)
	}
	if len(bridge.Volumes) == 0 || bridge.Volumes[0].Type != types.VolumeTypeVolume || bridge.Volumes[0].ReadOnly {
		t.Fatalf("the bridge keeps what it has in %v", bridge.Volumes)
	}
	for _, key := range []string{
		"HEDGEHOG_FGD_TOKEN_PEPPER_FILE", "HEDGEHOG_FGD_BOOTSTRAP_TOKEN_FILE", "HEDGEHOG_FGD_WEBHOOK_KEY_FILE",
		"HEDGEHOG_FGD_AUDIT_FILE", "HEDGEHOG_FGD_AUDIT_KEY_FILE",
	} {
		file := bridge.Environment[key]
		if file == nil || !strings.HasPrefix(*file, bridge.Volumes[0].Target+"/") {
			t.Errorf("%s is not in the volume", key)
			continue
		}
		command := "docker compose -f deploy/compose/compose.yaml cp bridge:" + *file + " bootstrap.token\n"
		for _, page := range []string{"compose/compose.yaml", "../docs/operations.md"} {
			if strings.Contains(key, "BOOTSTRAP") && !strings.Contains(text(t, page), command) {
				t.Errorf("%s does not say: %s", page, command)
			}
		}
	}
}

// TestRedisAsksForThePassword: the same that the services have, and none that a file of the project knows.
func TestRedisAsksForThePassword(t *testing.T) {
	t.Parallel()
	if _, err := load("FGD_REDIS_PASSWORD="); err == nil || !strings.Contains(err.Error(), "FGD_REDIS_PASSWORD") {
		t.Errorf("without a password: %v", err)
	}
	p := project(t)
	redis := p.Services["redis"]
	if *redis.Environment["REDISCLI_AUTH"] != password ||
		!strings.Contains(fmt.Sprint(redis.Command), `echo "requirepass $REDISCLI_AUTH" | exec redis-server -`) {
		t.Errorf("Redis is run as %q", redis.Command)
	}
	for _, name := range own() {
		address, err := url.Parse(*p.Services[name].Environment["HEDGEHOG_FGD_REDIS_URL"])
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := address.User.Password(); got != password || address.Host != "redis:6379" {
			t.Errorf("%s looks for Redis at %s", name, address.Redacted())
		}
	}
}

// TestPrometheusTellsAlertmanager, where the compose file runs it.
func TestPrometheusTellsAlertmanager(t *testing.T) {
	t.Parallel()
	var config struct {
		Alerting struct {
			Alertmanagers []struct {
				StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
			}
		}
	}
	if err := yaml.Unmarshal([]byte(text(t, "prometheus/prometheus.yml")), &config); err != nil {
		t.Fatal(err)
	}
	address := config.Alerting.Alertmanagers[0].StaticConfigs[0].Targets[0]
	name, port, _ := strings.Cut(address, ":")
	ports := project(t).Services[name].Ports
	if len(ports) != 1 || fmt.Sprint(ports[0].Target) != port {
		t.Errorf("Prometheus tells %s, and the service %s has the ports %v", address, name, ports)
	}
}

// TestPrometheusScrapesEveryService where it listens, and by a name for which it is answered.
func TestPrometheusScrapesEveryService(t *testing.T) {
	t.Parallel()
	var config struct {
		ScrapeConfigs []struct {
			StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal([]byte(text(t, "prometheus/prometheus.yml")), &config); err != nil {
		t.Fatal(err)
	}
	var want []string
	p := project(t)
	for _, name := range own() {
		environment := p.Services[name].Environment
		want = append(want, name+strings.TrimPrefix(*environment["HEDGEHOG_FGD_HTTP_LISTEN"], "0.0.0.0"))
		if !slices.Contains(strings.Split(*environment["HEDGEHOG_FGD_PUBLIC_HOSTS"], ","), name) {
			t.Errorf("%s refuses requests for %s", name, name)
		}
	}
	got := config.ScrapeConfigs[0].StaticConfigs[0].Targets
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("Prometheus scrapes %q, and the services are at %q", got, want)
	}
}
