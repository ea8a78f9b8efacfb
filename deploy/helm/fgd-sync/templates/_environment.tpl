{{- /* The variables of one service, of (dict "root" $ "service" NAME "values" its values). */ -}}
{{- define "fgd-sync.environment" -}}
{{- $name := include "fgd-sync.name" .root }}
{{- $ports := include "fgd-sync.ports" .root | fromYaml }}
{{- $own := get $ports .service -}}
- {name: HEDGEHOG_FGD_GRPC_LISTEN, value: ":{{ $own.grpc }}"}
- {name: HEDGEHOG_FGD_HTTP_LISTEN, value: ":{{ $own.http }}"}
- {name: HEDGEHOG_FGD_SERVICE_CA_FILE, value: /tls/ca.crt}
- {name: HEDGEHOG_FGD_SERVICE_CERTIFICATE_FILE, value: /tls/tls.crt}
- {name: HEDGEHOG_FGD_SERVICE_KEY_FILE, value: /tls/tls.key}
{{- range get (include "fgd-sync.calls" .root | fromYaml) .service }}
- name: HEDGEHOG_FGD_{{ . | upper | replace "-" "_" }}_ADDRESS
  value: {{ $name }}-{{ . }}:{{ (get $ports .).grpc }}
{{- end }}
{{- if has .service (list "bridge" "orchestrator") }}
- name: HEDGEHOG_FGD_REDIS_URL
  valueFrom:
    secretKeyRef: {name: {{ .root.Values.redis.urlSecret.name }}, key: {{ .root.Values.redis.urlSecret.key }}}
{{- end }}
{{- if eq .service "bridge" }}
- name: HEDGEHOG_FGD_PUBLIC_HOSTS
  value: {{ include "fgd-sync.hosts" .root | fromYamlArray | join "," }}
- {name: HEDGEHOG_FGD_TOKEN_PEPPER_FILE, value: /keys/token.peppers}
- {name: HEDGEHOG_FGD_WEBHOOK_KEY_FILE, value: /keys/webhook.keys}
- {name: HEDGEHOG_FGD_BOOTSTRAP_TOKEN_FILE, value: /data/bootstrap.token}
- {name: HEDGEHOG_FGD_AUDIT_FILE, value: /data/audit/audit.jsonl}
- {name: HEDGEHOG_FGD_AUDIT_KEY_FILE, value: /data/audit/audit.key}
- {name: HEDGEHOG_FGD_OUTBOX_FILE, value: /data/outbox.db}
{{- if .values.tlsSecret }}
- {name: HEDGEHOG_FGD_TLS_CERTIFICATE_FILE, value: /https/tls.crt}
- {name: HEDGEHOG_FGD_TLS_KEY_FILE, value: /https/tls.key}
{{- end }}
{{- else if eq .service "orchestrator" }}
- {name: HEDGEHOG_FGD_LEDGER_FILE, value: /data/ledger.db}
{{- else if eq .service "github-sync" }}
- {name: HEDGEHOG_FGD_DATA_DIR, value: /data/git}
- {name: HEDGEHOG_FGD_CREDENTIALS_KEY_FILE, value: /keys/credentials.key}
{{- end }}
{{- if .values.credentialsSecret }}
- {name: HEDGEHOG_FGD_CREDENTIALS_DIR, value: /credentials}
{{- end }}
{{- with .root.Values.tracesEndpoint }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{- /* By which names callers ask the bridge. */ -}}
{{- define "fgd-sync.hosts" -}}
{{- $bridge := printf "%s-bridge" (include "fgd-sync.name" .) }}
{{- $inside := printf "%s.%s" $bridge .Release.Namespace -}}
- {{ $bridge }}
- {{ $inside }}
- {{ $inside }}.svc
- {{ $inside }}.svc.cluster.local
{{- with .Values.ingress.host }}
- {{ . }}
{{- end }}
{{- range .Values.publicHosts }}
- {{ . }}
{{- end }}
{{- end }}
