package fabric

import "testing"

func TestPodSize(t *testing.T) {
	if n := len(pod(1)); n != podSize {
		t.Errorf("a pod has %d documents, not %d", n, podSize)
	}
}
