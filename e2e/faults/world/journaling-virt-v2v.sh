#!/usr/bin/env bash
# The stand-in for virt-v2v-in-place (V2V_STUB), with a journal of its own, so that nobody has to believe the converter:
#
#   V2V_JOURNAL        a line for each start, and one for each start while another conversion of the same disks ran
#   V2V_SECONDS_FILE   holds how long a conversion takes
#
# It also counts: one byte of every disk is one more than before. So a disk that was converted twice tells it.
set -euo pipefail

domain=
for ((i = 1; i <= $#; i++)); do
  case ${!i} in
    -i | --root | -if) i=$((i + 1)) ;;
    -*) ;;
    *) domain=${!i} ;;
  esac
done
# As the stub does it: format and file of each disk.
mapfile -t disks < <(tr '\n' ' ' <"$domain" | sed 's/<disk/\n<disk/g' | sed -n "/^<disk/{
  s/.*<driver[^>]*type=['\"]\([^'\"]*\)['\"].*<source[^>]*file=['\"]\([^'\"]*\)['\"].*/\1 \2/p; t
  s/.*<source[^>]*file=['\"]\([^'\"]*\)['\"].*<driver[^>]*type=['\"]\([^'\"]*\)['\"].*/\2 \1/p; }")
first=${disks[0]#* }

note() { printf '%s %s %s %s\n' "$(date -u +%FT%T.%3NZ)" "$1" "$$" "$first" >>"$V2V_JOURNAL"; }

# Held by this process and by all that it starts, until the last of them has ended, however it ends.
exec {lock}>>"$V2V_JOURNAL.$(echo -n "$first" | sha256sum | cut -c1-16).lock"
if flock --nonblock "$lock"; then note begun; else note overlap; fi

COUNTER=1179648
for disk in "${disks[@]}"; do
  dump=$(qemu-io -f "${disk%% *}" -c "read -v $COUNTER 1" "${disk#* }")
  before=$((16#$(sed -n 's/^[0-9a-f]\{8,\}: *\([0-9a-f]\{2\}\).*/\1/p' <<<"$dump")))
  qemu-io -f "${disk%% *}" -c "write -P $(((before + 1) % 256)) $COUNTER 1" "${disk#* }" >/dev/null
done
V2V_STUB_SECONDS=$(cat "$V2V_SECONDS_FILE") exec "$V2V_STUB" "$@"
