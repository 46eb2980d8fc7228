# shellcheck shell=sh
# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Carries a plan out, or leaves the host as it was. Sent behind _probe.sh, with these in front of it (see _script.py):
#   EXPECTED   the state section of the probe that the plan rests on
#   STEPS      number of steps; do_1, undo_1 and so on are functions that call those below
#   LOG        lines for the host's own log, one per change; empty for none
# and a call of apply_main behind it. From the first step on, no signal and no closed connection ends it half-way:
# the way back is in here too, because a controller that lost its connection cannot send it any more.
# shellcheck disable=SC2154 # N, IPV4 and the functions of _probe.sh

# One run at a time. Everybody puts up a flag named after his own process, and only then looks for others: of two
# that start together at least one sees the other. The one with the lower pid waits with his flag up, the other
# takes his down, and leaves it so while he sees another: else those who wait would keep each other waiting. A flag of a
# dead process (or an earlier boot) is taken away by whoever sees it.
PATIENCE=30

lock() {
  boot_now
  flag=$LOCK.$boot.$$.$(start_of $$)
  waited=0 rival=''
  while :; do
    if [ -z "$rival" ]; then
      # Not ":", a special builtin: a shell ends when it cannot redirect one.
      true >"$flag" || return 1
      rival=$(live_rival)
      if [ -z "$rival" ]; then return 0; fi
    fi
    if [ "$rival" -lt $$ ]; then rm -f "$flag"; fi
    if [ "$waited" -ge "$PATIENCE" ]; then
      rm -f "$flag"
      echo "another run, process $rival on this host, has been at it for $PATIENCE s"
      return 1
    fi
    sleep 1
    waited=$((waited + 1))
    rival=$(live_rival)
  done
}
live_rival() {
  for other in "$LOCK".*; do
    if [ "$other" = "$flag" ] || ! [ -e "$other" ]; then continue; fi
    if is_up "$other"; then
      printf '%s' "$pid"
      return
    fi
    rm -f "$other"
  done
}
unlock() { rm -f "$flag"; }

# Every step does nothing where nothing is to be done, so that a step which failed half-way can be undone like one
# that succeeded.

# Writes a value and reads it back: a knob may take what it is given and make something else of it.
set_knob() { # name value
  if [ "$(value_of "$1")" = "$2" ]; then return 0; fi
  # What cat says counts: should it end early, printf would add words of its own.
  printf '%s\n' "$2" 2>/dev/null | cat >"$IPV4/$1" || return 1
  now=$(value_of "$1") || return 1
  if [ "$now" != "$2" ]; then echo "$IPV4/$1 took '$2' and reads '$now'"; return 1; fi
}
value_of() { # name; the kernel separates the numbers of a range with tabs
  text=$(cat "$IPV4/$1") || return 1
  set -f
  # shellcheck disable=SC2086 # word splitting is the point
  set -- $text
  set +f
  printf '%s' "$*"
}

# The name begins with a dot and does not end in .conf: no loader reads it. O_EXCL (set -C) and the mode the file
# is to have from the start, as it holds nothing secret. One that is there was left by a run that was killed.
new_file_for() { # file
  new=${1%/*}/.${1##*/}.timewait-new
  if [ -e "$new" ] || [ -L "$new" ]; then rm -f -- "$new"; fi
}

give_up() { rm -f -- "$new"; }

put_in_place() { # file
  if [ -L "$1" ]; then echo "$1 is a symbolic link now"; give_up; return 1; fi
  to_disk "$new" || { give_up; return 1; }
  mv -f -- "$new" "$1" || { give_up; return 1; }
  if have restorecon; then restorecon "$1" || return 1; fi
  to_disk "${1%/*}"
}
# Of a directory: which names it has. So when the power fails, each step is there before the next one is.
to_disk() { if have sync; then sync -- "$1"; fi; }

set_file() { # file content
  new_file_for "$1"
  if [ -f "$1" ] && [ "$(cat -- "$1"; echo .)" = "$2." ]; then return 0; fi
  (
    set -C
    umask 022
    printf '%s' "$2" 2>/dev/null | cat >"$new"
  ) || { give_up; return 1; }
  # A pipe that lost something did not tell.
  if [ "$(cat -- "$new"; echo .)" != "$2." ]; then echo "$new reads otherwise than written"; give_up; return 1; fi
  put_in_place "$1"
}
remove_file() {
  new_file_for "$1"
  if ! [ -e "$1" ] && ! [ -L "$1" ]; then return 0; fi
  rm -f -- "$1" && to_disk "${1%/*}"
}

# A text in /run, for those who come after us before the next boot.
remember() { set_file "$RUN/linux_tcp.tuning-$1" "$2"; } # name text
forget() { remove_file "$RUN/linux_tcp.tuning-$1"; } # name

