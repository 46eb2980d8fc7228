# shellcheck shell=sh
# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

# Everything that an undoing must bring back: sysctl files with mode, owner and content, and the values.
cd /
for file in etc/sysctl.conf etc/sysctl.d etc/sysctl.d/*; do
    if [ -e "$file" ] || [ -L "$file" ]; then
        stat -c '%n %f %u %g %s' "$file"
        if [ -f "$file" ]; then sha256sum "$file"; fi
    fi
done
cd /proc/sys/net/ipv4 || exit 1
for file in tcp_* ip_local_*; do
    echo "$file"
    cat "$file"
done
