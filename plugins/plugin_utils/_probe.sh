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
#   WORDS      an extended regular expression: the names of our keys, and nothing of anybody else's secrets
#   OWNER      how the first line of a drop-in of ours begins
#   MARK       how a line of ours begins, in whatever file: a header, or a line that we commented out
#   FOREIGN    what is sent in place of somebody else's setting in a text of ours
#   PLATFORMS  systems that are configured elsewhere, as WORD:PATH
# shellcheck disable=SC2154
IPV4=/proc/sys/net/ipv4
RUN=/run
if ! [ -d /run ]; then RUN=/var/run; fi

frame() { printf '\n%s B %s\n' "$N" "$*"; }
close() { printf '\n%s E %s\n' "$N" "$1"; }

# A section with the output of a command, and its exit status.
section() { frame "$1"; shift; "$@"; close $?; }
copy() { cat -- "$1" 2>/dev/null; }
copy_if_there() { if [ -r "$2" ]; then section "$1" copy "$2"; fi; }

have() { command -v "$1" >/dev/null 2>&1; }

# Words for what a path is. Only 'regular' is ever opened: systemd-sysctl itself hangs on a FIFO. The kernel's log
# passes for a regular file, and whoever reads it waits for the next message.
kind_of() {
  kind=''
  if [ -L "$1" ]; then kind='link '; fi
  if [ "$1" -ef /etc/sysctl.conf ]; then kind="${kind}sysctl.conf "; fi
  if [ ! -e "$1" ]; then kind="${kind}missing"
  elif [ -d "$1" ]; then kind="${kind}directory"
  elif [ "$1" -ef /dev/null ]; then kind="${kind}null"
  elif [ ! -f "$1" ] || [ "$1" -ef /proc/kmsg ]; then kind="${kind}special"
  elif [ ! -r "$1" ]; then kind="${kind}unreadable"
  elif too_large "$1"; then kind="${kind}large"
  else kind="${kind}regular"; fi
}

# Over 1 MiB is no sysctl file; reading a sparse one of 10 GB would take minutes.
too_large() {
  have ls || return 1
  set -f
  # shellcheck disable=SC2046 # word splitting is the point: the fifth word is the size
  set -- $(LC_ALL=C ls -Lln -- "$1" 2>/dev/null)
  set +f
  [ "${5:-0}" -gt 1048576 ]
}

# What may follow a value: a comment, another setting, a line behind a carriage return. Each may be a secret.
CR=$(printf '\r')
STRANGE="#;=$CR"
OUR_KEY="[[:space:]]*(-[[:space:]]+)?[^${STRANGE}[:space:]]+($WORDS)[^${STRANGE}[:space:]]*[[:space:]]*"

# "NUMBER:LINE" for each line of a sysctl file whose key is one of ours, and for lines of our own, if there is nothing
# strange in it: see more_lines.
our_lines() {
  # 1 is "no such line"; above it grep failed, or does not know an option.
  if have grep; then
    LC_ALL=C grep -anE "^($OUR_KEY(=[^${STRANGE}]*)?|${MARK}[^=${CR}]*(=[^${STRANGE}:-]*)?)[[:space:]]*\$" -- "$1"
    if [ $? -le 1 ]; then return; fi
  fi
  number=0
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    if is_ours "$line" && ! is_strange "$line"; then printf '%s:%s\n' "$number" "$line"; fi
  done <"$1"
}
is_ours() {
  case $1 in "$MARK"*) return 0 ;; esac
  key=${1%%=*}
  key=${key#"${key%%[![:space:]]*}"}
  case $key in -[[:space:]]*) key=${key#-}; key=${key#"${key%%[![:space:]]*}"} ;; esac
  key=${key%"${key##*[![:space:]]}"}
  case $key in *["$STRANGE"]* | *[[:space:]]*) return 1 ;; esac
  for name in $NAMES; do
    case $key in ?*"$name"*) return 0 ;; esac
  done
  return 1
}
is_strange() {
  text=${1%"${1##*[![:space:]]}"}
  case $text in "$MARK"*"$CR"* | "$MARK"*=*[:-]*) return 0 ;; *=*) ;; *) return 1 ;; esac
  case ${text#*=} in *["$STRANGE"]*) return 0 ;; esac
  return 1
}

# Prints a line up to what is strange in its value, and that character: with it, the value is as wrong as it was. A value
# that looks like a secret is told as a question mark, which is as wrong for a kernel.
print_line() { # number line
  text=$2
  case $text in "$MARK"*) text=${text%%"$CR"*} ;; esac
  # What we commented out is other people's, all else with our mark is our own.
  case $text in "${MARK}commented out"*=*) ;; "$MARK"*) printf '%s:%s\n' "$1" "$text"; return ;; esac
  case $text in *=*) ;; *) printf '%s:%s\n' "$1" "$text"; return ;; esac
  value=${text#*=}
  rest=${value#*["$STRANGE"]}
  if [ "$rest" != "$value" ]; then value=${value%"$rest"}; fi
  if looks_secret "$value"; then value=' ?'; fi
  printf '%s:%s=%s\n' "$1" "${text%%=*}" "$value"
}
# A list of ports has a comma between two "-".
looks_secret() {
  case $1 in *:*) return 0 ;; *-*-*) ;; *) return 1 ;; esac
  rest=$1,
  while [ -n "$rest" ]; do
    case ${rest%%,*} in *-*-*) return 0 ;; esac
    rest=${rest#*,}
  done
  return 1
}

