FROM debian:bookworm-slim
# Without a cluster of Debian's own: start-postgres.sh makes one in the volume.
RUN mkdir -p /etc/postgresql-common \
 && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o postgres -g postgres -m 0700 /data
COPY deploy/compose/start-postgres.sh /usr/local/bin/start-postgres
EXPOSE 5432
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=6 \
  CMD ["pg_isready", "--quiet", "--host", "127.0.0.1", "--username", "ledgerlift", "--dbname", "ledgerlift"]
USER postgres
ENTRYPOINT ["start-postgres"]
