module fgdsync.dev/test

go 1.26.0

require (
	fgdsync.dev/libs v0.0.0
	fgdsync.dev/proto v0.0.0
)

replace (
	fgdsync.dev/libs => ../libs
	fgdsync.dev/proto => ../proto/gen/go
)
