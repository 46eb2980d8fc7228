#!/bin/bash
# Usage: warm-up.sh RELEASE
set -u
release=${1:?a release is needed}

log() {
    logger -t warm-up "$release: $*"
}

# sysctl -w net.ipv4.tcp_tw_recycle=0
log "sockets first"
sysctl -q -w net.ipv4.tcp_tw_reuse=1 \
    net.ipv4.tcp_tw_recycle=1

for page in / /cart /search; do
    curl -fsS "http://localhost:8080$page" >/dev/null || log "$page fails"
done
