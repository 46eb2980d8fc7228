# shellcheck shell=sh
# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Reads a host and changes nothing. POSIX sh, cat and uname are all it needs (BusyBox will do);
# grep, ls, nft and unshare are used where they are there. It is never run by itself: the controller puts
# these variables in front of it and a call of probe_main behind it (see _script.py):
#   N          nonce of this run: no byte that a host holds can be taken for a frame
#   NAMES      names of the knobs to read below /proc/sys/net/ipv4
#   TRY        knobs to be opened for writing (nothing is written), to learn what the host says to that
#   DROPIN     path of our drop-in; empty when there is none to read
#   LISTENERS  1: list the ports that have a TCP listener
#   EVIDENCE   1: look for signs of exposure (addresses, address translation)
#   DEFAULTS   1: read the kernel's own defaults in a new network namespace
#   ADVICE     1: look at what only findings are about: related settings, and other network namespaces of this host
#   RELATED    settings that are taken for those of TIME_WAIT, as paths below /proc/sys
#   WORDS      an extended regular expression: the names of our keys, and nothing of anybody else's secrets
#   OWNER      how the first line of a drop-in of ours begins
#   MARK       how a line of ours begins, in whatever file: a header, or a line that we commented out
#   FOREIGN    what is sent in place of somebody else's setting in a text of ours
#   PLATFORMS  systems that are configured elsewhere, as WORD:PATH
# shellcheck disable=SC2154
IPV4=/proc/sys/net/ipv4
RUN=/run
# shellcheck disable=SC2034 # for _files.sh and _apply.sh
if ! [ -d /run ]; then RUN=/var/run; fi

frame() { printf '\n%s B %s\n' "$N" "$*"; }
close() { printf '\n%s E %s\n' "$N" "$1"; }

# A section with the output of a command, and its exit status.
section() { frame "$1"; shift; "$@"; close $?; }
copy() { cat -- "$1" 2>/dev/null; }
# Whoever opens a FIFO waits for ever.
copy_if_there() { if [ -f "$2" ] && [ -r "$2" ]; then section "$1" copy "$2"; fi; }

have() { command -v "$1" >/dev/null 2>&1; }

# The value of a knob may be read back only if it is there: a missing file means that this kernel, or this
# network namespace, has no such knob.
knobs() {
  for name in $NAMES; do copy_if_there "knob $name" "$IPV4/$name"; done
}

# Our own drop-in leaves the host whole: it holds the record of the values it replaced.
dropin() {
  if [ -z "$DROPIN" ]; then return; fi
  kind_of "$DROPIN"
  frame "dropin $kind"
  case $kind in
    *regular)
      IFS= read -r first <"$DROPIN"
      case $first in
        "$OWNER"*) if has_foreign "$DROPIN"; then printf '%s\n' "$first" "$FOREIGN"; else copy "$DROPIN"; fi ;;
      esac ;;
  esac
  close 0
  kind_of "${DROPIN%/*}"
  if [ -w "${DROPIN%/*}" ]; then kind="writable $kind"; fi
  frame "parent $kind"
  if have ls; then
    # Mode and owner alone: the size and the time of a directory change without anything of ours changing.
    set -f
    # shellcheck disable=SC2046 # word splitting is the point
    set -- $(LC_ALL=C ls -ldn -- "${DROPIN%/*}" 2>/dev/null)
    set +f
    printf '%s %s %s' "${1:-}" "${3:-}" "${4:-}"
  fi
  close 0
}

