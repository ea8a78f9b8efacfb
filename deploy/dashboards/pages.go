package dashboards

// What values are, as Grafana calls it.
const (
	seconds, share, count, perSecond, bytes = "s", "percentunit", "short", "ops", "bytes"
)

// own keeps of what all processes show that of the programs of FGD Sync.
const own = " and on (instance) fgd_build_info"

// number returns a panel that shows one number, red from a value on; 0 for none.
func number(title, unit string, bad float64, expr string) Panel {
	return Panel{Title: title, Unit: unit, Number: true, Bad: bad, Queries: []Query{{Expr: expr}}}
}

// graph returns a panel that shows a query over time.
func graph(title, unit, legend, expr string) Panel {
	return Panel{Title: title, Unit: unit, Queries: []Query{{Expr: expr, Legend: legend}}}
}

// times returns a panel that shows how long something takes.
func times(title, histogram string) Panel {
	return Panel{Title: title, Unit: seconds, Queries: quantiles(histogram)}
}

// rate and increase return those of a counter, by labels.
func rate(labels, counter string) string { return over("rate", labels, counter) }

func increase(labels, counter string) string { return over("increase", labels, counter) }

func over(function, labels, counter string) string {
	return "sum by (" + labels + ") (" + function + "(" + counter + "[$__rate_interval]))"
}

func overview() Dashboard {
	return Dashboard{"fgd-overview", "overview", "Is it well, and if not, where to look.", []Row{
		{"Now", []Panel{
			number("Services not ready", count, 1, "sum(1 - fgd_ready)"),
			number("Parts that are not healthy", count, 1, "sum(1 - fgd_component_up)"),
			number("Syncs at work", count, 0, "sum(fgd_active_syncs)"),
			number("Syncs that wait", count, 10, "max(fgd_queue_depth)"),
			number("Fabrics overdue", count, 1, "max(fgd_fabrics_overdue)"),
			number("Dead letters", count, 1, "max(fgd_dead_letters)"),
		}},
		{"Fabrics and syncs", []Panel{
			graph("Fabrics by state", count, "{{state}}", "max by (state) (fgd_fabrics)"),
			graph("Syncs that ended", perSecond, "{{status}}", rate("status", "fgd_sync_total")),
			times("How long a sync takes", "fgd_sync_duration_seconds"),
			graph("Failures by code, as in docs/errors.md", count, "{{code}}", increase("code", "fgd_sync_failures_total")),
		}},
		{"Programs", []Panel{
			graph("Memory", bytes, "{{instance}}", "process_resident_memory_bytes"+own),
			graph("Processors", count, "{{instance}}", rate("instance", "process_cpu_seconds_total")+own),
			graph("Versions", count, "{{version}}", "count by (version) (fgd_build_info)"),
		}},
	}}
}

func syncs() Dashboard {
	return Dashboard{"fgd-syncs", "syncs", "What syncs do, and how long it takes.", []Row{
		{"Time", []Panel{
			times("From accepted to ended", "fgd_sync_duration_seconds"),
			graph("Stages, 95 %", seconds, "{{stage}}", "histogram_quantile(0.95, "+
				rate("le, stage", "fgd_sync_stage_duration_seconds_bucket")+")"),
			times("Wait for the lock of a fabric", "fgd_lock_wait_seconds"),
			times("Judging a file", "fgd_file_processing_duration_seconds"),
		}},
		{"What they did", []Panel{
			graph("Why they were started", perSecond, "{{trigger}}", rate("trigger", "fgd_sync_total")),
			graph("Files", perSecond, "{{status}}", rate("status", "fgd_files_processed_total")),
			graph("Found in directories", count, "{{code}}", increase("code", "fgd_directory_issues_total")),
		}},
	}}
}

func gitHosts() Dashboard {
	return Dashboard{"fgd-git-hosts", "Git hosts", "What is asked of Git hosts, and how they answer.", []Row{
		{"Requests", []Panel{
			graph("By operation", perSecond, "{{operation}}", rate("operation", "fgd_github_requests_total")),
			graph("By answer", perSecond, "{{code}}", rate("code", "fgd_github_requests_total")),
			graph("Requests that wait for their turn", count, "requests", "sum(fgd_git_requests_waiting)"),
			graph("Pushes that wait", count, "pushes", "sum(fgd_pushes_waiting)"),
		}},
		{"Bounds", []Panel{
			graph("Breakers: 0 lets through", count, "{{target}}", "max by (target) (fgd_circuit_state)"),
			graph("Requests left, as GitHub says", count, "left", "min(fgd_github_rate_limit_remaining)"),
			{Title: "Commits a push", Unit: count, Queries: quantiles("fgd_push_commits")},
			graph("Fetched repositories", bytes, "on disk", "sum(fgd_store_bytes)"),
		}},
	}}
}

