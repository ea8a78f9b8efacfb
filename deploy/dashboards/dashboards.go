// Package dashboards draws what Grafana shows of FGD Sync: what to look at is a table here, and the files in
// deploy/grafana are made of it.
package dashboards

import (
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// Dashboard is one page of panels, in rows.
type Dashboard struct {
	UID, Title, Description string
	Rows                    []Row
}

// Row is panels that belong together.
type Row struct {
	Title  string
	Panels []Panel
}

// Panel shows what queries say: as one number, or else over time.
type Panel struct {
	Title, Help, Unit string
	Number            bool
	// Bad is from where on a number is red; 0 means that none is.
	Bad     float64
	Queries []Query
}

// Query is PromQL, and what its series are called.
type Query struct {
	Expr, Legend string
	// Exemplars has dots that lead to traces.
	Exemplars bool
}

const (
	widthOfNumber, heightOfNumber = 4, 4
	widthOfGraph, heightOfGraph   = 12, 8
)

// All are the dashboards.
func All() []Dashboard {
	return []Dashboard{overview(), syncs(), gitHosts(), queue(), netbox(), objective()}
}

// JSON returns the dashboard as Grafana reads it.
func (d Dashboard) JSON() ([]byte, error) {
	b := dashboard.NewDashboardBuilder("FGD Sync: "+d.Title).Uid(d.UID).Description(d.Description).
		Tags([]string{"fgd-sync"}).Readonly().Tooltip(dashboard.DashboardCursorSyncCrosshair).Time("now-3h", "now").
		Refresh("30s").Timezone("browser").
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Prometheus").Type("prometheus")).
		Link(dashboard.NewDashboardLinkBuilder("FGD Sync").Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{"fgd-sync"}).AsDropdown(true).KeepTime(true))
	for _, row := range d.Rows {
		b.WithRow(dashboard.NewRowBuilder(row.Title))
		for _, p := range row.Panels {
			b.WithPanel(p.builder())
		}
	}
	built, err := b.Build()
	if err != nil {
		return nil, fmt.Errorf("build the dashboard %s: %w", d.UID, err)
	}
	content, err := json.MarshalIndent(built, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the dashboard %s: %w", d.UID, err)
	}
	return append(content, '\n'), nil
}

func source() common.DataSourceRef {
	kind, name := "prometheus", "${datasource}"
	return common.DataSourceRef{Type: &kind, Uid: &name}
}

func (p Panel) builder() cog.Builder[dashboard.Panel] {
	if p.Number {
		return p.number()
	}
	b := timeseries.NewPanelBuilder().Title(p.Title).Description(p.Help).Unit(p.Unit).Min(0).Datasource(source()).
		Span(widthOfGraph).Height(heightOfGraph).LineWidth(1).FillOpacity(10).
		Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).
			Placement(common.LegendPlacementBottom).ShowLegend(true))
	for i, q := range p.Queries {
		b.WithTarget(q.builder(i))
	}
	return b
}

func (p Panel) number() cog.Builder[dashboard.Panel] {
	steps := []dashboard.Threshold{{Color: "green"}}
	if p.Bad != 0 {
		steps = append(steps, dashboard.Threshold{Color: "red", Value: &p.Bad})
	}
	b := stat.NewPanelBuilder().Title(p.Title).Description(p.Help).Unit(p.Unit).Datasource(source()).
		Span(widthOfNumber).Height(heightOfNumber).
		Thresholds(dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps))
	for i, q := range p.Queries {
		b.WithTarget(q.builder(i))
	}
	return b
}

func (q Query) builder(at int) *prometheus.DataqueryBuilder {
	b := prometheus.NewDataqueryBuilder().RefId(string(rune('A' + at))).Expr(q.Expr).LegendFormat(q.Legend).
		Datasource(source()).Range()
	if q.Exemplars {
		b.Exemplar(true)
	}
	return b
}

// quantiles returns the median and the 95th percentile of a histogram, of which a dot leads to a trace.
func quantiles(histogram string) []Query {
	of := func(q string) string {
		return "histogram_quantile(" + q + ", sum by (le) (rate(" + histogram + "_bucket[$__rate_interval])))"
	}
	return []Query{{Expr: of("0.95"), Legend: "95 %", Exemplars: true}, {Expr: of("0.5"), Legend: "median"}}
}
