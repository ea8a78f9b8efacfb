package bundle

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"fgdsync.dev/libs/config"
)

// Secrets returns the secrets that are on this machine, to be looked for in all that is gathered: of variables and of
// the configuration file, and what is in the files that are there for secrets.
func (h Here) Secrets() []string {
	secrets := h.ofEnvironment()
	folders := []string{h.Data, filepath.Join(h.Data, "audit")}
	if values, known, err := h.keys(); err == nil {
		for key, value := range values {
			if _, is := known[key]; !is || holdsSecret(key) {
				secrets = append(secrets, texts(value)...)
			}
			if path := fmt.Sprint(value); isSecretFile(key) {
				secrets = append(secrets, contents(path)...)
			}
		}
		if folder, is := values["credentials_dir"].(string); is && folder != "" {
			folders = append(folders, folder)
		}
	}
	for _, entry := range h.Environ {
		name, value, _ := strings.Cut(entry, "=")
		if key, prefixed := strings.CutPrefix(name, config.EnvPrefix); prefixed && isSecretFile(strings.ToLower(key)) {
			secrets = append(secrets, contents(value)...)
		}
		if name == config.EnvPrefix+"CREDENTIALS_DIR" && value != "" {
			folders = append(folders, value)
		}
	}
	for i, folder := range folders {
		secrets = append(secrets, filesOf(folder, i >= 2)...)
	}
	return secrets
}

// ofEnvironment returns the values of variables that are secrets by their names, or that nobody knows.
func (h Here) ofEnvironment() (secrets []string) {
	known, err := knownKeys()
	if err != nil {
		known = nil // then all of them are secrets
	}
	for _, entry := range h.Environ {
		name, value, _ := strings.Cut(entry, "=")
		isOurs := strings.HasPrefix(name, config.EnvPrefix)
		if isOurs && !isHarmless(name, known) && !strings.HasSuffix(name, "_HOSTS") || !isOurs && namesSecret(name) {
			secrets = append(secrets, value)
		}
	}
	return secrets
}

// namesSecret reports whether a variable of somebody else is there for a secret.
func namesSecret(name string) bool {
	for _, part := range []string{"TOKEN", "SECRET", "PASS", "_KEY", "CREDENTIAL", "AUTH", "COOKIE", "_PAT", "HEADERS"} {
		if strings.Contains(strings.ToUpper(name), part) {
			return true
		}
	}
	return false
}

// isSecretFile reports whether a key names a file that is there for secrets.
func isSecretFile(key string) bool {
	switch key {
	case "credentials_key_file", "token_pepper_file", "bootstrap_token_file", "webhook_key_file", "audit_key_file",
		"signing_key_file", "service_key_file", "tls_key_file":
		return true
	}
	return false
}

// texts returns the texts within a value of YAML.
func texts(value any) (all []string) {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		for _, of := range v {
			all = append(all, texts(of)...)
		}
	case map[string]any:
		for _, of := range v {
			all = append(all, texts(of)...)
		}
	case nil:
	default:
		return []string{fmt.Sprint(v)}
	}
	return all
}

// filesOf returns what is in the files of a folder that are there for secrets, which in a folder of secrets all are but
// the lists of hosts.
func filesOf(folder string, ofSecrets bool) (secrets []string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil // there is nothing that could get out
	}
	for _, entry := range entries {
		name := entry.Name()
		isSecret := ofSecrets && !strings.HasSuffix(name, ".hosts")
		for _, end := range []string{".key", ".keys", ".peppers", ".token"} {
			isSecret = isSecret || strings.HasSuffix(name, end)
		}
		info, err := os.Stat(filepath.Join(folder, name)) // what is mounted are links
		if isSecret && err == nil && info.Mode().IsRegular() {
			secrets = append(secrets, contents(filepath.Join(folder, name))...)
		}
	}
	return secrets
}

// contents returns what is in a file, if it can be read.
func contents(path string) []string {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return []string{string(content)}
}
