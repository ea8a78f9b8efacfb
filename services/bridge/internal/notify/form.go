package notify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/printable"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

const (
	// mostText bounds each text that others wrote, in characters.
	mostText = 1000
	// mostName bounds the name of a fabric, so that in Slack it leaves room for what is the matter.
	mostName = 100
	// mostSlack bounds a text in a section of Slack, in characters as they are sent.
	mostSlack = 3000
)

// notification returns what is told of a signal.
func notification(fabric *fabricv1.Fabric, s signal) *eventv1.Notification {
	line := func(text string) string { return printable.Truncate(printable.Line(text), mostText) }
	return &eventv1.Notification{
		FabricId: fabric.GetFabricId(), FabricName: printable.Truncate(printable.Line(fabric.GetName()), mostName),
		Cause: s.cause, Recovered: s.over, Time: timestamppb.New(s.at), Code: s.code,
		Message: line(s.message), Remedy: line(s.remedy), SyncId: s.syncID, CommitSha: s.commitSHA, Url: s.url,
	}
}

// standardBody is the body of Standard Webhooks 1.0.
type standardBody struct {
	Type      string       `json:"type"`
	Timestamp string       `json:"timestamp"`
	Data      standardData `json:"data"`
}

type standardData struct {
	FabricID   int32  `json:"fabric_id"`
	FabricName string `json:"fabric_name,omitempty"`
	Cause      string `json:"cause"`
	Code       string `json:"code,omitempty"`
	Message    string `json:"message"`
	Remedy     string `json:"remedy,omitempty"`
	SyncID     string `json:"sync_id,omitempty"`
	CommitSHA  string `json:"commit_sha,omitempty"`
	URL        string `json:"url,omitempty"`
}

// slackBody is what incoming webhooks of Slack take.
type slackBody struct {
	Text   string       `json:"text"`
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type string    `json:"type"`
	Text slackText `json:"text"`
}

// slackText is a text in which Slack links and calls nobody by itself.
type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim"`
}

// body returns what is posted.
func body(form string, n *eventv1.Notification) ([]byte, error) {
	if form == slack {
		return json.Marshal(slackBodyOf(slackEscape(words(n), mostSlack)))
	}
	what := n.GetCause()
	if n.GetRecovered() {
		what = recovered
	}
	return json.Marshal(standardBody{
		Type: "fabric." + what, Timestamp: n.GetTime().AsTime().Format(time.RFC3339Nano), Data: standardData{
			FabricID: n.GetFabricId(), FabricName: n.GetFabricName(), Cause: n.GetCause(), Code: n.GetCode(),
			Message: n.GetMessage(), Remedy: n.GetRemedy(), SyncID: n.GetSyncId(), CommitSHA: n.GetCommitSha(),
			URL: n.GetUrl(),
		},
	})
}

// testMessage is what a target is told that is only tried.
const testMessage = "FGD Sync tries whether this target takes notifications. Nothing is the matter."

// testBody returns what is posted to a target that is only tried.
func testBody(form string, at time.Time) ([]byte, error) {
	if form == slack {
		return json.Marshal(slackBodyOf(testMessage))
	}
	return json.Marshal(struct {
		Type      string            `json:"type"`
		Timestamp string            `json:"timestamp"`
		Data      map[string]string `json:"data"`
	}{"fgd.test", at.UTC().Format(time.RFC3339Nano), map[string]string{"message": testMessage}})
}

func slackBodyOf(text string) slackBody {
	return slackBody{Text: text, Blocks: []slackBlock{{Type: "section", Text: slackText{"mrkdwn", text, true}}}}
}

// words returns a notification for people.
func words(n *eventv1.Notification) string {
	fabric := fmt.Sprintf("fabric %d", n.GetFabricId())
	if n.GetFabricName() != "" {
		fabric = fmt.Sprintf("fabric %s (%d)", n.GetFabricName(), n.GetFabricId())
	}
	title := map[string]string{
		syncFailed: "A sync failed", quarantined: "Documents are in quarantine",
		conflict: "Git and NetBox disagree", undeliverable: "Records can't be delivered to NetBox",
	}[n.GetCause()]
	if n.GetRecovered() {
		title = "Recovered"
	}
	lines := []string{cmp.Or(title, n.GetCause()) + ": " + fabric, n.GetMessage()}
	if n.GetCode() != "" {
		lines[1] = n.GetCode() + ": " + lines[1]
	}
	for _, more := range []string{n.GetRemedy(), n.GetUrl()} {
		if more != "" {
			lines = append(lines, more)
		}
	}
	return strings.Join(lines, "\n")
}

// slackEscape returns a text in which Slack finds no commands, of so many characters at most.
func slackEscape(text string, most int) string {
	var out strings.Builder
	length := 0
	for _, r := range text {
		part := string(r)
		switch r {
		case '&':
			part = "&amp;"
		case '<':
			part = "&lt;"
		case '>':
			part = "&gt;"
		}
		width := len([]rune(part))
		if length+width >= most {
			return out.String() + "…"
		}
		length += width
		out.WriteString(part)
	}
	return out.String()
}
