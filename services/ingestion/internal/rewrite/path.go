package rewrite

import (
	"strconv"
	"strings"
)

// String returns a path as people write it: names behind points, numbers of items in brackets, from 0, and names with
// other characters than those of fields in brackets and quotes.
func (p *place) String() string {
	if p == nil || p.up == nil {
		return ""
	}
	before := p.up.String()
	switch {
	case p.name == "*" && p.node != nil:
		return before + "[" + strconv.Itoa(p.item) + "]"
	case strings.ContainsAny(p.name, " .[]\"'") || p.name == "":
		return before + "[" + strconv.Quote(p.name) + "]"
	case before == "":
		return p.name
	}
	return before + "." + p.name
}