func queue() Dashboard {
	return Dashboard{"fgd-queue", "Redis and the queue", "What waits, what Redis takes, and who calls.", []Row{
		{"Queue", []Panel{
			graph("Syncs that wait", count, "syncs", "max(fgd_queue_depth)"),
			graph("Oldest work", seconds, "{{group}}", "max by (group) (fgd_event_oldest_seconds)"),
			graph("Not delivered yet", count, "{{group}}", "max by (group) (fgd_event_lag)"),
			graph("Delivered, and not done", count, "{{group}}", "max by (group) (fgd_event_pending)"),
		}},
		{"Redis", []Panel{
			graph("Reached", count, "{{instance}}", "min by (instance) (fgd_redis_up)"),
			graph("Commands", perSecond, "{{command}}", rate("command", "fgd_redis_seconds_count")),
			times("How long a command takes", "fgd_redis_seconds"),
		}},
		{"Callers", []Panel{
			graph("Requests", perSecond, "{{surface}}", rate("surface", "fgd_http_requests_total")),
			times("How long they take", "fgd_http_request_duration_seconds"),
			graph("Calls by status", perSecond, "{{code}}", rate("code", "fgd_grpc_requests_total")),
			graph("Refused for their number", count, "{{limit}}", increase("limit", "fgd_caller_limited_total")),
		}},
	}}
}

func netbox() Dashboard {
	return Dashboard{"fgd-netbox", "NetBox", "Records that go to NetBox, and edits that come from it.", []Row{
		{"To NetBox", []Panel{
			graph("Records by state", count, "{{state}}", "sum by (state) (fgd_netbox_receipts)"),
			graph("Oldest record that is not as Git says", seconds, "age", "max(fgd_netbox_unproven_oldest_seconds)"),
			graph("Written", perSecond, "{{outcome}}", rate("outcome", "fgd_netbox_records_total")),
			graph("Fabrics of which nothing can be delivered", count, "fabrics", "sum(fgd_netbox_deliveries_stuck)"),
		}},
		{"From NetBox", []Panel{
			graph("Told of", perSecond, "{{source}}: {{outcome}}", rate("source, outcome", "fgd_netbox_changes_total")),
			graph("Edits", count, "{{outcome}}", increase("outcome", "fgd_netbox_edits_total")),
			graph("Comparisons of everything", count, "{{cause}}", increase("cause", "fgd_netbox_compares_asked_total")),
			graph("Feed held back by an open transaction", seconds, "for", "max(fgd_netbox_feed_blocked_seconds)"),
		}},
	}}
}

func objective() Dashboard {
	failed := func(window string) string {
		return "sum(increase(fgd_sync_faults_total[" + window + "])) / " +
			`(sum(increase(fgd_sync_total{status=~"failed|completed"}[` + window + `])) > 0 or vector(1))`
	}
	burn := func(window, legend string) Query {
		return Query{Expr: "(" + failed(window) + ") / 0.001", Legend: legend}
	}
	of := func(series string) string {
		return `sum(increase(fgd_http_request_duration_seconds_` + series + `[1h]))`
	}
	return Dashboard{"fgd-objective", "objective", "Of a thousand syncs, one may fail by a fault of ours.", []Row{
		{"The objective", []Panel{
			number("Failed, 1 h", share, 0.001, failed("1h")),
			number("Failed, 24 h", share, 0.001, failed("1d")),
			number("Failed, 30 days", share, 0.001, failed("30d")),
			number("Answers within a second, 1 h", share, 0,
				of(`bucket{surface="api",le=~"1|1.0"}`)+" / ("+of(`count{surface="api"}`)+" > 0 or vector(1))"),
		}},
		{"How fast the budget burns", []Panel{
			{
				Title: "Burn rate", Help: "1 uses up in 30 days what may fail in 30 days.", Unit: count,
				Queries: []Query{burn("1h", "1 h"), burn("6h", "6 h"), burn("1d", "24 h")},
			},
		}},
	}}
}
