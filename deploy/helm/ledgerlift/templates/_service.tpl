{{- /*
The pod template of a service of ours. Takes a dict: root, service (its name), port, own (its values), resources, scratch (how large
its /tmp may be), and what else it has: env (each a name, and a value or valueFrom), volumes, mounts.
*/ -}}
{{- define "ledgerlift.podTemplate" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
metadata:
  labels:
    {{- include "ledgerlift.labels" (list $root .service) | nindent 4 }}
    ledgerlift.io/bus: client
spec:
  serviceAccountName: {{ include "ledgerlift.serviceAccount" $root }}
  automountServiceAccountToken: {{ .own.clusterAccess }}
  enableServiceLinks: false
  # A service needs up to 25 seconds to end.
  terminationGracePeriodSeconds: 40
  securityContext:
    runAsNonRoot: true
    runAsUser: 107
    runAsGroup: 107
    fsGroup: 107
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  {{- with $values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with .own.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .own.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .service }}
      image: {{ printf "%s:%s" $values.image.repository ($values.image.tag | default $root.Chart.AppVersion) | quote }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: [{{ .service }}]
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      env:
        - name: LEDGERLIFT_NATS_URL
          value: {{ include "ledgerlift.natsUrl" $root | quote }}
        {{- if $values.nats.secrets.services }}
        - name: LEDGERLIFT_NATS_CREDS
          value: /nats/services.creds
        {{- end }}
        - name: LEDGERLIFT_INSTALLATION
          value: {{ $values.installation | quote }}
        - name: LEDGERLIFT_SITE
          value: {{ $values.site | quote }}
        - name: LEDGERLIFT_LOG_LEVEL
          value: {{ $values.logLevel | quote }}
        - name: LEDGERLIFT_SANDBOX
          value: {{ $values.sandbox | quote }}
        # The node's probes come from outside the pod; who else may is the business of the network policies.
        - name: LEDGERLIFT_HTTP_HOST
          value: 0.0.0.0
        - name: LEDGERLIFT_HTTP_PORT
          value: {{ .port | quote }}
        - name: LEDGERLIFT_SECRETS_DIR
          value: /secrets
        - name: TMPDIR
          value: /tmp
        {{- with .env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- range $name, $value := merge (deepCopy .own.settings) $values.settings }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
      ports:
        - name: http
          containerPort: {{ .port }}
      # Workers connect to NATS before they are ready, but are live at once, and so is the planner.
      startupProbe:
        httpGet: { path: /health/live, port: http }
        periodSeconds: 5
        failureThreshold: 120
      livenessProbe:
        httpGet: { path: /health/live, port: http }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /health/ready, port: http }
        periodSeconds: 10
        timeoutSeconds: 5
      resources:
        {{- toYaml .resources | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
          subPath: tmp
        # libguestfs and Debian's tools write here whatever TMPDIR says.
        - name: tmp
          mountPath: /var/tmp
          subPath: var-tmp
        {{- if $values.nats.secrets.services }}
        - name: nats
          mountPath: /nats
          readOnly: true
        {{- end }}
        {{- range $index, $name := $values.secrets }}
        - name: secret-{{ $index }}
          mountPath: /secrets/{{ $name }}
          readOnly: true
        {{- end }}
        {{- range $values.volumes }}
        - name: shared-{{ .name }}
          mountPath: {{ .mountPath | quote }}
          readOnly: {{ .readOnly | default false }}
        {{- end }}
        {{- with .mounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: {{ .scratch }}
    {{- with $values.nats.secrets.services }}
    - name: nats
      secret:
        secretName: {{ . }}
        defaultMode: 0440
    {{- end }}
    {{- range $index, $name := $values.secrets }}
    - name: secret-{{ $index }}
      secret:
        secretName: {{ $name }}
        defaultMode: 0440
    {{- end }}
    {{- range $values.volumes }}
    - name: shared-{{ .name }}
      persistentVolumeClaim:
        claimName: {{ .claim }}
        readOnly: {{ .readOnly | default false }}
    {{- end }}
    {{- with .volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
