module fgdsync.dev/services/github-sync

go 1.26.0

require (
	fgdsync.dev/libs v0.0.0
	fgdsync.dev/proto v0.0.0
)

require github.com/aymanbagabas/go-udiff v0.4.1 // indirect

replace (
	fgdsync.dev/libs => ../../libs
	fgdsync.dev/proto => ../../proto/gen/go
)
