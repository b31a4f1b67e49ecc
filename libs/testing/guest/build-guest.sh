#!/usr/bin/env bash
# Builds the guest of the tests: a real, bootable Debian 12 as small as virt-v2v still converts. The Essential set,
# busybox as init, the cloud kernel, initramfs-tools and GRUB; no systemd, and only the kernel modules it needs.
#
# Its initramfs holds VMware's drivers (pvscsi) and none of virtio: unconverted, it does not find its disk on virtio.
#
# usage: build-guest.sh OUT.raw [SIZE_MIB]    (root; a minute; serial console; root's password is v2v)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath -m "${1:?usage: build-guest.sh OUT.raw [SIZE_MIB]}")
size=${2:-384}
export PATH=$PATH:/usr/sbin:/sbin

work=$(mktemp -d "${TMPDIR:-/tmp}/ledgerlift-guest.XXXXXX")
partial=$out.partial
trap 'rm -rf "$work" "$partial"' EXIT
root=$work/root

bootstrap() {
  local modules='/lib/modules/*/kernel' options=() name
  for name in net sound crypto lib drivers fs; do options+=(--dpkgopt="path-exclude=$modules/$name/*"); done
  for name in \
    virtio virtio_ring virtio_pci virtio_pci_legacy_dev virtio_pci_modern_dev virtio_blk virtio_net virtio_scsi \
    virtio_balloon virtio_console virtio-rng failover net_failover vmw_pvscsi vmxnet3 \
    sd_mod scsi_mod scsi_common sg libata ata_piix ata_generic t10-pi \
    crc64 crc64-rocksoft crc64_rocksoft crc64_rocksoft_generic crc-t10dif crct10dif_generic crct10dif_common \
    ext4 jbd2 mbcache crc16 crc32c_generic libcrc32c af_packet xts i6300esb; do
    options+=(--dpkgopt="path-include=$modules/*/$name.ko")
  done
  for name in man doc locale info i18n zoneinfo; do options+=(--dpkgopt="path-exclude=/usr/share/$name/*"); done
  options+=(--dpkgopt='path-exclude=/usr/lib/x86_64-linux-gnu/gconv/*')
  # Before the kernel's own scripts build an initramfs: what it is to hold. $1 is mmdebstrap's, the root folder.
  # shellcheck disable=SC2016
  options+=(--extract-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"
    printf "MODULES=list\nCOMPRESS=gzip\nCOMPRESSLEVEL=1\nBUSYBOX=n\nRESUME=none\n" > "$1/etc/initramfs-tools/conf.d/guest"
    printf "%s\n" sd_mod vmw_pvscsi ata_piix ext4 crc32c_generic > "$1/etc/initramfs-tools/modules"')
  mmdebstrap --variant=essential --mode=root \
    --include=busybox-static,kmod,udev,initramfs-tools,grub2-common,grub-pc-bin,linux-image-cloud-amd64 \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt=force-unsafe-io --dpkgopt=force-confold "${options[@]}" \
    bookworm "$root"
}

configure() {
  echo guest >"$root/etc/hostname"
  echo '/dev/sda1 / ext4 errors=remount-ro 0 1' >"$root/etc/fstab"
  sed -i "s|^root:[^:]*:|root:$(openssl passwd -6 -salt guestsalt v2v):|" "$root/etc/shadow"
  install -m 644 "$here/files/inittab" "$root/etc/inittab"
  install -m 755 "$here/files/rcS" "$root/etc/rcS"
  install -m 755 "$here/files/udhcpc.script" "$root/etc/udhcpc.script"
  install -m 644 "$here/files/grub-defaults" "$root/etc/default/grub"
  ln -sf /bin/busybox "$root/sbin/init"
  mkdir -p "$root"/{proc,sys,run,dev}
  # virt-v2v runs update-grub inside the guest: it may know of this system only.
  local name
  for name in 05_debian_theme 20_linux_xen 30_os-prober 30_uefi-firmware 40_custom 41_custom; do
    if [[ -e $root/etc/grub.d/$name ]]; then chmod -x "$root/etc/grub.d/$name"; fi
  done
  # Fewer programs in update-initramfs: each costs 50 ms in the emulated appliance of virt-v2v.
  chmod -x "$root"/usr/share/initramfs-tools/hooks/{dmsetup,thermal,keymap,resume}
  chroot "$root" update-initramfs -u -k all
}

install_grub() {
  local uuid=$1 kernel grub=$root/boot/grub
  kernel=$(basename "$root"/lib/modules/*)
  mkdir -p "$grub/i386-pc"
  echo '(hd0) /dev/sda' >"$grub/device.map"
  sed -e "s/@UUID@/$uuid/g" -e "s/@KERNEL@/$kernel/g" "$here/files/grub.cfg.template" >"$grub/grub.cfg"
  cp "$root"/usr/lib/grub/i386-pc/*.{mod,lst} "$root/usr/lib/grub/i386-pc/boot.img" "$grub/i386-pc/"
  # shellcheck disable=SC2016
  printf 'search.fs_uuid %s root\nset prefix=($root)/boot/grub\n' "$uuid" >"$grub/early.cfg"
  chroot "$root" grub-mkimage -O i386-pc -o /boot/grub/i386-pc/core.img -p '(hd0,msdos1)/boot/grub' \
    -c /boot/grub/early.cfg biosdisk part_msdos ext2 search_fs_uuid normal serial terminal
}

# An MS-DOS partition table, GRUB in the gap behind it, one ext4: written as a file, without a loop device.
write_image() {
  local uuid=$1 grub=$root/boot/grub/i386-pc
  truncate -s "${size}M" "$partial"
  mke2fs -q -t ext4 -U "$uuid" -L root -E offset=1048576 -d "$root" "$partial" "$(((size - 1) * 1024))k"
  echo '2048,,L,*' | sfdisk -q "$partial"
  dd if="$grub/boot.img" of="$partial" bs=440 count=1 conv=notrunc status=none
  dd if="$grub/core.img" of="$partial" bs=512 seek=1 conv=notrunc status=none
}

uuid=$(cat /proc/sys/kernel/random/uuid)
mkdir -p "$(dirname "$out")"
echo "guest: bootstrapping Debian into $root"
bootstrap
echo 'guest: configuring it'
configure
install_grub "$uuid"
echo "guest: writing $out"
write_image "$uuid"
mv "$partial" "$out"
