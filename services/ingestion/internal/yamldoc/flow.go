package yamldoc

// FlowEnd returns the offset behind a value that begins at an offset with a quote, a brace or a bracket; -1 when it
// begins otherwise, or never ends.
func FlowEnd(text []byte, at int) int {
	if at >= len(text) {
		return -1
	}
	switch text[at] {
	case '"', '\'':
		return quoteEnd(text, at)
	case '{', '[':
		return bracketEnd(text, at)
	}
	return -1
}

// quoteEnd returns the offset behind a quoted text, or -1.
func quoteEnd(text []byte, at int) int {
	quote := text[at]
	for i := at + 1; i < len(text); i++ {
		switch {
		case quote == '"' && text[i] == '\\':
			i++
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return -1
}

// bracketEnd returns the offset behind a flow collection, or -1. A quote begins a text where a value can begin, and a
// "#" behind a blank begins a comment.
func bracketEnd(text []byte, at int) int {
	depth := 0
	for i := at; i < len(text); i++ {
		switch c := text[i]; c {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"', '\'':
			if !beginsValue(text, i) {
				continue
			}
			end := quoteEnd(text, i)
			if end < 0 {
				return -1
			}
			i = end - 1
		case '#':
			if isSpace(text[i-1]) {
				for i+1 < len(text) && text[i+1] != '\n' {
					i++
				}
			}
		}
	}
	return -1
}

// beginsValue reports whether what stands at an offset is no part of a plain scalar.
func beginsValue(text []byte, at int) bool {
	if at == 0 {
		return true
	}
	switch c := text[at-1]; c {
	case '{', '[', ',', ':', '"', '\'':
		return true
	default:
		return isSpace(c)
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
