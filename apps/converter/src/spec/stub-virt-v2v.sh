#!/bin/bash
# A stand-in for virt-v2v-in-place: prints the same output, and writes a pattern into the domain's disks.
# The STUB_* settings come from V2V_STUB_*, which the converter passes on:
# V2V_STUB=ok|no-virtio|error|hang|torn (default ok), V2V_STUB_ERROR=its error message
say() { printf '{ "message": "%s", "timestamp": "2026-01-01T00:00:00+00:00", "type": "%s" }\n' "$2" "$1" >&3; }
domain= root=
while [ $# -gt 0 ]; do
  case $1 in
    --root) root=$2; shift ;;
    *.xml) domain=$1 ;;
  esac
  shift
done
say message "Setting up the source: -i libvirtxml $domain"
say message 'Opening the source'
echo "stub of virt-v2v, TMPDIR=$TMPDIR, nats=${LEDGERLIFT_NATS_CREDS:-none}" >&2
[ "${V2V_STUB:-ok}" = hang ] && sleep 300
if [ "${V2V_STUB:-ok}" = error ]; then say error "$V2V_STUB_ERROR"; exit 1; fi
say message 'Inspecting the source'
printf 'i_root = %s\ni_type = linux\ni_distro = debian\ni_osinfo = debian12\ni_arch = x86_64\n' /dev/sda1 >&2
printf 'i_major_version = 12\ni_minor_version = 1\ni_product_name = Debian\ni_firmware = BIOS\n\n' >&2
say message 'Converting Debian to run on KVM'
say warning 'the first thing'
say warning 'the second thing'
for disk in $(sed -n "s/.*<source file=\"\([^\"]*\)\".*/\1/p" "$domain"); do
  qemu-io -f qcow2 -c 'write -P 0xcc 1M 1M' "$disk" >/dev/null || exit 9
  if [ "$V2V_STUB" = torn ]; then printf 'QFI\373garbage' | dd of="$disk" conv=notrunc bs=64k seek=1 status=none; fi
done
if [ "$V2V_STUB" = no-virtio ]; then
  printf 'gcaps_block_bus = ide\ngcaps_net_bus = e1000\ngcaps_virtio_rng = false\n\n' >&2
  say info 'This guest does not have virtio drivers installed.'
else
  printf 'gcaps_block_bus = virtio-blk\ngcaps_net_bus = virtio-net\ngcaps_virtio_rng = true\ngcaps_virtio_balloon = true\n\n' >&2
  say info 'This guest has virtio drivers installed.'
fi
say message 'Finishing off'
