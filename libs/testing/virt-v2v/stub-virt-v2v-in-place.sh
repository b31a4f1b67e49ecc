#!/usr/bin/env bash
# Stands in for virt-v2v-in-place in tests that kill and restart services many times over: takes its arguments, says
# what it says (libguestfs findings on standard error, messages as JSON lines), and in place of a conversion writes
# one pattern into each disk that the domain names. It says in its first message that it is none.
#
#   V2V_STUB_OUTCOME  ok (default) | fail (after the first disk) | hang (after the first disk)
#   V2V_STUB_SECONDS  how long it takes, with fractions; 0.2 by default
set -euo pipefail

exec {out}>/dev/null
domain=
while (($# > 0)); do
  case $1 in
    # Duplicated, not opened: it may be a socket.
    --machine-readable=fd:*) exec {out}>&"${1#*fd:}" ;;
    --machine-readable=file:*) exec {out}>>"${1#*file:}" ;;
    -i | --root | -if) shift ;;
    -*) ;;
    *) domain=$1 ;;
  esac
  shift
done
[[ -r $domain ]] || {
  echo "stub-virt-v2v-in-place: there is no domain '$domain'" >&2
  exit 2
}

say() {
  printf '{ "message": "%s", "timestamp": "%s", "type": "%s" }\n' "$2" "$(date -u +%FT%T+00:00)" "$1" >&"$out"
}

# The disks' files and formats, in the order of the domain. Both of XML's quotes are taken.
disks() {
  tr '\n' ' ' <"$domain" | sed 's/<disk/\n<disk/g' | sed -n "/^<disk/{
    s/.*<driver[^>]*type=['\"]\([^'\"]*\)['\"].*<source[^>]*file=['\"]\([^'\"]*\)['\"].*/\1 \2/p; t
    s/.*<source[^>]*file=['\"]\([^'\"]*\)['\"].*<driver[^>]*type=['\"]\([^'\"]*\)['\"].*/\2 \1/p; }"
}

say message "Setting up the source (this is a stub, nothing is converted): -i libvirtxml $domain"
say message 'Opening the source'
mapfile -t found < <(disks)
if ((${#found[@]} == 0)); then
  say error 'the domain names no disk'
  exit 1
fi
say message 'Inspecting the source'
printf 'i_root = %s\n' /dev/sda1 >&2
printf 'i_type = linux\ni_distro = debian\ni_osinfo = debian12\ni_arch = x86_64\ni_major_version = 12\n' >&2
printf 'i_minor_version = 0\ni_product_name = Stub\ni_firmware = BIOS\n\n' >&2
say message 'Converting a stub to run on KVM'
sleep "${V2V_STUB_SECONDS:-0.2}"
number=0
for disk in "${found[@]}"; do
  # See stubMarker in libs/testing/src/virt-v2v: one place of every disk, another byte for each.
  qemu-io -f "${disk%% *}" -c "write -P $((0xa0 + number)) 1M 64k" "${disk#* }" >/dev/null
  number=$((number + 1))
  case ${V2V_STUB_OUTCOME:-ok} in
    fail)
      say error 'inspection could not detect the source guest (a stub that was told to fail)'
      exit 1
      ;;
    hang) exec sleep infinity ;;
  esac
done
printf 'gcaps_block_bus = virtio-blk\ngcaps_net_bus = virtio-net\ngcaps_virtio_rng = true\n' >&2
printf 'gcaps_virtio_balloon = true\n\n' >&2
say info 'This guest has virtio drivers installed.'
printf 'target firmware: bios\ntarget boot device: 0\n' >&2
say message 'Finishing off'
