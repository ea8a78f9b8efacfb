package render

// Up is where running services are found, and what they keep.
type Up struct {
	Version, HTTP, GRPC, Data, Redis string
	TLS                              bool // of HTTP and gRPC
	Fabrics                          int
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
	if up.Fabrics == 0 {
		f.add("  next", "nothing is registered yet; try curl %s/api/v1/fabrics -d '{\"name\":\"fabric-1\","+
			"\"repository_url\":\"https://git.example.com/gitops.git\",\"branch\":\"main\","+
			"\"gitops_directory\":\"gitops/fabric-1\",\"credentials\":{\"token\":\"…\"}}'", base)
	} else {
		f.add("  fabrics", "%d: curl %s/api/v1/fabrics", up.Fabrics, base)
	}
	f.end()
}
