package helm

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// mutated is what a mutation may change: all objects, and of them the workload of github-sync.
type mutated struct {
	all *objects
	*workload
	pod  *corev1.PodSpec
	c    *corev1.Container
	safe *corev1.SecurityContext
}

// TestTheBoundsAreSeen: each of what is asked is missed when it is not there.
func TestTheBoundsAreSeen(t *testing.T) {
	t.Parallel()
	text := rendered(t, "values-ha.yaml")
	for want, change := range mutations() {
		o := parse(t, text)
		at := slices.IndexFunc(o.workloads, func(w workload) bool { return w.name == "fgd-sync-github-sync" })
		o.workloads = o.workloads[at : at+1]
		w := &o.workloads[0]
		c := &w.pod.Spec.Containers[0]
		change(mutated{all: &o, workload: w, pod: &w.pod.Spec, c: c, safe: c.SecurityContext})
		if found := problems(o); len(found) != 1 || !strings.Contains(found[0], want) {
			t.Errorf("%q is not what is seen: %q", want, found)
		}
	}
}

// mutations take one thing away each, by what has to be seen then.
func mutations() map[string]func(m mutated) {
	yes, no, root, one, short := true, false, int64(0), intstr.FromInt32(1), int64(20)
	return map[string]func(m mutated){
		"may run as root":                    func(m mutated) { m.pod.SecurityContext.RunAsNonRoot = &no },
		"somebody else than its image":       func(m mutated) { m.pod.SecurityContext.RunAsUser = &root },
		"can't write to its volumes":         func(m mutated) { m.pod.SecurityContext.FSGroup = nil },
		"every call of the system":           func(m mutated) { m.pod.SecurityContext.SeccompProfile = nil },
		"a token of the cluster":             func(m mutated) { m.pod.AutomountServiceAccountToken = nil },
		"variables of other services":        func(m mutated) { m.pod.EnableServiceLinks = nil },
		"shares what is the machine's":       func(m mutated) { m.pod.HostPID = true },
		"mounts a folder of the machine":     func(m mutated) { m.pod.Volumes[0].HostPath = &corev1.HostPathVolumeSource{} },
		"before it has ended its work":       func(m mutated) { m.pod.TerminationGracePeriodSeconds = &short },
		"has no limit of memory":             func(m mutated) { delete(m.c.Resources.Limits, "memory") },
		"has no limit of processors":         func(m mutated) { delete(m.c.Resources.Limits, "cpu") },
		"asks for no memory":                 func(m mutated) { delete(m.c.Resources.Requests, "memory") },
		"asks for no processor":              func(m mutated) { delete(m.c.Resources.Requests, "cpu") },
		"can change its image":               func(m mutated) { m.safe.ReadOnlyRootFilesystem = nil },
		"may become root":                    func(m mutated) { m.safe.AllowPrivilegeEscalation = &yes },
		"has rights of root":                 func(m mutated) { m.safe.Capabilities.Drop = nil },
		"any version of its image":           func(m mutated) { m.c.Image = "registry:5000/fgd-sync/github-sync" },
		"whether it has started":             func(m mutated) { m.c.StartupProbe = nil },
		"whether it is ready":                func(m mutated) { m.c.ReadinessProbe = nil },
		"whether it lives":                   func(m mutated) { m.c.LivenessProbe.HTTPGet.Path = "/readyz" },
		"CREDENTIALS_KEY_FILE names what is": func(m mutated) { m.c.VolumeMounts = m.mountsWithout("/keys") },
		"/data can be written, and is lost":  func(m mutated) { m.kept, m.c.Env = nil, nil },
		"may lose all of its replicas":       func(m mutated) { m.all.budgets = nil },
		"may lose all": func(m mutated) {
			for i := range m.all.budgets {
				m.all.budgets[i].Spec.MaxUnavailable, m.all.budgets[i].Spec.MinAvailable = nil, &one
			}
		},
		"in one place":                 func(m mutated) { m.pod.TopologySpreadConstraints = nil },
		"the port 9094 is named in no": func(m mutated) { m.closePort(9094) },
		"open to the whole cluster":    func(m mutated) { m.openByDefault() },
		"makes a Secret":               func(m mutated) { m.all.others = append(m.all.others, "Secret") },
	}
}

func (m mutated) mountsWithout(path string) []corev1.VolumeMount {
	return slices.DeleteFunc(m.c.VolumeMounts, func(v corev1.VolumeMount) bool { return v.MountPath == path })
}

// closePort takes a port out of all rules.
func (m mutated) closePort(port int32) {
	for _, policy := range m.all.policies {
		for i := range policy.Spec.Ingress {
			rule := &policy.Spec.Ingress[i]
			rule.Ports = slices.DeleteFunc(rule.Ports, func(p networkingv1.NetworkPolicyPort) bool {
				return p.Port.IntVal == port
			})
		}
	}
}

// openByDefault takes away the policy that has no rule of who may come.
func (m mutated) openByDefault() {
	m.all.policies = slices.DeleteFunc(m.all.policies, func(p networkingv1.NetworkPolicy) bool {
		return len(p.Spec.Ingress) == 0
	})
}
