package helm

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// drain is for how long a service hands back its work, ends its calls and sends its traces, in seconds (libs/app).
const drain = 15

// problems returns what the objects do not hold of what is asked of everything that runs in a cluster.
func problems(o objects) []string {
	var out []string
	for _, w := range o.workloads {
		for _, problem := range slices.Concat(podProblems(w.pod.Spec), keepingProblems(w), o.disruptionProblems(w),
			o.networkProblems(w)) {
			out = append(out, w.name+": "+problem)
		}
		for _, c := range w.pod.Spec.Containers {
			for _, problem := range slices.Concat(containerProblems(c), probeProblems(c)) {
				out = append(out, w.name+", container "+c.Name+": "+problem)
			}
		}
	}
	for _, kind := range o.others {
		if kind == "Secret" || strings.Contains(kind, "Role") {
			out = append(out, "the chart makes a "+kind)
		}
	}
	return out
}

func podProblems(pod corev1.PodSpec) []string {
	s := pod.SecurityContext
	grace := drain
	for _, c := range pod.Containers {
		if c.Lifecycle != nil && c.Lifecycle.PreStop != nil && c.Lifecycle.PreStop.Sleep != nil {
			grace = drain + int(c.Lifecycle.PreStop.Sleep.Seconds)
		}
	}
	return which(map[string]bool{
		"may run as root":                      s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot,
		"runs as somebody else than its image": s == nil || !is(s.RunAsUser, 65532) || !is(s.RunAsGroup, 65532),
		"can't write to its volumes":           s == nil || !is(s.FSGroup, 65532),
		"may make every call of the system":    s == nil || !isDefault(s.SeccompProfile),
		"has a token of the cluster":           pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken,
		"has variables of other services":      pod.EnableServiceLinks == nil || *pod.EnableServiceLinks,
		"shares what is the machine's":         pod.HostNetwork || pod.HostPID || pod.HostIPC,
		"is killed before it has ended its work": pod.TerminationGracePeriodSeconds == nil ||
			int(*pod.TerminationGracePeriodSeconds) <= grace,
		"mounts a folder of the machine": slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool {
			return v.HostPath != nil
		}),
	})
}

func containerProblems(c corev1.Container) []string {
	s := c.SecurityContext
	_, tag, tagged := strings.Cut(c.Image[strings.LastIndex(c.Image, "/")+1:], ":")
	none := func(list corev1.ResourceList, name corev1.ResourceName) bool { return list.Name(name, "").IsZero() }
	return which(map[string]bool{
		"has no limit of memory":     none(c.Resources.Limits, corev1.ResourceMemory),
		"has no limit of processors": none(c.Resources.Limits, corev1.ResourceCPU),
		"asks for no memory":         none(c.Resources.Requests, corev1.ResourceMemory),
		"asks for no processor":      none(c.Resources.Requests, corev1.ResourceCPU),
		"can change its image":       s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem,
		"may become root":            s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation,
		"has rights of root": s == nil || s.Privileged != nil && *s.Privileged || s.Capabilities == nil ||
			!slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(s.Capabilities.Add) > 0,
		"is any version of its image": !tagged || tag == "latest",
	})
}

func probeProblems(c corev1.Container) []string {
	path := func(p *corev1.Probe) string {
		if p == nil || p.HTTPGet == nil || p.HTTPGet.Port.StrVal != "http" {
			return ""
		}
		return p.HTTPGet.Path
	}
	ready := "/readyz"
	if c.Name == "bridge" { // which tells its callers what is the matter with others
		ready = "/healthz"
	}
	return which(map[string]bool{
		"is not asked whether it has started": path(c.StartupProbe) != "/healthz",
		"is not asked whether it is ready":    path(c.ReadinessProbe) != ready,
		"is not asked whether it lives":       path(c.LivenessProbe) != "/healthz",
	})
}

