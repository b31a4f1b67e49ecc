#!/bin/bash
# Health check of a container: succeeds if a GET of the path answers 200, and prints the answer, which says what is missing.
# bash is all that it needs, so no image has to have curl.
#
#   usage: healthy PORT PATH
set -euo pipefail
exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
read -r _ status _ <&3
cat <&3
[[ $status == 200 ]]
