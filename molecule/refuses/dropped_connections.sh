# shellcheck shell=sh
# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

# Makes a container's /proc/net/netstat count connections that recycle dropped (PAWSPassive), as on a kernel before 4.12.
# /proc/net belongs to each process, so that no file in it can be covered for all of them. Hence a /proc of links to
# the real one, in which this one file differs. That tests the collection, not a kernel.
set -e
fake=/run/fake_proc
real=/run/real_proc
mkdir -p $fake $real
mount -t proc proc $real
mount -t tmpfs -o mode=755 tmpfs $fake
mkdir $fake/net $fake/sys
for entry in "$real"/[a-z]*; do
    name=${entry##*/}
    case $name in
        net | sys) ;;
        *) ln -s "$entry" "$fake/$name" ;;
    esac
done
for entry in "$real"/net/*; do
    name=${entry##*/}
    [ "$name" = netstat ] || ln -s "$entry" "$fake/net/$name"
done
sed '1s/$/ PAWSPassive/; 2s/$/ 42/' $real/net/netstat >$fake/net/netstat
mount --rbind /proc/sys $fake/sys
mount --rbind $fake /proc
