# shellcheck shell=sh
# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs on a container's host side of things: makes it look like a machine with Linux 3.10, which has tcp_tw_recycle.
# Plain files of the knobs' names are mounted over the real ones, and both places that tell the release are covered.
# A plain file takes whatever is written to it: this tests the collection, not a kernel.
# RECYCLE, REUSE, TIMESTAMPS: the values to begin with; RELEASE: empty leaves the real release to be seen.
set -e
mount -t tmpfs -o mode=755 tmpfs /proc/sys/net/ipv4
cd /proc/sys/net/ipv4
echo "$RECYCLE" >tcp_tw_recycle # noqa: timewait-recycle
echo "$REUSE" >tcp_tw_reuse
echo "$TIMESTAMPS" >tcp_timestamps
echo 262144 >tcp_max_tw_buckets
printf '32768\t60999\n' >ip_local_port_range
echo >ip_local_reserved_ports
echo 0 >tcp_rfc1337
echo 60 >tcp_fin_timeout
if [ -n "$RELEASE" ]; then
    mkdir -p /run/old_kernel
    echo "$RELEASE" >/run/old_kernel/osrelease
    mount --bind /run/old_kernel/osrelease /proc/sys/kernel/osrelease
    # The release that uname(2) tells belongs to the running kernel. Found first in PATH, this tells another one.
    cat >/usr/local/bin/uname <<END
#!/bin/sh
/bin/uname "\$@" | sed "s/\$(/bin/uname -r)/$RELEASE/"
END
    chmod 755 /usr/local/bin/uname
fi
