package nearest_test

import (
	"testing"

	"fgdsync.dev/libs/nearest"
)

func TestTo(t *testing.T) {
	t.Parallel()
	names := []string{"sync_timeout", "stage_timeout", "push_limits", "data_dir"}
	for word, want := range map[string]string{
		"synk_timeout": "sync_timeout", "push_limit": "push_limits", "stage_tiemout": "stage_timeout",
		"data": "", "colour": "", "": "", "dataa_dir": "data_dir", "datadir": "data_dir",
	} {
		if got := nearest.To(word, names); got != want {
			t.Errorf("%q is taken for %q, not for %q", word, got, want)
		}
	}
}
