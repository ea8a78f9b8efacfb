package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path"
)

//go:embed static
var staticFiles embed.FS

// assetPath is before the path of an asset: its digest and its name.
const assetPath = "/assets/"

// assets are the files beside the pages, by path. A path has the digest of its content, so that it can be kept for
// ever.
type assets map[string]asset

type asset struct {
	name, kind string
	content    []byte
}

func readAssets() (assets, error) {
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("read the assets of the console: %w", err)
	}
	found := assets{}
	for _, entry := range entries {
		content, err := staticFiles.ReadFile("static/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read the assets of the console: %w", err)
		}
		sum := sha256.Sum256(content)
		where := assetPath + hex.EncodeToString(sum[:6]) + "/" + entry.Name()
		found[where] = asset{entry.Name(), mime.TypeByExtension(path.Ext(entry.Name())), content}
	}
	return found, nil
}

// pathOf returns where an asset is.
func (a assets) pathOf(name string) (string, error) {
	for where, one := range a {
		if one.name == name {
			return where, nil
		}
	}
	return "", fmt.Errorf("there is no asset %q", name)
}

// ServeHTTP serves an asset.
func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	one, found := a[r.URL.Path]
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", one.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(one.content) // a browser that has gone needs none
}
