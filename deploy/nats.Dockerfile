FROM debian:bookworm-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nats-server \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -m 1777 /data
COPY deploy/compose/healthy.sh /usr/local/bin/healthy
EXPOSE 4222 8222
# Whether JetStream is enabled here. A stream that recovers, or a cluster without a leader, is no reason to replace a server.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=6 \
  CMD ["healthy", "8222", "/healthz?js-enabled-only=true"]
USER nats
ENTRYPOINT ["nats-server", "--jetstream", "--store_dir", "/data", "--http_port", "8222"]
