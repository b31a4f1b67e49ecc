#!/bin/sh
# Finishes the root file system of the workers' image, inside it, as root: after its packages are installed, while apt
# still has its lists. deploy/Dockerfile and scripts/build-worker-image.sh both run it.
set -eu

# libguestfs would have supermin assemble its appliance anew in every pod: that needs a kernel the user can read, half a
# minute and half a GB of scratch. A fixed appliance (guestfs(3), "FIXED APPLIANCE") needs none of them, and the kernel's
# package none of its place: it is unpacked, not installed, which would build an initramfs as well.
appliance=/usr/lib/guestfs-appliance
work=$(mktemp -d)
kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ { print $2; exit }')
(cd "$work" && apt-get -q -o APT::Sandbox::User=root download "$kernel")
dpkg -x "$work/$kernel"_*.deb "$work/kernel"
version=$(ls "$work/kernel/lib/modules")
depmod -b "$work/kernel" "$version"
# supermin stops where there is no /lib/modules, whatever SUPERMIN_MODULES says.
mkdir -p /lib/modules "$appliance"
SUPERMIN_KERNEL=$work/kernel/boot/vmlinuz-$version SUPERMIN_MODULES=$work/kernel/lib/modules/$version \
  supermin --build --copy-kernel --format ext2 --host-cpu x86_64 -o "$appliance" \
  "/usr/lib/x86_64-linux-gnu/guestfs/supermin.d"
# It has 4 GB, nearly all of it empty. What libguestfs writes into it goes to an overlay, for which a little is left free.
e2fsck -fy "$appliance/root" >/dev/null || [ $? -eq 1 ]
resize2fs -M "$appliance/root"
resize2fs "$appliance/root" "$(($(stat -c %s "$appliance/root") / 1024 + 131072))K"
# By this file libguestfs knows that the folder holds a fixed appliance.
echo 'Built by supermin from the packages of this image.' >"$appliance/README.fixed"
rm -rf "$work"

# VDDK itself is not free: whoever has it mounts it.
bash /tmp/fetch-nbdkit-plugin.sh "$(nbdkit --dump-config | sed -n 's/^plugindir=//p')"

# As whom a pod runs: qemu's number on most systems. Some package may have taken the group's for its own.
grep -q '^[^:]*:[^:]*:107:' /etc/group || echo 'ledgerlift:x:107:' >>/etc/group
echo 'ledgerlift:x:107:107:Ledgerlift:/tmp:/usr/sbin/nologin' >>/etc/passwd
