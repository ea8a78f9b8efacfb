module fgdsync.dev/deploy/helm

go 1.26.7
