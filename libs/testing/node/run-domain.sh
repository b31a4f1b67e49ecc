#!/bin/sh
# Runs a libvirt domain of KubeVirt's in a mount and a network namespace of its own, with libvirt's own driver and no daemon (virt-qemu-run).
# What virt-handler and virt-launcher would have prepared is there: the volumes as /dev/NAME, the tap devices, the folder of sockets.
#
# usage: run-domain.sh FOLDER DEBIAN [tap=NAME...] [NAME=DEVICE...]; FOLDER has domain.xml, qemu.conf, passwd and group
set -eu
folder=$1 debian=$2
shift 2

mount --make-rprivate /
# libvirt wants the users of Debian's package.
mount --bind "$folder/passwd" /etc/passwd
mount --bind "$folder/group" /etc/group
mkdir -p "$folder/private" "$folder/root/etc"
mount -t tmpfs domain /run
mkdir /run/kubevirt-private
mount --bind "$folder/private" /run/kubevirt-private
cp "$folder/qemu.conf" "$folder/root/etc/"

mkdir "$folder/dev"
mount --rbind /dev "$folder/dev"
mount -t tmpfs domain /dev
for node in "$folder"/dev/*; do ln -s "$node" /dev/; done
for given in "$@"; do
  case $given in
    tap=*) ip tuntap add dev "${given#tap=}" mode tap ;;
    *) ln -s "${given#*=}" "/dev/${given%%=*}" ;;
  esac
done

export LIBVIRT_DRIVER_DIR="$debian/usr/lib/x86_64-linux-gnu/libvirt/connection-driver"
exec "$debian/usr/bin/virt-qemu-run" --verbose --root "$folder/root" "$folder/domain.xml"
