# shellcheck shell=sh
# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

# What a container that boots is started with: the name of the init, and shell lines of the host's own.
# In a privileged container the sysctl files of the distribution would be applied to the machine that tests: kernel, vm
# and fs are nobody's own. Only net belongs to the container, and stays writable; loaders take a read-only sysctl for
# one that somebody protects, and go on.
set -e
for directory in /proc/sys/*; do
    if [ "$directory" != /proc/sys/net ]; then
        mount --bind "$directory" "$directory"
        mount -o remount,bind,ro "$directory"
    fi
done
eval "$1"
case $0 in
    systemd)
        # From release 258 on it knows control groups of version 2 only, which a machine with version 1 has, too.
        if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
            exec unshare --cgroup /bin/sh -ec '
                umount --recursive /sys/fs/cgroup
                mount -t cgroup2 cgroup2 /sys/fs/cgroup
                exec /sbin/init'
        fi
        ;;
    sysvinit | openrc)
        # The machine's clock, consoles and disks are not to be touched either. What applies sysctl files is left.
        for link in /etc/rc?.d/[SK]* /etc/runlevels/*/*; do
            case $link in *procps) ;; *) rm -f "$link" ;; esac
        done
        rm -f /etc/init.d/.depend.*
        sed -i '/tty/d; /sulogin/d; /ctrlaltdel/d' /etc/inittab
        # OpenRC's own script, where there is none of procps.
        if [ -e /etc/init.d/sysctl ]; then
            ln -sf /etc/init.d/sysctl /etc/runlevels/boot/sysctl
        fi
        ;;
    busybox)
        # As an embedded system has it, which has no sysctl.d.
        printf '%s\n' ::sysinit:/etc/init.d/rcS '::once:/bin/touch /run/booted' >/etc/inittab
        mkdir -p /etc/init.d
        printf '%s\n' '#!/bin/sh' '/sbin/sysctl -p' >/etc/init.d/rcS
        chmod 755 /etc/init.d/rcS
        ;;
esac
exec /sbin/init
