package hnp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The paths of what NetBox itself has, below its address.
const (
	usersPath       = "/api/users/users"
	permissionsPath = "/api/users/permissions"
	tokensPath      = "/api/users/tokens" //nolint:gosec // a path
	webhooksPath    = "/api/extras/webhooks"
	eventRulesPath  = "/api/extras/event-rules"
)

// User is somebody of whom NetBox knows.
type User struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	LastName string `json:"last_name"`
	Active   bool   `json:"is_active"`
	// Permissions are those that it has by itself, and not through a group.
	Permissions []Permission `json:"permissions"`
	Groups      []Named      `json:"groups"`
}

// Named is an object as others refer to it.
type Named struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// Permission is what some users may do with objects of some types.
type Permission struct {
	ID          int64    `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Enabled     bool     `json:"enabled"`
	Types       []string `json:"object_types"` // such as netbox_hedgehog.vpc
	Actions     []string `json:"actions"`      // such as view
	Constraints any      `json:"constraints"`  // nil for none
	Users       []Named  `json:"users"`
}

// Token is a token of a user, without what its holder shows.
type Token struct {
	ID          int64      `json:"id"`
	Version     int        `json:"version"` // 0 where there is one kind only
	Key         string     `json:"key"`     // of a second kind: what tells it from others
	Description string     `json:"description"`
	Expires     *time.Time `json:"expires"`
	Enabled     *bool      `json:"enabled"` // nil where there are none that are not
	Used        *time.Time `json:"last_used"`
	Writes      bool       `json:"write_enabled"`
	Networks    []string   `json:"allowed_ips"` // empty for any
	Text        string     `json:"token"`       // what its holder shows, when it was made right now
}

// Shown returns what the holder of a token shows that was made right now.
func (t Token) Shown() string {
	switch {
	case t.Text == "":
		return t.Key // NetBox before 4.5
	case t.Version == 2:
		return "nbt_" + t.Key + "." + t.Text
	}
	return t.Text
}

// Webhook is where NetBox tells of changes.
type Webhook struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	URL         string `json:"payload_url"`
	Method      string `json:"http_method"`
	ContentType string `json:"http_content_type"`
	Template    string `json:"body_template"`
	Secret      string `json:"secret"`
	VerifyTLS   bool   `json:"ssl_verification"`
	Description string `json:"description"`
}

// EventRule is which changes a webhook is told of.
type EventRule struct {
	ID         int64    `json:"id"`
	Name       string   `json:"name"`
	Types      []string `json:"object_types"`
	Enabled    bool     `json:"enabled"`
	Events     []string `json:"event_types"`
	ActionType word     `json:"action_type"`
	ActionID   int64    `json:"action_object_id"`
	Conditions any      `json:"conditions"`

	Description string `json:"description"`
}

// word is a choice, as NetBox shows it.
type word struct {
	Value string `json:"value"`
}

// Caller returns whose token it is. NetBox before 4.5 does not say.
func (c *Client) Caller(ctx context.Context) (User, error) {
	var who User
	_, err := c.call(ctx, http.MethodGet, "/api/authentication-check", nil, nil, &who, nil)
	return who, err
}

// Kind returns of which kind the client's own token is, 1 or 2, and its key, which the second kind has.
func (c *Client) Kind() (kind int, key string) {
	text, second := strings.CutPrefix(c.token.Reveal(), "Bearer ")
	if !second {
		return 1, ""
	}
	key, _, _ = strings.Cut(strings.TrimPrefix(text, "nbt_"), ".")
	return 2, key
}

// Clock returns what time it is in NetBox, and how long it took to say so. It is told in whole seconds.
func (c *Client) Clock(ctx context.Context) (now time.Time, took time.Duration, err error) {
	request, err := c.request(ctx, http.MethodGet, "/api/status", nil, nil, nil)
	if err != nil {
		return now, 0, err
	}
	begun := time.Now()
	response, err := c.http.Do(request)
	if err != nil {
		return now, 0, unanswered(http.MethodGet, err)
	}
	defer func() { _ = response.Body.Close() }()
	if now, err = http.ParseTime(response.Header.Get("Date")); err != nil {
		err = &Error{Reason: Away, Detail: "NetBox does not say what time it is", cause: err}
	}
	return now, time.Since(begun), err
}

// MayView returns nil when the token may see objects at a path of the API, such as core/object-changes.
func (c *Client) MayView(ctx context.Context, path string) error {
	query := url.Values{"limit": {"1"}, "ordering": {"id"}, "fields": {"id"}}
	_, err := c.call(ctx, http.MethodGet, "/api/"+path, query, nil, nil, nil)
	return err
}

// MayViewRecords returns nil when the token may see records of a kind.
func (c *Client) MayViewRecords(ctx context.Context, kind string) error {
	return c.MayView(ctx, strings.TrimPrefix(root, "/api/")+endpoints()[kind])
}

// MayWriteRecords reports whether the token may make records of a kind, and change them.
func (c *Client) MayWriteRecords(ctx context.Context, kind string) (makes, changes bool, err error) {
	actions, err := c.options(ctx, root+endpoints()[kind])
	return actions["POST"] != nil, actions["PUT"] != nil, err
}

// MayChangeFabrics reports whether the token may change fabrics.
func (c *Client) MayChangeFabrics(ctx context.Context) (bool, error) {
	actions, err := c.options(ctx, fabricsPath)
	return actions["PUT"] != nil, err
}

// MayViewFabrics returns nil when the token may see fabrics.
func (c *Client) MayViewFabrics(ctx context.Context) error {
	return c.MayView(ctx, strings.TrimPrefix(fabricsPath, "/api/"))
}

// options returns which fields can be written with which method.
func (c *Client) options(ctx context.Context, path string) (map[string]map[string]any, error) {
	var said struct {
		Actions map[string]map[string]any `json:"actions"`
	}
	_, err := c.call(ctx, http.MethodOptions, path, nil, nil, &said, nil)
	return said.Actions, err
}

// FabricKind is what the plugin calls fabrics, which are no kind of records.
const FabricKind = "HedgehogFabric"

// HasPage reports whether NetBox finds the pages of records of a kind (Q2), or of fabrics. As long as there are none,
// it can't be known.
func (c *Client) HasPage(ctx context.Context, kind string) (has, known bool, err error) {
	path := fabricsPath
	if kind != FabricKind {
		path = root + endpoints()[kind]
	}
	var p page[struct{}]
	_, err = c.call(ctx, http.MethodGet, path, url.Values{"ordering": {"id"}, "limit": {"1"}}, nil, &p, nil)
	var said *Error
	if errors.As(err, &said) && said.defect() {
		return false, true, nil
	}
	return err == nil, len(p.Results) > 0, err
}

// Tokens returns the tokens of a user that the token may see.
func (c *Client) Tokens(ctx context.Context, userID int64) ([]Token, error) {
	return listOf[Token](ctx, c, tokensPath, "user_id", strconv.FormatInt(userID, 10))
}

// OwnTokens returns all tokens that the token may see.
func (c *Client) OwnTokens(ctx context.Context) ([]Token, error) {
	return listOf[Token](ctx, c, tokensPath, "", "")
}

// UsersNamed returns the users of a name.
func (c *Client) UsersNamed(ctx context.Context, name string) ([]User, error) {
	return named(ctx, c, usersPath, "username", name, func(u User) string { return u.Username })
}

// PermissionsNamed returns the permissions of a name.
func (c *Client) PermissionsNamed(ctx context.Context, name string) ([]Permission, error) {
	return named(ctx, c, permissionsPath, "name", name, func(p Permission) string { return p.Name })
}

// WebhooksNamed returns the webhooks of a name.
func (c *Client) WebhooksNamed(ctx context.Context, name string) ([]Webhook, error) {
	return named(ctx, c, webhooksPath, "name", name, func(w Webhook) string { return w.Name })
}

// EventRulesNamed returns the event rules of a name.
func (c *Client) EventRulesNamed(ctx context.Context, name string) ([]EventRule, error) {
	return named(ctx, c, eventRulesPath, "name", name, func(e EventRule) string { return e.Name })
}

// PutUser makes a user, or with a number changes that one.
func (c *Client) PutUser(ctx context.Context, id int64, fields map[string]any) (User, error) {
	return put[User](ctx, c, usersPath, id, fields)
}

// PutPermission makes a permission, or with a number changes that one.
func (c *Client) PutPermission(ctx context.Context, id int64, fields map[string]any) (Permission, error) {
	return put[Permission](ctx, c, permissionsPath, id, fields)
}

// PutToken makes a token, or with a number changes that one.
func (c *Client) PutToken(ctx context.Context, id int64, fields map[string]any) (Token, error) {
	return put[Token](ctx, c, tokensPath, id, fields)
}

// PutWebhook makes a webhook, or with a number changes that one.
func (c *Client) PutWebhook(ctx context.Context, id int64, fields map[string]any) (Webhook, error) {
	return put[Webhook](ctx, c, webhooksPath, id, fields)
}

// PutEventRule makes an event rule, or with a number changes that one.
func (c *Client) PutEventRule(ctx context.Context, id int64, fields map[string]any) (EventRule, error) {
	return put[EventRule](ctx, c, eventRulesPath, id, fields)
}

// DeleteUser removes a user with its tokens.
func (c *Client) DeleteUser(ctx context.Context, id int64) error { return c.drop(ctx, usersPath, id) }

// DeletePermission removes a permission.
func (c *Client) DeletePermission(ctx context.Context, id int64) error {
	return c.drop(ctx, permissionsPath, id)
}

// DeleteToken removes a token: it is not taken any more.
func (c *Client) DeleteToken(ctx context.Context, id int64) error { return c.drop(ctx, tokensPath, id) }

// DeleteWebhook removes a webhook.
func (c *Client) DeleteWebhook(ctx context.Context, id int64) error {
	return c.drop(ctx, webhooksPath, id)
}

// DeleteEventRule removes an event rule.
func (c *Client) DeleteEventRule(ctx context.Context, id int64) error {
	return c.drop(ctx, eventRulesPath, id)
}

// listOf lists the objects of which a field says something; all, where no field is named. There are few.
func listOf[T any](ctx context.Context, c *Client, path, field, value string) ([]T, error) {
	query := url.Values{"limit": {strconv.Itoa(pageRecords)}, "ordering": {"id"}}
	if field != "" {
		query.Set(field, value)
	}
	var p page[T]
	_, err := c.call(ctx, http.MethodGet, path, query, nil, &p, nil)
	return p.Results, err
}

// named returns the objects of which a field says a name. It is looked at again: an object of another name would be
// changed in its place.
func named[T any](ctx context.Context, c *Client, path, field, name string, of func(T) string) ([]T, error) {
	all, err := listOf[T](ctx, c, path, field, name)
	return slices.DeleteFunc(all, func(one T) bool { return of(one) != name }), err
}

func put[T any](ctx context.Context, c *Client, path string, id int64, fields map[string]any) (made T, err error) {
	method := http.MethodPost
	if id != 0 {
		method, path = http.MethodPatch, path+"/"+strconv.FormatInt(id, 10)
	}
	var raw json.RawMessage
	var is struct {
		ID int64 `json:"id"`
	}
	_, err = c.call(ctx, method, path, nil, fields, &raw, nil)
	if err == nil && (decode(raw, &made) != nil || decode(raw, &is) != nil || is.ID == 0 || id != 0 && is.ID != id) {
		err = otherObject(method)
	}
	return made, err
}

// drop removes an object. One that is not there is no error.
func (c *Client) drop(ctx context.Context, path string, id int64) error {
	_, err := c.call(ctx, http.MethodDelete, path+"/"+strconv.FormatInt(id, 10), nil, nil, nil, nil)
	if Is(err, Gone) {
		return nil
	}
	return err
}

// Source is where the directory of a fabric is, as some plugins know it.
type Source struct {
	ID         int64
	Name       string
	Repository string
	Branch     string
	Directory  string
}

// sourceFields are what plugins call those of a Source.
func sourceFields() [][]string {
	return [][]string{
		{"git_repository_url", "repository_url"}, {"git_branch", "branch"}, {"gitops_directory", "git_path"},
	}
}

// Sources returns all fabrics by their numbers, with where their directories are as far as the plugin has fields for
// it. Its fields with secrets are not asked for.
func (c *Client) Sources(ctx context.Context) ([]Source, error) {
	fields, err := c.fabricFields(ctx)
	if err != nil {
		return nil, err
	}
	wanted, of := "id,name", [3]string{}
	for i, names := range sourceFields() {
		for _, name := range names {
			if of[i] == "" && fields[name] != nil {
				of[i] = name
				wanted += "," + name
			}
		}
	}
	objects, err := whole(ctx, c, "fabrics", numberOf, func(offset int) (page[map[string]any], error) {
		var p page[map[string]any]
		_, err := c.call(ctx, http.MethodGet, fabricsPath, listed(wanted, offset), nil, &p, nil)
		return p, err
	})
	sources := make([]Source, len(objects))
	for i, object := range objects {
		text := func(name string) string { value, _ := object[name].(string); return c.printable(value) }
		sources[i] = Source{numberOf(object), text("name"), text(of[0]), text(of[1]), text(of[2])}
	}
	return sources, err
}

// fabricFields returns which fields a fabric has. To who may neither make nor change one, NetBox does not say.
func (c *Client) fabricFields(ctx context.Context) (map[string]any, error) {
	actions, err := c.options(ctx, fabricsPath)
	if err != nil || actions["POST"] != nil || actions["PUT"] != nil {
		return firstOf(actions["POST"], actions["PUT"]), err
	}
	return nil, nil
}

func firstOf(some ...map[string]any) map[string]any {
	for _, one := range some {
		if one != nil {
			return one
		}
	}
	return nil
}

func numberOf(object map[string]any) int64 {
	number, _ := object["id"].(interface{ Int64() (int64, error) })
	if number == nil {
		return 0
	}
	id, _ := number.Int64() // 0 is nobody's
	return id
}
