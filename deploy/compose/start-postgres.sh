#!/bin/bash
# Entry point of the PostgreSQL image: creates the role and the database `ledgerlift` at the first start, then runs the server.
# There is no password: only the planners are in its network, and they may use only that role and that database.
set -euo pipefail
bin=$(echo /usr/lib/postgresql/*/bin)
data=/data/postgresql

if [[ ! -e $data/PG_VERSION ]]; then
  # Killed halfway, it would leave a folder that initdb refuses: the whole is made beside it, and then renamed.
  rm -rf "$data.new"
  "$bin/initdb" --username=postgres --encoding=UTF8 --locale=C.UTF-8 --auth=peer "$data.new"
  printf '%s\n' 'local all postgres trust' 'local ledgerlift ledgerlift trust' 'host ledgerlift ledgerlift all trust' >"$data.new/pg_hba.conf"
  "$bin/postgres" --single -D "$data.new" postgres <<<'CREATE ROLE ledgerlift LOGIN' >/dev/null
  "$bin/postgres" --single -D "$data.new" postgres <<<'CREATE DATABASE ledgerlift OWNER ledgerlift' >/dev/null
  mv "$data.new" "$data"
fi
exec "$bin/postgres" -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
