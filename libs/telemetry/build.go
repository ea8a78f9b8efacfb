package telemetry

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
)

// buildInfo says which program it is: a series whose value is 1, to be joined with others.
func buildInfo(version string) prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "fgd_build_info", Help: "Version of the program, and of the Go that it was built with; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()},
	})
	info.Set(1)
	return info
}
