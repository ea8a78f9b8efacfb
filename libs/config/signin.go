package config

import (
	"strings"

	"fgdsync.dev/libs/nearest"
)

// gitPrefix starts the names of variables that sign in to Git hosts. Some have a name of their own; the others are
// referred to by the credentials of fabrics, and have one beside them that lists their hosts.
const (
	gitPrefix   = EnvPrefix + "GIT_"
	hostsSuffix = "_HOSTS"
)

// signIn has the variables that sign in to Git hosts.
type signIn map[string]bool

func signInVariables(environ []string) signIn {
	out := signIn{}
	for _, entry := range environ {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, gitPrefix) {
			out[name] = true
		}
	}
	return out
}

// meant returns the variable that was meant by one that nothing can read; "" when it can be read, or is like none. A
// reference without its hosts is read nowhere.
func (s signIn) meant(name string) string {
	own := []string{gitPrefix + "TOKEN", gitPrefix + "USERNAME", gitPrefix + "PASSWORD"}
	rest, isGit := strings.CutPrefix(name, gitPrefix)
	if of, lists := strings.CutSuffix(name, hostsSuffix); !isGit || s[name+hostsSuffix] || lists && s[of] {
		return ""
	}
	candidates := map[string]string{} // by what follows the prefix: only that can be like another
	for _, variable := range own {
		candidates[strings.TrimPrefix(variable, gitPrefix)] = variable
	}
	for other := range s {
		if other != name && !s[other+hostsSuffix] {
			candidates[strings.TrimPrefix(other, gitPrefix)+hostsSuffix] = other + hostsSuffix
		}
	}
	if candidates[rest] != "" { // it is what it should be
		return ""
	}
	return s.closest(rest, candidates)
}

func (s signIn) closest(rest string, candidates map[string]string) string {
	names := make([]string, 0, len(candidates))
	for name := range candidates {
		names = append(names, name)
	}
	return candidates[nearest.To(rest, names)]
}
