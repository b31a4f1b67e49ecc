#!/bin/sh
# The first process of a node: containerd and kubelet in a PID and a mount namespace of their own. When it ends, however it
# ends, the kernel ends every pod with it, and drops their mounts, which the machine outside never saw.
#
# usage: run-node.sh FOLDER KUBELET CONTAINERD_BIN NAME ADDRESS
set -eu
folder=$1 kubelet=$2 programs=$3 name=$4 address=$5

# A pod's mounts are passed on from kubelet to containerd's containers, and nothing is passed on to the machine outside.
mount --make-rprivate /
mount --make-rshared /
mount -t proc proc /proc
# Of paths that cannot be set: sockets of shims and network namespaces, logs of pods, results of CNI plugins.
mount -t tmpfs -o mode=755 node /run
for path in log lib/cni; do
  mkdir -p "$folder/var/$path" "/var/$path"
  mount --bind "$folder/var/$path" "/var/$path"
done

export PATH="$programs/usr/bin:$programs/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
containerd --config "$folder/containerd.toml" &
until [ -S "$folder/containerd.sock" ]; do
  kill -0 $! || exit 1
  sleep 0.05
done
"$kubelet" --config="$folder/kubelet.json" --kubeconfig="$folder/kubelet.kubeconfig" --root-dir="$folder/kubelet" \
  --cert-dir="$folder/pki" --hostname-override="$name" --node-ip="$address" --v=1 &
kubelet_pid=$!
# Orphans of pods are this process's children: wait for kubelet alone. Without either of the two there is no node.
wait "$kubelet_pid"
