package redistest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/redisconn"
)

// Every runs a test on every way to run Redis that a URL can name: those of Each, a Cluster of three masters and a
// master behind a Sentinel.
func Every(t *testing.T, test func(t *testing.T, conn *redisconn.Conn)) {
	t.Helper()
	Each(t, test)
	t.Run("cluster", func(t *testing.T) { test(t, Open(t, Cluster(t))) })
	t.Run("sentinel", func(t *testing.T) { test(t, Open(t, Sentinel(t))) })
}

const (
	masters    = 3
	slots      = 16384
	busOffset  = 10_000 // from a node's port to the one that nodes talk to each other on
	masterName = "fgd"
	lineUp     = time.Minute
	look       = 10 * time.Millisecond
)

// Cluster runs three masters for the time of a test, and gives their URL.
func Cluster(t testing.TB) string {
	t.Helper()
	var addresses []string
	for i := range masters {
		address := freeAddress(t, "127.0.0.1") // a node takes the others for being where they connect from
		serve(t, address, "cluster-enabled yes\ncluster-node-timeout 2000\nappendonly yes\n")
		client := redis.NewClient(&redis.Options{Addr: address})
		must(t, client.ClusterAddSlotsRange(t.Context(), i*slots/masters, (i+1)*slots/masters-1).Err())
		if i > 0 {
			host, port, _ := net.SplitHostPort(addresses[0])
			must(t, client.ClusterMeet(t.Context(), host, port).Err())
		}
		must(t, client.Close())
		addresses = append(addresses, address)
	}
	for _, address := range addresses {
		client := redis.NewClient(&redis.Options{Addr: address})
		until(t, "the cluster to line up", func() bool {
			info, err := client.ClusterInfo(t.Context()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") &&
				strings.Contains(info, fmt.Sprintf("cluster_size:%d", masters))
		})
		must(t, client.Close())
	}
	return fmt.Sprintf("redis://%s?addr=%s&addr=%s", addresses[0], addresses[1], addresses[2])
}

// Sentinel runs a master and the Sentinel that knows it, and gives their URL.
func Sentinel(t testing.TB) string {
	t.Helper()
	master, sentinel := freeAddress(t, ownHost()), freeAddress(t, ownHost())
	serve(t, master, "appendonly yes\n")
	host, port, _ := net.SplitHostPort(master)
	serve(t, sentinel, fmt.Sprintf("sentinel monitor %s %s %s 1\nsentinel down-after-milliseconds %s 1000\n", masterName,
		host, port, masterName), "--sentinel")
	client := redis.NewSentinelClient(&redis.Options{Addr: sentinel})
	until(t, "the sentinel to know its master", func() bool {
		found, err := client.GetMasterAddrByName(t.Context(), masterName).Result()
		return err == nil && len(found) == 2
	})
	must(t, client.Close())
	return fmt.Sprintf("redis://%s?master_name=%s", sentinel, masterName)
}

// serve runs one redis-server until the end of the test. A Sentinel wants to write into its configuration, so it is a
// file.
func serve(t testing.TB, address, settings string, args ...string) {
	t.Helper()
	folder := t.TempDir()
	host, port, err := net.SplitHostPort(address)
	must(t, err)
	file := filepath.Join(folder, "redis.conf")
	must(t, os.WriteFile(file, []byte(fmt.Sprintf("bind %s\nport %s\ndir %s\nlogfile redis.log\nprotected-mode no\n%s",
		host, port, folder, settings)), 0o600))
	command := exec.Command("redis-server", append([]string{file}, args...)...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	client := redis.NewClient(&redis.Options{Addr: address, MaxRetries: -1})
	until(t, "redis-server to answer", func() bool { return client.Ping(t.Context()).Err() == nil })
	must(t, client.Close())
}

// ownHost is a loopback address of which nobody else takes ports, neither to listen nor to connect from (RFC 1122: all
// of 127/8 is this host).
func ownHost() string {
	return fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
}

// freeAddress is a port of a host that nobody has, and the one that belongs to it in a Cluster.
func freeAddress(t testing.TB, host string) string {
	t.Helper()
	for {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		must(t, err)
		port := listener.Addr().(*net.TCPAddr).Port
		bus, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port+busOffset)))
		must(t, listener.Close())
		if err == nil {
			must(t, bus.Close())
			return net.JoinHostPort(host, strconv.Itoa(port))
		}
	}
}

func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), lineUp)
	defer cancel()
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited for %s", what)
		case <-ticker.C:
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(errors.Join(errors.New("set Redis up"), err))
	}
}
