# shellcheck shell=sh
# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What a probe reads of sysctl files: lines about our keys and lines of our own, and nothing of anybody else's secrets.
# Sent behind _probe.sh.
# shellcheck disable=SC2154 # the variables and the functions of _probe.sh

# Words for what a path is. Only 'regular' is ever opened: systemd-sysctl itself hangs on a FIFO. The kernel's log
# passes for a regular file, and whoever reads it waits for the next message.
kind_of() {
  kind=''
  if [ -L "$1" ]; then kind='link '; fi
  if [ "$1" -ef /etc/sysctl.conf ]; then kind="${kind}sysctl.conf "; fi
  if [ ! -e "$1" ]; then
    said=$(cat -- "$1" 2>&1)
    # Before them stands the name, which may say anything.
    case ${said##*:} in
      *ymbolic*link*) kind="${kind}loop" ;;
      *) kind="${kind}missing" ;;
    esac
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
  # 1 is "no such line"; above it grep failed, or does not know an option. Behind -e a "--" is no name of a file, even
  # with POSIXLY_CORRECT.
  if have grep; then
    LC_ALL=C grep -anE -e "^($OUR_KEY(=[^${STRANGE}]*)?|${MARK}[^=${CR}]*(=[^${STRANGE}:-]*)?)[[:space:]]*\$" -- "$1"
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

# A line up to what is strange in its value, and that character: with it, the value is as wrong as it was. A value that
# looks like a secret is told as a question mark, which is as wrong for a kernel.
cut() { # line; sets $text
  text=$1
  case $text in "$MARK"*) text=${text%%"$CR"*} ;; esac
  # What we commented out is other people's, all else with our mark is our own.
  case $text in "${MARK}commented out"*=*) ;; "$MARK"*) return ;; *=*) ;; *) return ;; esac
  value=${text#*=}
  # Cutting takes the square of the time that looking does.
  case $value in *["$STRANGE"]*) value=${value%"${value#*["$STRANGE"]}"} ;; esac
  if looks_secret "$value"; then value=' ?'; fi
  text=${text%%=*}=$value
}
print_line() { # number line
  cut "$2"
  printf '%s:%s\n' "$1" "$text"
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

# Whether a line has a glob for a key that matches one of ours. In a shell pattern * also matches a slash: rather a line
# too many here.
is_our_glob() {
  key=${1%%=*}
  # No path in /proc is that long, and what follows takes its time.
  if [ "${#key}" -gt 1024 ]; then return 1; fi
  key=${key#"${key%%[![:space:]]*}"}
  case $key in "#"* | ";"* | *"$CR"*[![:space:]]*) return 1 ;; *[]*?]*) ;; *) return 1 ;; esac
  # What goes up again may have come from anywhere, if it is a setting.
  case $key in *..*) case $key$1 in -* | *=*) key="*/${key##*[./]}" ;; esac ;; esac
  while :; do
    case $key in
      *.*) key=${key%%.*}/${key#*.} ;;
      *//*) key=${key%%//*}/${key#*//} ;;
      *[[:space:]]*) key=${key%%[[:space:]]*}${key#*[[:space:]]} ;;
      # Not every shell knows "^", and none alternatives in braces: a wildcard stands for them, but not where the
      # value looks like a secret (those have several "-" or ":").
      *"[^"*) key=${key%%"[^"*}[!${key#*"[^"} ;;
      *"{"*"}"*)
        case ${1#*=} in *-*-* | *:*) return 1 ;; esac
        key=${key%%"{"*}'*'${key##*"}"} ;;
      *) break ;;
    esac
  done
  key=${key#-}
  for name in $NAMES; do
    # shellcheck disable=SC2254 # a pattern, not a word
    case net/ipv4/$name in ${key#/}) return 0 ;; esac
  done
  return 1
}

# A shell takes the square of the length of a run of blanks to cut it off: a minute for some ten thousand.
squeeze() {
  if [ "${#line}" -gt 1024 ]; then
    set -f
    # shellcheck disable=SC2086 # word splitting is the point
    set -- $line
    set +f
    line=$*
  fi
}

# The lines that take a closer look: ours with something strange in them, and those whose key is a glob that matches one
# of our keys ("net.ipv4.tcp_tw_* = 1"). A glob for something else stays on the host: its value may be a secret.
more_lines() {
  if have grep; then
    LC_ALL=C grep -aqE -e "^($OUR_KEY=.*[$STRANGE]|$MARK.*[=$CR]|[[:space:]]*([]*?]|[^#;[:space:]=][^=]*[]*?]))|$ENDS" -- "$1"
    if [ $? -eq 1 ]; then return; fi
  fi
  if have tr && { ! have grep || LC_ALL=C grep -aqE -e "$ENDS" -- "$1"; }; then
    # Variables of a shell hold no NUL, and some shells take a carriage return for a blank: other characters stand for
    # them, as which no others may pass.
    tr '\000\r\003\004' '\003\004??' <"$1" | all_pieces | tr '\003\004' '\000\r'
    return
  fi
  number=0
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    squeeze
    if is_more "$line"; then print_line "$number" "$line"; fi
  done <"$1"
}
# Of our lines the plain ones are told already.
is_more() { if is_ours "$1"; then is_strange "$1"; else is_our_glob "$1"; fi; }

# A line ends at a carriage return for systemd, and at a NUL, but not for others. So a line with one of these in it goes
# home in pieces, of which those that are not about our keys say "#". Numbers and blanks may be the value of a key of ours.
NUL=$(printf '\003')
RETURN=$(printf '\004')
BLANKS=$(printf ' \t\n.')
BLANKS=${BLANKS%.}
ENDS=$(printf '\r.|[^\001-\377]')
all_pieces() {
  number=0
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    squeeze
    case $line in
      *"$RETURN") line=${line%"$RETURN"}$CR ;;
    esac
    case $line in
      *"$RETURN"* | *"$NUL"*) if [ "${#line}" -lt 65536 ]; then pieces "$number" "$line"; fi ;;
      *) if is_more "$line"; then print_line "$number" "$line"; fi ;;
    esac
  done
}
# Only the shell's own splitting of words takes no time over a long line.
pieces() { # number line
  told='' whole=''
  set -f
  IFS=$NUL
  # shellcheck disable=SC2086 # word splitting is the point
  set -- "$1" $2
  number=$1
  shift
  for part; do
    IFS=$RETURN
    for piece in $part; do
      IFS=$BLANKS
      told_piece "$piece"
      whole=$whole$text$RETURN
    done
    whole=${whole%"$RETURN"}$NUL
  done
  IFS=$BLANKS
  set +f
  if [ "$told" ]; then printf '%s:%s\n' "$number" "${whole%"$NUL"}"; fi
}
told_piece() { # piece; sets $text
  if is_ours "$1" || is_our_glob "$1"; then told=1; cut "$1"; return; fi
  text=$1
  if [ "${#text}" -gt 1024 ]; then text='#'; return; fi
  case $text in *["#;"]*) text=${text%%["#;"]*}# ;; esac
  case ${text%"#"} in *[!0-9,=[:space:]-]*) text='#' ;; esac
  if looks_secret "$text"; then text='#'; fi
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

