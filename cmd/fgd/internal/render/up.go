package render

import (
	"fmt"

	"fgdsync.dev/libs/secret"
)

// Up is where running services are found, and what they keep.
type Up struct {
	Version, HTTP, GRPC, Data, Redis string
	TLS                              bool // of HTTP and gRPC
	Fabrics                          int
	Token                            secret.String // the first one, when it has just been made
	TokenFile                        string        // where the first one is kept; empty when it is not there
}

// Serving prints where a person finds the services that have begun to serve, and what to do next.
func Serving(s *Screen, up Up) {
	s.line(s.good, "✔ ", "fgd "+up.Version+" serves; Ctrl-C ends it.")
	base := "http://" + up.HTTP
	if up.TLS {
		base = "https://" + up.HTTP
	}
	f := s.facts()
	f.styled(s.place, "  open", "%s/docs", base)
	f.add("  API", "%s/api/v1", base)
	f.add("  gRPC", "%s", up.GRPC)
	f.add("  data", "%s (Redis: %s)", up.Data, up.Redis)
	shown := ""
	if up.TokenFile != "" {
		shown = fmt.Sprintf("-H \"Authorization: Bearer $(cat %s)\" ", up.TokenFile)
	}
	switch {
	case !up.Token.IsZero():
		f.styled(s.strong, "  token", "%s (it may do everything; shown this once, and kept in %s)", up.Token.Reveal(),
			up.TokenFile)
	case up.TokenFile != "":
		f.add("  token", "the first one is in %s", up.TokenFile)
	}
	if up.Fabrics == 0 {
		f.add("  next", "nothing is registered yet; try curl %s%s/api/v1/fabrics -d '{\"name\":\"fabric-1\","+
			"\"repository_url\":\"https://git.example.com/gitops.git\",\"branch\":\"main\","+
			"\"gitops_directory\":\"gitops/fabric-1\",\"credentials\":{\"token\":\"…\"}}'", shown, base)
	} else {
		f.add("  fabrics", "%d: curl %s%s/api/v1/fabrics", up.Fabrics, shown, base)
	}
	f.end()
}
