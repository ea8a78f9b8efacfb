// Package openapi holds the generated OpenAPI document of the JSON API.
package openapi

import _ "embed"

//go:embed fgd.swagger.json
var document []byte

// Document is the OpenAPI 2.0 document as JSON.
func Document() []byte { return append([]byte(nil), document...) }