# A flag of a run is named after the boot, and after number and start of its process: see _apply.sh.
LOCK=$RUN/linux_tcp.tuning
boot_now() { if [ -r /proc/sys/kernel/random/boot_id ]; then read -r boot </proc/sys/kernel/random/boot_id; fi; }
is_up() { # flag
  id=${1#"$LOCK".}
  pid=${id#*.}
  start=${pid#*.}
  pid=${pid%%.*}
  [ "${id%%.*}" = "$boot" ] && [ "$(start_of "$pid")" = "$start" ]
}
start_of() {
  IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  # The name of a program may hold spaces and brackets: count from behind it. The start is field 22, here the 20th.
  set -f
  # shellcheck disable=SC2086 # word splitting is the point
  set -- ${stat##*) }
  set +f
  printf '%s' "${20}"
}

# Files on their way into their place. None of their names is one that a loader reads.
UNFINISHED="$RUN/.*.timewait-new /etc/.*.timewait-new /etc/sysctl.d/.*.timewait-new /run/sysctl.d/.*.timewait-new
  /usr/local/lib/sysctl.d/.*.timewait-new"

# What runs left that were killed: flags, and files that were not in their place yet. While another one is at work, they
# may be its own. Where they cannot be removed they are not told.
left_over() {
  boot_now
  for other in "$LOCK".*; do
    if [ -e "$other" ] && is_up "$other"; then return; fi
  done
  for file in "$LOCK".* $UNFINISHED; do
    if [ -f "$file" ] && ! [ -L "$file" ] && [ -w "${file%/*}" ]; then
      frame left_over; printf '%s' "$file"; close 0
    fi
  done
}