# All that a plan rests on. _apply.sh reads it again, and stops if a byte of it is another one now.
state() {
  knobs
  dropin
  for directory in /etc /run /usr/local/lib /usr/lib /lib; do
    if [ "$directory" = /lib ] && [ /lib -ef /usr/lib ]; then continue; fi
    for file in "$directory"/sysctl.d/*.conf "$directory"/sysctl.d/.conf "$directory"/sysctl.d/.*.conf; do
      if [ -e "$file" ] || [ -L "$file" ]; then sysctl_file "$file"; fi
    done
  done
  # Red Hat's old boot script takes files of any name.
  if [ -e /etc/rc.d/rc.sysinit ]; then
    for file in /etc/sysctl.d/*; do
      case $file in *.conf) ;; *) if [ -f "$file" ]; then sysctl_file "$file"; fi ;; esac
    done
  fi
  sysctl_conf
  remembered
}

# Opening for append and writing nothing changes nothing, and answers as the write itself would.
try_to_write() {
  for name in $TRY; do
    if [ -f "$IPV4/$name" ]; then section "try $name" open_for_write "$IPV4/$name"; fi
  done
}
open_for_write() { ( : >>"$1" ) 2>&1; }

defaults() {
  if [ "$DEFAULTS" != 1 ] || ! have unshare; then return; fi
  # shellcheck disable=SC2016 # expanded by the inner shell
  unshare -n sh -c 'for n in $2; do
      if [ -r "/proc/sys/net/ipv4/$n" ]; then
        printf "\n%s B default %s\n" "$1" "$n"; cat "/proc/sys/net/ipv4/$n"; printf "\n%s E 0\n" "$1"
      fi
    done' sh "$N" "$NAMES" 2>/dev/null
}

# The listening sockets come first in /proc/net/tcp (with half-open ones, state 03, before Linux 4.4):
# reading stops at the first of another state, so a million connections cost nothing.
listeners() {
  if [ "$LISTENERS" != 1 ]; then return; fi
  for table in /proc/net/tcp /proc/net/tcp6; do
    if [ ! -r "$table" ]; then continue; fi
    frame listeners
    while read -r _ address _ state _; do
      case $state in
        0A) printf '%s\n' "${address##*:}" ;;
        03 | st | local_address | rem_address | remote_address) ;;
        *) break ;;
      esac
    done <"$table"
    close 0
  done
}

# The host's own addresses: in fib_trie each has a "host LOCAL" below it. Between them may be lines of what has
# the same address: Linux 5.10 has a broadcast address 127.0.0.0 there, 6.1 has not.
addresses() {
  if [ -r /proc/net/fib_trie ]; then
    frame addresses4
    if have grep; then
      grep -B8 'host LOCAL' /proc/net/fib_trie 2>/dev/null
    else
      while read -r sign word rest; do
        case "$sign $word $rest" in
          '|-- '*) last=$word ;;
          *" host LOCAL"*) printf '|-- %s\n/32 host LOCAL\n' "$last" ;;
        esac
      done </proc/net/fib_trie
    fi
    close 0
  fi
  copy_if_there addresses6 /proc/net/if_inet6
}

# Never iptables itself: it would load the very modules that it asks about.
nat() {
  copy_if_there iptables_tables /proc/net/ip_tables_names
  copy_if_there ip6tables_tables /proc/net/ip6_tables_names
  if have grep && [ -r /proc/net/ip_vs ]; then section ipvs grep -c Masq /proc/net/ip_vs; fi
  # Address translation takes a chain of type nat. Chains alone: there may be tens of thousands of rules.
  if have nft && have grep && has_nf_tables; then
    frame nft
    nft list chains 2>/dev/null | grep 'type nat hook'
    close 0
  fi
}

# Asked for its rules, a kernel would load nf_tables. So it must be there: loaded, or built in, or in a kernel that has
# no modules at all.
has_nf_tables() {
  [ -d /sys/module/nf_tables ] || ! [ -e /proc/modules ] ||
    grep -q '/nf_tables[.]ko' "/lib/modules/$(uname -r)/modules.builtin" 2>/dev/null
}

platform() {
  for system in $PLATFORMS; do
    if [ -e "${system#*:}" ]; then frame "platform ${system%%:*}"; close 0; break; fi
  done
}

# What kind of container this is, in one word. The files of those who start containers come first: what runs in one as
# PID 1, and tells the rest, may be anything.
container() {
  kind=''
  if [ -e /var/run/secrets/kubernetes.io ] || [ -n "${KUBERNETES_SERVICE_HOST-}" ]; then kind=kubernetes
  elif [ -e /run/.containerenv ]; then kind=podman
  elif [ -e /.dockerenv ]; then kind=docker
  elif [ -f /run/systemd/container ]; then read -r kind _ </run/systemd/container
  elif ! [ -e "$INITIAL" ]; then container_of_another_network
  fi
  if [ -n "$kind" ]; then frame container; printf '%s' "$kind"; close 0; fi
}
container_of_another_network() {
  uid=0 count=4294967295 text=''
  if [ -r /proc/self/uid_map ]; then read -r _ uid count </proc/self/uid_map; fi
  if [ "$uid $count" != '0 4294967295' ]; then kind=unknown; fi
  # Shells pass over the NULs in it.
  if [ -r /proc/1/environ ]; then IFS= read -r text </proc/1/environ; fi 2>/dev/null
  for word in lxc systemd-nspawn; do
    case $text in *container="$word"*) kind=$word ;; esac
  done
}

# This knob is registered in the initial network namespace only, on every kernel so far.
INITIAL=/proc/sys/net/core/netdev_max_backlog

probe() {
  section uname uname -srm
  if [ -r /proc/self/status ]; then
    frame uid
    while read -r word _ value _; do
      if [ "$word" = Uid: ]; then printf '%s' "$value"; break; fi
    done </proc/self/status
    close 0
  fi
  if [ -e "$INITIAL" ]; then frame initial_namespace; close 0; fi
  container
  frame state; close 0
  state
  frame state_end; close 0
  left_over
  try_to_write
  defaults
  if [ "$ADVICE" = 1 ]; then
    for setting in $RELATED; do copy_if_there "related ${setting##*/}" "/proc/sys/$setting"; done
    namespaces
  fi
  copy_if_there sockstat /proc/net/sockstat
  copy_if_there netstat /proc/net/netstat
  listeners
  if [ "$EVIDENCE" = 1 ]; then
    addresses
    nat
  fi
  loaders
  platform
  writers
}

# A login shell may print a banner: the controller ignores what comes before the first frame. Ansible strips white
# space at the start of an answer.
prepare() {
  exec </dev/null
  LC_ALL=C
  export LC_ALL
  # Empty, it would name the current directory.
  PATH=${PATH:+$PATH:}/usr/sbin:/sbin:/usr/bin:/bin
  echo linux_tcp.tuning
}
finish() {
  printf '\n%s Z\n' "$N"
  exit 0
}
