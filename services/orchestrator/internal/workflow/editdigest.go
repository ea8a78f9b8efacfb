package workflow

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	editv1 "fgdsync.dev/proto/fgd/edit/v1"
)

// digestBytes is how much of a digest is in the name of a branch: enough that no two edits of a fabric share one.
const digestBytes = 10

// digestOf returns the same text for the same edits, whoever asks for them and whichever file they are meant for: who
// asks again for what is proposed already has seen another file, or has none in mind.
func digestOf(set *editv1.EditSet) string {
	hash := sha256.New()
	for _, edit := range set.GetEdits() {
		key, put := edit.GetResource(), edit.GetPut()
		fmt.Fprintf(hash, "%T %q %q %q", edit.GetChange(), key.GetKind(), key.GetNamespace(), key.GetName())
		for _, part := range [][]byte{put.GetSpec(), put.GetLabels(), put.GetAnnotations(), edit.GetMergePatch()} {
			fmt.Fprintf(hash, " %q", sorted(part))
		}
	}
	if mend := set.GetMend(); mend != nil {
		fmt.Fprintf(hash, "mend %q %q", mend.GetPath(), mend.GetContent())
	}
	return hex.EncodeToString(hash.Sum(nil)[:digestBytes])
}

// sorted writes JSON without spaces, and its keys in their order. What is none stays as it is.
func sorted(raw []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return raw
	}
	out, err := json.Marshal(value)
	if err != nil {
		return raw
	}
	return out
}
