# shellcheck shell=sh
# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The part of a probe that looks for other programs which write our keys. Sent behind _probe.sh, which calls writers.
# grep is needed for it, and sed for command lines; _written.py reads what it prints.
# shellcheck disable=SC2154 # N, WORDS and the functions of _probe.sh

# What other programs set our keys to. This runs on every host on every run: tests come before processes, and one process
# reads all files of a kind. What comes home are our keys and their values alone: a command line may hold a password.
writers() {
  if ! have grep; then return; fi
  tuned_profiles
  ufw_file
  if have sed; then boot_commands; fi
}

# Whether a service starts at boot: some unit wants or requires it (or its timer), or a runlevel has it.
starts() {
  if [ "/etc/systemd/system/$1" -ef /dev/null ]; then return 1; fi
  unit=${1%.service}
  case $unit in
    *@) any /etc/systemd/system/*/"$unit"*.service /usr/lib/systemd/system/*/"$unit"*.service ;;
    *)
      any /etc/systemd/system/*/"$unit".service /etc/systemd/system/*/"$unit".timer \
        /usr/local/lib/systemd/system/*/"$unit".service /usr/lib/systemd/system/*/"$unit".service \
        /lib/systemd/system/*/"$unit".service /etc/rc[S2-5].d/S[0-9][0-9]"$unit" /etc/runlevels/*/"$unit" ;;
  esac
}
any() {
  for link in "$@"; do
    if [ -e "$link" ] || [ -L "$link" ]; then return 0; fi
  done
  return 1
}

# The profiles that are active and those that they include, without what they say about anything but our keys.
tuned_profiles() {
  if ! [ -f /etc/tuned/active_profile ] || ! starts tuned.service; then return; fi
  frame tuned
  names=''
  for file in /etc/tuned/active_profile /etc/tuned/post_loaded_profile; do
    if ! [ -f "$file" ] || ! [ -r "$file" ]; then continue; fi
    while read -r line || [ -n "$line" ]; do names="$names $line"; done <"$file"
  done
  printf 'active=%s\n' "$names"
  main=$(grep -E '^[[:space:]]*(reapply_sysctl(_exclude)?|profile_dirs)[[:space:]]*=' /etc/tuned/tuned-main.conf 2>/dev/null)
  printf '%s\n' "$main"
  close 0
  # Since tuned 2.24 profiles have a directory of their own. Of those in profile_dirs the last wins.
  places='/etc/tuned/profiles /usr/lib/tuned/profiles /etc/tuned /usr/lib/tuned'
  case $main in
    *profile_dirs*)
      main=${main#*profile_dirs*=}
      places=''
      for place in $(words "${main%%"$NEWLINE"*}"); do places="$place $places"; done ;;
  esac
  # shellcheck disable=SC2046 # word splitting is the point
  set -- $(words "$names")
  seen=' '
  while [ $# -gt 0 ]; do
    name=${1#-}
    name=${name##*/}
    shift
    for place in $places; do
      file=$place/$name/tuned.conf
      # A profile may include one of its own name from a lower directory.
      case $seen in *" $file "*) continue ;; esac
      if ! [ -f "$file" ] || ! [ -r "$file" ] || too_large "$file"; then continue; fi
      seen="$seen$file "
      tuned_profile "$file"
      # shellcheck disable=SC2046
      set -- "$@" $(words "$included")
      break
    done
  done
}
tuned_profile() {
  set -- "$1" "^\[[A-Za-z0-9_. -]*\]|^[[:space:]]*(include|type|enabled|replace|drop|net[./]ipv4[./]($WORDS))[[:space:]]*=[^#]*"
  # A BusyBox from before -a does not need it.
  lines=$(grep -aonE "$2" "$1" 2>/dev/null || grep -onE "$2" "$1" 2>/dev/null)
  section "profile $1" printf '%s' "$lines"
  included=''
  while :; do
    case $lines in *:include*=*) ;; *) break ;; esac
    lines=${lines#*:include*=}
    included="$included ${lines%%"$NEWLINE"*}"
  done
}
NEWLINE='
'
# A list with commas or semicolons as words, none of them a pattern.
words() {
  rest=$1
  while :; do
    case $rest in
      *[!A-Za-z0-9_./\ -]*)
        word=${rest%%[!A-Za-z0-9_./ -]*}
        rest="$word ${rest#"$word"?}" ;;
      *) break ;;
    esac
  done
  printf '%s' "$rest"
}

