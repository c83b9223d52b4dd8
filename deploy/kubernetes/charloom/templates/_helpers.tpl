{{/* The name of every object of the release, before a suffix; a name in DNS has 63 characters at most. */}}
{{- define "charloom.name" -}}
{{- $name := ternary .Release.Name (printf "%s-charloom" .Release.Name) (contains "charloom" .Release.Name) }}
{{- $name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* Labels by which the objects find the pods of a part: (list . "part"). They never change. */}}
{{- define "charloom.selector" -}}
app.kubernetes.io/name: charloom
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Labels of an object of a part: (list . "part"). */}}
{{- define "charloom.labels" -}}
{{ include "charloom.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ (index . 0).Chart.Name }}-{{ (index . 0).Chart.Version }}
{{- end }}

{{/* What every pod says: (list . user). No variables of other services: CHARLOOM_PORT would look like a setting. */}}
{{- define "charloom.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with (index . 0).Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- /* OpenShift gives each namespace users of its own, and refuses a pod that names another one. */}}
  {{- if not ((index . 0).Capabilities.APIVersions.Has "security.openshift.io/v1") }}
  runAsUser: {{ index . 1 }}
  runAsGroup: {{ index . 1 }}
  fsGroup: {{ index . 1 }}
  {{- end }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{/* What every container says. */}}
{{- define "charloom.container" -}}
imagePullPolicy: IfNotPresent
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{/* The model store's address, or its folder in the container. */}}
{{- define "charloom.store" -}}
{{ .Values.store.url | default "/models" }}
{{- end }}

{{/* The volume of the model store; without a claim an empty folder, before which the bundled models stand. */}}
{{- define "charloom.models" -}}
- name: models
  {{- if .Values.store.claim }}
  persistentVolumeClaim:
    claimName: {{ .Values.store.claim }}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}

{{/* What names the Redis: "url", "secret", "chart" for the chart's own, or nothing where there is no Redis. */}}
{{- define "charloom.redis" -}}
{{- with .Values.redis }}
{{- if .url }}url{{ else if .secret }}secret{{ else if .enabled }}chart{{ end }}
{{- end }}
{{- end }}

{{/* The TCP port of that Redis. */}}
{{- define "charloom.redisPort" -}}
{{- $redis := include "charloom.redis" . }}
{{- $named := regexFind "^rediss?://[^/?#]*" .Values.redis.url | regexFind ":[0-9]+$" | trimPrefix ":" }}
{{- if eq $redis "secret" }}{{ .Values.redis.port }}{{ else }}{{ $named | default 6379 }}{{ end }}
{{- end }}

{{/* A network policy's way out to the store, and to the cluster's DNS. */}}
{{- define "charloom.egress" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- if .Values.store.url }}
- ports:
    - {port: {{ .Values.store.port }}, protocol: TCP}
{{- end }}
{{- end }}
