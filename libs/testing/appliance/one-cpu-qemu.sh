#!/usr/bin/env bash
# Stands in for QEMU where libguestfs starts it (LIBGUESTFS_HV): one CPU, whatever it asked for. Under emulation
# its appliance stalls for up to minutes now and then with two.
set -euo pipefail
arguments=()
while (($# > 0)); do
  if [[ $1 == -smp && $# -gt 1 ]]; then
    arguments+=(-smp 1)
    shift
  else
    arguments+=("$1")
  fi
  shift
done
exec qemu-system-x86_64 "${arguments[@]}"