# The lines that take a closer look: ours with something strange in them, and those whose key is a glob that matches one
# of our keys ("net.ipv4.tcp_tw_* = 1"). A glob for something else stays on the host: its value may be a secret. In a
# shell pattern * also matches a slash: rather a line too many here.
more_lines() {
  if have grep; then
    LC_ALL=C grep -aqE "^($OUR_KEY=.*[$STRANGE]|$MARK.*[=$CR]|[[:space:]]*([]*?]|[^#;[:space:]=][^=]*[]*?]))" -- "$1"
    if [ $? -eq 1 ]; then return; fi
  fi
  number=0
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    if is_ours "$line"; then
      if is_strange "$line"; then print_line "$number" "$line"; fi
      continue
    fi
    key=${line%%=*}
    key=${key#"${key%%[![:space:]]*}"}
    case $key in *"$CR"*[![:space:]]*) continue ;; *[]*?]*) ;; *) continue ;; esac
    while :; do
      case $key in
        *.*) key=${key%%.*}/${key#*.} ;;
        *//*) key=${key%%//*}/${key#*//} ;;
        *[[:space:]]*) key=${key%%[[:space:]]*}${key#*[[:space:]]} ;;
        # Not every shell knows "^", and none alternatives in braces: a wildcard stands for them, but not where the
        # value looks like a secret (those have several "-" or ":").
        *"[^"*) key=${key%%"[^"*}[!${key#*"[^"} ;;
        *"{"*"}"*)
          case ${line#*=} in *-*-* | *:*) continue 2 ;; esac
          key=${key%%"{"*}'*'${key##*"}"} ;;
        *) break ;;
      esac
    done
    case $key in "#"* | ";"*) continue ;; esac
    key=${key#-}
    for name in $NAMES; do
      # shellcheck disable=SC2254 # a pattern, not a word
      case net/ipv4/$name in ${key#/}) print_line "$number" "$line"; break ;; esac
    done
  done <"$1"
}

# Both, in no order.
all_lines() {
  our_lines "$1"
  more_lines "$1"
}

# Text of ours is all there should be in a drop-in of this collection: every line of it counts, but for a setting that
# somebody else wrote into it, which may be a secret.
every_line() {
  number=0
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    if is_foreign "$line"; then line=$FOREIGN; fi
    printf '%s:%s\n' "$number" "$line"
  done <"$1"
}
is_foreign() {
  case $1 in "$MARK"* | '# before: '* | '# commented out a line in: '*) return 1 ;; *=*) ;; *) return 1 ;; esac
  # Ours may have been commented out by hand.
  set -- "${1#"${1%%[!#[:space:]]*}"}"
  if is_ours "$1" && ! is_strange "$1"; then return 1; fi
}
has_foreign() {
  while IFS= read -r line || [ -n "$line" ]; do
    if is_foreign "$line"; then return 0; fi
  done <"$1"
  return 1
}

# What is empty is not opened: so look all files of /proc, some of which never end.
sysctl_file() {
  kind_of "$1"
  frame path; printf '%s' "$1"; close 0
  frame "lines $kind"
  content=$kind first=''
  if ! [ -s "$1" ]; then content=''; fi
  case $content in *regular) IFS= read -r first <"$1" ;; esac
  case "$content $first" in
    *"regular $OWNER"*) every_line "$1" ;;
    *regular*) our_lines "$1" 2>/dev/null ;;
  esac
  close 0
  case "$content $first" in
    *"regular $OWNER"*) ;;
    *regular*) section more_lines more_lines "$1" 2>/dev/null ;;
  esac
}

# How many newlines there are in a file, and at its end: a block goes behind them, and leaves them as they are.
size_of() {
  wc -l <"$1"
  if [ -s "$1" ]; then tail -c 1 -- "$1" | wc -l; else echo 1; fi
}

sysctl_conf() {
  sysctl_file /etc/sysctl.conf
  case $kind in "sysctl.conf regular") if have wc && have tail; then section size size_of /etc/sysctl.conf; fi ;; esac
  if [ -w /etc ]; then frame sysctl_conf_writable; close 0; fi
}

# What earlier runs left for those after them, until the next boot.
remembered() {
  for file in "$RUN"/linux_tcp.tuning-*.conf; do
    if [ -f "$file" ] && ! [ -L "$file" ]; then section "remembered ${file#*/linux_tcp.tuning-}" copy "$file"; fi
  done
}

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
    if [ -e "$IPV4/$name" ]; then section "try $name" open_for_write "$IPV4/$name"; fi
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

# The host's own addresses: in fib_trie each is the line before a "host LOCAL" one.
addresses() {
  if [ -r /proc/net/fib_trie ]; then
    frame addresses4
    if have grep; then
      grep -B1 'host LOCAL' /proc/net/fib_trie 2>/dev/null
    else
      while read -r _ word rest; do
        case "$word $rest" in "host LOCAL"*) printf '|-- %s\n/32 host LOCAL\n' "$last" ;; *) last=$word ;; esac
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
  try_to_write
  defaults
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
  PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin
  echo linux_tcp.tuning
}
finish() {
  printf '\n%s Z\n' "$N"
  exit 0
}
