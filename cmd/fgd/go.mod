module fgdsync.dev/cmd/fgd

go 1.26.0

require (
	fgdsync.dev/libs v0.0.0
	fgdsync.dev/proto v0.0.0
)

require (
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.47.0 // indirect
)

replace (
	fgdsync.dev/libs => ../../libs
	fgdsync.dev/proto => ../../proto/gen/go
)
