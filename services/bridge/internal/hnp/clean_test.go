package hnp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// FuzzCleanJSON: whatever is answered, the token is not in it, however it was escaped; what has none stays as it means.
func FuzzCleanJSON(f *testing.F) {
	const half = "q9Zk3xW7"
	for _, seed := range []string{
		`{"detail":"nbt_key.` + half + `"}`, `{"nbt\u005fkey.q9Zk3x\u00577":[["` + half + `"],1e400,null]}`, `"\ud800` + half + `"`,
		half, `{"a":"<&>","b":12345678901234567890}`, `{"a":1}{"b":"` + half + `"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := client(t, "http://netbox", "nbt_key."+half, http.DefaultTransport)
		clean := c.CleanJSON(raw)
		var before, after any
		if json.Unmarshal(raw, &before) != nil {
			return
		}
		if err := json.Unmarshal(clean, &after); err != nil {
			t.Fatal(err)
		}
		was, is := fmt.Sprint(before), fmt.Sprint(after)
		if strings.Contains(is, half) || !strings.Contains(was, half) && is != was {
			t.Errorf("%s became %s", was, is)
		}
	})
}