# A block of ours in somebody else's file, whose other bytes, owner and mode stay. The block takes the place of the old
# one, or goes to the end; a file that has no newline there gets one.
set_block() { # file begin end text; begin and end are patterns
  if ! [ -e "$1" ]; then set_file "$1" "$4"; return; fi
  # Nothing here goes through a pipe: one that fails would lose lines without a word.
  last=$(tail -c 1 <"$1" && echo .) || return 1
  copy_beside "$1" || return 1
  {
    LC_ALL=C sed "/^$2/,\$d" <"$1" && # BusyBox's "sed -n" would give the last line a newline
      case $last in . | "$NEWLINE".) ;; *) has_block "$1" "$2" || echo ;; esac &&
      printf '%s' "$4" &&
      behind_block "$1" "$2" "$3"
  } >"$new" || { give_up; return 1; }
  put_in_place "$1"
}
has_block() { LC_ALL=C grep -q "^$2" <"$1"; }
# Somebody may have written a line like its last one before it.
behind_block() { LC_ALL=C sed -e "/^$2/,\$!d" -e "/^$2/,/^$3\$/d" <"$1"; } # file begin end

# "unended" and "missing" say how the file was found: if nobody wrote behind the block, it is left so. Of several blocks
# the last to go does that.
remove_block() { # file begin end found
  if [ -e "$1" ] && has_block "$1" "$2"; then
    behind=$(behind_block "$1" "$2" "$3" && echo .) || return 1
    copy_beside "$1" || return 1
    LC_ALL=C sed "/^$2/,/^$3\$/d" <"$1" >"$new" || { give_up; return 1; }
    if [ "$4$behind" = unended. ] && ! ends_in_block; then without_last_byte || { give_up; return 1; }; fi
    # At once: an empty file in between would be there for good, should this be the end.
    if [ "$4" = missing ] && ! [ -s "$new" ]; then give_up && remove_file "$1"; else put_in_place "$1"; fi
  fi
}
ends_in_block() { case $(tail -n 1 "$new") in "${MARK}end of block"*) ;; *) return 1 ;; esac; }
without_last_byte() {
  whole=$new
  new_file_for "$new" && bytes=$(wc -c <"$whole") && (umask 077; head -c "$((bytes - 1))" <"$whole" >"$new") &&
    cat "$new" >"$whole"
  status=$?
  give_up || status=1
  new=$whole
  return $status
}
# Same owner and mode, for other content.
copy_beside() { # file
  new_file_for "$1" || return 1
  cp -p -- "$1" "$new" || { give_up; return 1; }
}

# One line of somebody else's file, commented out or brought back; all other bytes, owner and mode stay.
edit_line() { # file number sed-command
  if ! [ -f "$1" ]; then echo "$1 is gone"; return 1; fi
  new_file_for "$1"
  if [ "$(LC_ALL=C sed "$2$3" <"$1"; echo .)" = "$(cat -- "$1"; echo .)" ]; then return 0; fi
  copy_beside "$1" || return 1
  LC_ALL=C sed "$2$3" <"$1" >"$new" || { give_up; return 1; }
  put_in_place "$1"
}

undo_from() {
  failed=$1
  i=$1
  while [ "$i" -ge 1 ]; do
    words=$("undo_$i" 2>&1) || { frame "not_undone $i"; printf '%s' "$words"; close 1; }
    i=$((i - 1))
  done
  # Of a step that somebody killed. Whoever is here is alone.
  # shellcheck disable=SC2086 # a list of patterns
  rm -f -- $UNFINISHED
}

carry_out() {
  i=1
  while [ "$i" -le "$STEPS" ]; do
    words=$("do_$i" 2>&1) || {
      frame "failed $i"
      printf '%s' "$words"
      close 1
      undo_from "$i"
      return 1
    }
    i=$((i + 1))
  done
}

write_log() {
  if [ -z "$LOG" ] || ! have logger; then return; fi
  printf '%s\n' "$LOG" | while IFS= read -r line; do logger -t linux_tcp.tuning -- "$line"; done
}

apply() {
  # A limit on the size of files (XFSZ) is then an error of the write, and has words.
  trap '' HUP INT QUIT TERM PIPE XFSZ
  i='' failed=''
  trap ended_early EXIT
  frame lock
  lock 2>&1 || { close 1; trap - EXIT; return; }
  close 0
  i=0
  now=$(state)
  if [ "$now" != "$EXPECTED" ]; then
    frame changed_meanwhile; close 1
  elif carry_out; then
    frame 'done'; close 0
    write_log
  fi
  unlock
  trap - EXIT
}

# A shell that cannot start a process ends there and then. What it did is undone, if processes can be had again by now.
ended_early() {
  no_process='no more processes could be started'
  if [ -z "$i" ]; then echo "$no_process"; close 1
  elif [ "$i" -le "$STEPS" ]; then
    if [ -z "$failed" ]; then frame "failed $i"; printf '%s' "$no_process"; close 1; fi
    undo_from "$i"
  fi
  unlock
  probe
  finish
}
