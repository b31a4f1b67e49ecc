#!/bin/sh
# Entry point of the image: its argument names the service.
set -eu
case ${1-} in
  planner | transfer | converter | vm-creator) exec node "/app/apps/$1/dist/main.js" ;;
  *)
    echo "usage: planner | transfer | converter | vm-creator, not '${1-}'" >&2
    exit 64
    ;;
esac