// keepingProblems are those of files: what is kept has to be on a volume, and what is secret can't be written.
func keepingProblems(w workload) []string {
	c := w.pod.Spec.Containers[0]
	writable := map[string]bool{}
	var out []string
	for _, mount := range c.VolumeMounts {
		claimed := slices.ContainsFunc(w.kept, func(v corev1.PersistentVolumeClaim) bool { return v.Name == mount.Name })
		writable[mount.MountPath] = claimed && !mount.ReadOnly
		if !claimed && !mount.ReadOnly {
			out = append(out, mount.MountPath+" can be written, and is lost with the pod")
		}
	}
	for _, v := range c.Env {
		if strings.HasPrefix(v.Value, "/data/") && !writable["/data"] {
			out = append(out, v.Name+" is lost with the pod")
		}
		if root, _, _ := strings.Cut(strings.TrimPrefix(v.Value, "/"), "/"); strings.HasPrefix(v.Value, "/") {
			if _, mounted := writable["/"+root]; !mounted {
				out = append(out, v.Name+" names what is not mounted")
			}
		}
	}
	return out
}

// disruptionProblems are those of what has replicas: a drained machine may take one of them and no more, and they are
// not all on one.
func (o objects) disruptionProblems(w workload) []string {
	if w.replicas < 2 {
		return nil
	}
	budget := false
	for _, b := range o.budgets {
		at := b.Spec.MaxUnavailable
		budget = budget || maps.Equal(b.Spec.Selector.MatchLabels, w.labels) && at != nil && at.IntValue() == 1
	}
	spread := slices.ContainsFunc(w.pod.Spec.TopologySpreadConstraints, func(c corev1.TopologySpreadConstraint) bool {
		return c.TopologyKey == "kubernetes.io/hostname" && maps.Equal(c.LabelSelector.MatchLabels, w.labels)
	})
	return which(map[string]bool{
		"may lose all of its replicas at once":      !budget,
		"may have all of its replicas in one place": !spread,
	})
}

// networkProblems are those of who reaches a pod: nobody but by a rule that names the port.
func (o objects) networkProblems(w workload) []string {
	denied := false
	named := map[int32]bool{}
	for _, policy := range o.policies {
		if !selects(policy.Spec.PodSelector.MatchLabels, w.pod.Labels) {
			continue
		}
		denied = denied || len(policy.Spec.Ingress) == 0 && slices.Equal(policy.Spec.PolicyTypes,
			[]networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress})
		for _, rule := range policy.Spec.Ingress {
			for _, port := range rule.Ports {
				named[port.Port.IntVal] = true
			}
		}
	}
	out := which(map[string]bool{"is open to the whole cluster": !denied})
	for _, port := range w.pod.Spec.Containers[0].Ports {
		if !named[port.ContainerPort] {
			out = append(out, fmt.Sprintf("the port %d is named in no network policy", port.ContainerPort))
		}
	}
	return out
}

// selects reports whether labels have all of others.
func selects(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}

func isDefault(p *corev1.SeccompProfile) bool {
	return p != nil && p.Type == corev1.SeccompProfileTypeRuntimeDefault
}

func is(number *int64, want int64) bool { return number != nil && *number == want }

// which returns what holds, in order.
func which(problems map[string]bool) []string {
	maps.DeleteFunc(problems, func(_ string, holds bool) bool { return !holds })
	return slices.Sorted(maps.Keys(problems))
}

// TestWhatRunsIsBounded: in what it takes, what it may do, and who reaches it.
func TestWhatRunsIsBounded(t *testing.T) {
	t.Parallel()
	for name, file := range examples() {
		o := parse(t, rendered(t, file))
		if len(o.workloads) != 5 || len(o.services) != 5 || len(o.configMaps) != 1 {
			t.Fatalf("%s has %d workloads, %d services, %d configurations", name, len(o.workloads), len(o.services),
				len(o.configMaps))
		}
		for _, problem := range problems(o) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}