# The file that ufw has sysctl load whenever it starts.
ufw_file() {
  if ! [ -f /etc/ufw/ufw.conf ] || ! [ -r /etc/ufw/ufw.conf ] || ! [ -f /etc/default/ufw ]; then return; fi
  enabled=''
  while read -r line || [ -n "$line" ]; do
    case $line in ENABLED=yes | ENABLED=YES) enabled=1 ;; ENABLED=*) enabled='' ;; esac
  done </etc/ufw/ufw.conf
  if [ -z "$enabled" ]; then return; fi
  file=$(grep '^IPT_SYSCTL=' /etc/default/ufw 2>/dev/null)
  file=${file##*IPT_SYSCTL=}
  file=${file#[\"\']}
  file=${file%%[[:space:]\"\']*}
  kind_of "${file:-/nowhere}"
  case $kind in *regular) section "ufw $file" all_lines "$file" ;; esac
}

# Scripts, units and tables whose commands run at boot, or when an interface comes up.
boot_commands() {
  set --
  for file in /etc/rc.local /etc/rc.d/rc.local /etc/init.d/boot.local /etc/local.d/*.start \
    /etc/NetworkManager/dispatcher.d/* /etc/NetworkManager/dispatcher.d/*/* /etc/network/if-*.d/*; do
    # Of two names for one file, the second.
    if [ "$file" = /etc/rc.local ] && [ "$file" -ef /etc/rc.d/rc.local ]; then continue; fi
    if [ -x "$file" ] && [ -f "$file" ] && [ -r "$file" ]; then set -- "$@" "$file"; fi
  done
  for file in /etc/systemd/system/*.service /etc/systemd/system/*.service.d/*.conf \
    /usr/local/lib/systemd/system/*.service /usr/local/lib/systemd/system/*.service.d/*.conf \
    /etc/crontab /etc/cron.d/* /var/spool/cron/root /var/spool/cron/crontabs/root \
    /etc/network/interfaces /etc/network/interfaces.d/* /etc/cloud/cloud.cfg /etc/cloud/cloud.cfg.d/*.cfg; do
    if [ -f "$file" ] && [ -r "$file" ]; then set -- "$@" "$file"; fi
  done
  if [ $# = 0 ]; then return; fi
  if some_large "$@"; then
    for file in "$@"; do
      shift
      if ! too_large "$file"; then set -- "$@" "$file"; fi
    done
  fi
  found=$(grep -lE "net[./]ipv4[./]($WORDS)" "$@" 2>/dev/null)
  if [ -z "$found" ]; then return; fi
  ifs=$IFS
  IFS=$NEWLINE
  set -f
  # shellcheck disable=SC2086 # word splitting is the point
  set -- $found
  set +f
  IFS=$ifs
  for file in "$@"; do
    shift
    unit=''
    case $file in
      *:*) continue ;;
      */systemd/system/*.service) unit=${file##*/} ;;
      */systemd/system/*.d/*)
        unit=${file%.d/*}
        unit=${unit##*/} ;;
    esac
    if [ -z "$unit" ] || starts "$unit"; then set -- "$@" "$file"; fi
  done
  if [ $# -gt 0 ]; then section writers assignments "$@"; fi
}

# Whether one is over 1 MiB. One process for all of them.
some_large() {
  if ! have ls; then return 1; fi
  # shellcheck disable=SC2012 # sizes are what is wanted
  LC_ALL=C ls -Lln -- "$@" 2>/dev/null | (
    while read -r _ _ _ _ size _; do
      if [ "${size:-0}" -gt 1048576 ]; then exit 0; fi
    done
    exit 1
  )
}

# "NONCE FILE:NUMBER:" for each line with one of our keys, then "NONCE NAME=VALUE" for each that it sets: the rest of the
# line stays here. "$" is a value that only the running command knows.
assignments() {
  quotes="[\\\"']*"
  set -- "net[./]ipv4[./]($WORDS)" "$@"
  { grep -anHE "$@" 2>/dev/null || grep -nHE "$@" 2>/dev/null; } | sed -r "
s~^([^:]*:[0-9]+:)~$N \\1\\
~
s~\\n[[:space:]]*[#;].*~~
s~(\\n[^#]*[[:space:]])#.*~\\1~
/\\n(Description|Documentation)=/d
s~net[./]ipv4[./]($WORDS)([^A-Za-z0-9_]|\$)~$N:\\1;\\2~g
s~(echo|printf)[[:space:]]+(-[neE]+[[:space:]]+)*$quotes(-?[0-9][0-9,-]*([[:space:]]+[0-9]+)?)(\\\\n)?[\"'[:space:]]+(>>?|[|][[:space:]]*(sudo[[:space:]]+)?tee([[:space:]]+-a)?)[[:space:]]*$quotes/proc/sys/$N:([a-z0-9_]+);~$N:\\9;=\\3 ~g
s~(>>?|tee([[:space:]]+-a)?)[[:space:]]*$quotes/proc/sys/$N:([a-z0-9_]+);~$N:\\3;=\$ ~g
s~($N:ip_local_port_range;${quotes}[[:space:]]*=[[:space:]]*${quotes}[0-9]+)[[:space:]]+([0-9])~\\1_\\2~g
s~$N:([a-z0-9_]+);${quotes}[[:space:]]*=[[:space:]]*$quotes(-?[0-9][0-9a-fA-FxX,_-]*|[\$\`{%])?~\\
$N \\1=\\2\\
~g" | grep "^$N "
}
