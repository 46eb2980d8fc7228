# shellcheck shell=sh
# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

# What a container that boots is started with. In a privileged one systemd-sysctl would apply the distribution's files
# to the machine that tests: kernel, vm and fs are nobody's own. Only net belongs to the container, and stays writable;
# systemd takes a read-only sysctl for one that somebody protects, and goes on.
set -e
for directory in /proc/sys/*; do
    if [ "$directory" != /proc/sys/net ]; then
        mount --bind "$directory" "$directory"
        mount -o remount,bind,ro "$directory"
    fi
done
exec /sbin/init
