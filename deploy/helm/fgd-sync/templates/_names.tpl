{{- /* What objects are called, and what they are known by. */ -}}

{{- define "fgd-sync.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}
{{- end }}

{{- define "fgd-sync.tag" -}}
{{- .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* The labels of all objects. */ -}}
{{- define "fgd-sync.instance" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* The labels of one service's pods, of (dict "root" $ "service" NAME). */ -}}
{{- define "fgd-sync.component" -}}
{{ include "fgd-sync.instance" .root }}
app.kubernetes.io/component: {{ .service }}
{{- end }}

{{- /* Where services listen, as in docs/operations.md. */ -}}
{{- define "fgd-sync.ports" -}}
bridge: {grpc: 9090, http: 8080}
orchestrator: {grpc: 9091, http: 9191}
ingestion: {grpc: 9092, http: 9192}
directory: {grpc: 9093, http: 9193}
github-sync: {grpc: 9094, http: 9194}
{{- end }}

{{- /* Which services each one calls. */ -}}
{{- define "fgd-sync.calls" -}}
bridge: [orchestrator, ingestion, directory, github-sync]
orchestrator: [ingestion, directory, github-sync]
ingestion: [github-sync]
directory: [github-sync]
github-sync: []
{{- end }}
