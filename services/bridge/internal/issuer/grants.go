package issuer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/printable"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

// rule says what those may do who are in a group, or whose subject is named.
type rule struct {
	group, subject string // one of them
	grant          *accessv1.Grant
}

// written is a rule as the configuration has it.
type written struct {
	Group      string   `json:"group"`
	Subject    string   `json:"subject"`
	Role       string   `json:"role"`
	FabricIDs  []int32  `json:"fabric_ids"`
	AllFabrics bool     `json:"all_fabrics"`
	Rights     []string `json:"rights"`
}

// parseGrants reads the rules. Its error names the first one that is wrong, counted from 1, and what is wrong with it.
func parseGrants(entries []map[string]any) ([]rule, error) {
	rules := make([]rule, len(entries))
	for i, entry := range entries {
		var err error
		if rules[i], err = parseGrant(entry); err != nil {
			return nil, config.Invalid("oidc_grants", fmt.Sprintf("not right in its entry %d (%s)", i+1, err),
				"a list of {group or subject, role, fabric_ids or all_fabrics, rights}")
		}
	}
	return rules, nil
}

func parseGrant(entry map[string]any) (rule, error) {
	raw, err := json.Marshal(entry)
	if err != nil {
		return rule{}, err
	}
	decoder, w := json.NewDecoder(bytes.NewReader(raw)), written{}
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&w); err != nil {
		return rule{}, errors.New(printable.Line(strings.TrimPrefix(err.Error(), "json: ")))
	}
	role, known := roles[w.Role]
	switch {
	case (w.Group == "") == (w.Subject == ""):
		return rule{}, errors.New("it names a group or a subject, and one of them")
	case !known:
		return rule{}, fmt.Errorf("the role is %q, not viewer, operator or admin", w.Role)
	case w.AllFabrics == (len(w.FabricIDs) > 0):
		return rule{}, errors.New("fabric_ids names fabrics, or all_fabrics is true, and not both")
	case slices.ContainsFunc(w.FabricIDs, func(id int32) bool { return id < 1 }):
		return rule{}, errors.New("numbers of fabrics begin with 1")
	case len(w.Rights) > 0 && role != accessv1.Role_ROLE_ADMIN:
		return rule{}, errors.New("rights are beside the role of an admin")
	}
	grant := &accessv1.Grant{Role: role, AllFabrics: w.AllFabrics, FabricIds: w.FabricIDs}
	for _, word := range w.Rights {
		right := accessv1.Right(accessv1.Right_value["RIGHT_"+strings.ToUpper(word)])
		if right == accessv1.Right_RIGHT_UNSPECIFIED || word != strings.ToLower(word) {
			return rule{}, fmt.Errorf("there is no right %q", word)
		}
		grant.Rights = append(grant.Rights, right)
	}
	return rule{w.Group, w.Subject, grant}, nil
}

var roles = map[string]accessv1.Role{
	"viewer": accessv1.Role_ROLE_VIEWER, "operator": accessv1.Role_ROLE_OPERATOR, "admin": accessv1.Role_ROLE_ADMIN,
}

// grantsOf returns what somebody may do. Names are the same when all their bytes are.
func grantsOf(rules []rule, subject string, groups []string) []*accessv1.Grant {
	var grants []*accessv1.Grant
	for _, r := range rules {
		if r.subject != "" && r.subject == subject || r.group != "" && slices.Contains(groups, r.group) {
			grants = append(grants, r.grant)
		}
	}
	return grants
}
