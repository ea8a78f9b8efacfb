package chain

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Head is a line of a log by its number and its hash, which stands for all lines before it too.
type Head struct {
	Log  string // which log, 16 hex digits
	Seq  int64
	Hash string
}

// String returns the head as commits and calls have it: SEQ:HASH LOG; empty for none.
func (h Head) String() string {
	if h.Seq == 0 {
		return ""
	}
	return fmt.Sprintf("%d:%s %s", h.Seq, h.Hash, h.Log)
}

var headForm = regexp.MustCompile(`^([1-9][0-9]{0,17}):([0-9a-f]{64}) ([0-9a-f]{16})$`)

// ParseHead reads a head as String writes it, and nothing else.
func ParseHead(text string) (Head, bool) {
	found := headForm.FindStringSubmatch(text)
	if found == nil {
		return Head{}, false
	}
	seq, err := strconv.ParseInt(found[1], 10, 64)
	return Head{Log: found[3], Seq: seq, Hash: found[2]}, err == nil
}

const (
	// MaxHeads is how many heads a commit names at most.
	MaxHeads = 16
	// maxMessageBytes is how much of the end of a commit's message is looked at.
	maxMessageBytes = 16 << 10
)

// HeadsIn returns the heads that a commit's message names in a trailer: in its last paragraph, one a line. Anybody may
// have written it.
func HeadsIn(message, trailer string) []Head {
	message = strings.TrimRight(message, "\n")
	message = message[max(0, len(message)-maxMessageBytes):]
	if i := strings.LastIndex(message, "\n\n"); i >= 0 {
		message = message[i+2:]
	}
	var heads []Head
	for line := range strings.SplitSeq(message, "\n") {
		value, found := strings.CutPrefix(line, trailer+": ")
		if !found || len(heads) == MaxHeads {
			continue
		}
		if head, ok := ParseHead(strings.TrimRight(value, "\r ")); ok {
			heads = append(heads, head)
		}
	}
	return heads
}
