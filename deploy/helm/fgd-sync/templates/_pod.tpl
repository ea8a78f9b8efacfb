{{- /* The pods of one service, of (dict "root" $ "service" NAME "values" its values). */ -}}
{{- define "fgd-sync.pod" -}}
{{- $ports := get (include "fgd-sync.ports" .root | fromYaml) .service -}}
metadata:
  labels:
    {{- include "fgd-sync.component" . | nindent 4 }}
  annotations:
    # What runs reads its file at its start.
    checksum/config: {{ toYaml .root.Values.config | sha256sum | quote }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false # variables of other services would look like settings
  terminationGracePeriodSeconds: 45 # the sleep, ten seconds to hand back work and end calls, five to send traces
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with .root.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if gt (int .values.replicas) 1 }}
  topologySpreadConstraints:
    {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - topologyKey: {{ . }}
      maxSkew: 1
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "fgd-sync.component" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  containers:
    - name: {{ .service }}
      image: {{ .root.Values.image.repository }}/{{ .service }}:{{ include "fgd-sync.tag" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: [--config, /config/fgd.yaml]
      env:
        {{- include "fgd-sync.environment" . | nindent 8 }}
      {{- with .values.envSecrets }}
      envFrom:
        {{- range . }}
        - secretRef: {name: {{ . }}}
        {{- end }}
      {{- end }}
      ports:
        - {name: grpc, containerPort: {{ $ports.grpc }}}
        - {name: http, containerPort: {{ $ports.http }}}
      {{- include "fgd-sync.probes" . | nindent 6 }}
      lifecycle:
        preStop:
          sleep: {seconds: 5} # until nobody is sent here any more
      resources:
        {{- toYaml .values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        {{- include "fgd-sync.mounts" . | nindent 8 }}
  volumes:
    {{- include "fgd-sync.volumes" . | nindent 4 }}
{{- end }}

{{- /* A bridge says to its callers which other service can't take work. It is asked whether it answers, and stays reachable. */ -}}
{{- define "fgd-sync.probes" -}}
{{- $bridge := eq .service "bridge" }}
{{- $scheme := ternary "HTTPS" "HTTP" (and $bridge (not (empty .values.tlsSecret))) -}}
startupProbe:
  httpGet: {path: /healthz, port: http, scheme: {{ $scheme }}}
  periodSeconds: 2
  failureThreshold: 30
readinessProbe:
  httpGet: {path: {{ ternary "/healthz" "/readyz" $bridge }}, port: http, scheme: {{ $scheme }}}
  periodSeconds: 5
  timeoutSeconds: 5
livenessProbe:
  httpGet: {path: /healthz, port: http, scheme: {{ $scheme }}}
  periodSeconds: 10
  timeoutSeconds: 5
{{- end }}

{{- define "fgd-sync.mounts" -}}
- {name: config, mountPath: /config, readOnly: true}
- {name: tls, mountPath: /tls, readOnly: true}
{{- if has .service (list "bridge" "github-sync") }}
- {name: keys, mountPath: /keys, readOnly: true}
{{- end }}
{{- range $volume, $secret := include "fgd-sync.folders" . | fromYaml }}
- {name: {{ $volume }}, mountPath: /{{ $volume }}, readOnly: true}
{{- end }}
{{- if .values.storage }}
- {name: data, mountPath: /data}
{{- end }}
{{- end }}

{{- define "fgd-sync.volumes" -}}
- name: config
  configMap: {name: {{ include "fgd-sync.name" .root }}}
- name: tls
  secret: {secretName: {{ .values.certificateSecret }}, defaultMode: 0440}
{{- if has .service (list "bridge" "github-sync") }}
- name: keys
  secret:
    secretName: {{ .root.Values.keysSecret }}
    defaultMode: 0440
    items:
      {{- range ternary (list "token.peppers" "webhook.keys") (list "credentials.key") (eq .service "bridge") }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
{{- end }}
{{- range $volume, $secret := include "fgd-sync.folders" . | fromYaml }}
- name: {{ $volume }}
  secret: {secretName: {{ $secret }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{- /* Secrets that are mounted whole, by their folder. */ -}}
{{- define "fgd-sync.folders" -}}
{{- with .values.tlsSecret }}
https: {{ . }}
{{- end }}
{{- with .values.filesSecret }}
files: {{ . }}
{{- end }}
{{- with .values.credentialsSecret }}
credentials: {{ . }}
{{- end }}
{{- end }}
