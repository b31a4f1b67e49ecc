{{- define "ledgerlift.name" -}}
{{- if contains "ledgerlift" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-ledgerlift" (.Release.Name | trunc 29 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{- define "ledgerlift.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "ledgerlift.name" .) -}}
{{- end -}}

{{- define "ledgerlift.natsUrl" -}}
{{- if .Values.nats.enabled -}}
nats://{{ include "ledgerlift.name" . }}-nats:4222
{{- else -}}
{{ .Values.nats.url }}
{{- end -}}
{{- end -}}

{{- /* Takes a list: the root, and the component. */ -}}
{{- define "ledgerlift.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: ledgerlift
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "ledgerlift.labels" -}}
{{- $root := index . 0 -}}
{{ include "ledgerlift.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end -}}
