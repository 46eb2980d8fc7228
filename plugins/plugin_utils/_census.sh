# shellcheck shell=sh
# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The census of sockets, and counters twice for rates. Sent behind _probe.sh when it is asked for, with:
#   SOCKETS    1: count the sockets
#   TOP        how many groups of each kind are named
#   INTERVAL   seconds between two samples; 0: one census and no sample
#   COUNTER    the program for a Python of this host, see _census_host.py
# Whoever counts answers in lines: whole 1; fin_wait_2 SOCKETS; inbound SOCKETS PORTS; outbound SOCKETS GROUPS LOST;
# undetermined SOCKETS PORTS; in PORT SOCKETS; other PORT SOCKETS listener|free; out SOURCE DESTINATION PORT
# SOCKETS OPEN; timestamps DESTINATION PORT WITH WITHOUT; offset WORD; and end.
# shellcheck disable=SC2154 # the variables and the functions of _probe.sh

census() {
  if [ "$INTERVAL" = 0 ]; then sockets; return; fi
  sample
  # Without it there is one sample, and no rate.
  have sleep && sleep "$INTERVAL" && sample
}
sample() {
  copy_if_there sample_uptime /proc/uptime
  copy_if_there sample_sockstat /proc/net/sockstat
  copy_if_there sample_netstat /proc/net/netstat
  sockets
}

sockets() {
  if [ "$SOCKETS" != 1 ]; then return; fi
  # Not by read, which takes a byte at a time in dash: such a file has no second one then.
  reserved=$(copy "$IPV4/ip_local_reserved_ports")
  # shellcheck disable=SC2046 # word splitting is the point
  set -- $(copy "$IPV4/ip_local_port_range")
  if [ $# != 2 ]; then return; fi
  low=$1 high=$2
  counted=''
  # The question itself would load tcp_diag, and so would the one of ss.
  if has_tcp_diag; then
    by_python || by_ss || by_proc
  else
    by_proc
  fi
  if [ -n "$counted" ]; then frame "census $counted"; printf '%s\n' "$answer"; close 0; fi
}

has_tcp_diag() {
  if ! [ -e /proc/modules ]; then return 0; fi
  while read -r word _; do
    if [ "$word" = tcp_diag ]; then return 0; fi
  done </proc/modules
  have grep || return 1
  grep -q '/tcp_diag[.]ko' "/lib/modules/$(uname -r)/modules.builtin" 2>/dev/null ||
    # In a container there is no such file.
    grep -q ' tcp_diag_dump$' /proc/kallsyms 2>/dev/null
}

# An answer that is whole, and that has sockets in it where the kernel says that there are some.
is_answer() {
  case $answer in *"
end") ;; *) return 1 ;; esac
  case $answer in *" 1
fin_wait_2 0
inbound 0 0
outbound 0 "*"
undetermined 0 0
"*) ;; *) return 0 ;; esac
  if ! [ -r /proc/net/sockstat ]; then return 0; fi
  while read -r word _ _ _ _ _ number _; do
    if [ "$word" = TCP: ]; then [ "$number" = 0 ]; return; fi
  done </proc/net/sockstat
}

by_python() {
  tried=0
  IFS=:
  set -f
  # shellcheck disable=SC2086 # word splitting is the point
  set -- $PATH /usr/libexec
  unset IFS
  set +f
  for directory; do
    for name in python3 platform-python python python2 python2.7; do
      is_binary "$directory/$name" || continue
      tried=$((tried + 1))
      # In a directory that is root's, as Python looks for its modules there first.
      answer=$(cd / && "$directory/$name" -E -S -s -B -c "$COUNTER" "$TOP" "$low" "$high" "$reserved" 2>/dev/null)
      if is_answer; then counted=sock_diag; return; fi
      # The first may be too old.
      if [ "$tried" -gt 2 ]; then return 1; fi
    done
  done
  return 1
}
# What version managers put in the place of a program are scripts, which may take their time, or ask a question.
is_binary() {
  [ -f "$1" ] && [ -x "$1" ] || return 1
  IFS= read -r first <"$1"
  case $first in ?ELF*) ;; *) return 1 ;; esac
} 2>/dev/null

by_ss() {
  have ss && have awk || return 1
  # With the names of states: they are left out where only one is asked for.
  answer=$({ ss -ltn; echo sockets; all_by_ss; } 2>/dev/null | tally ss)
  is_answer || return 1
  counted=ss
  filter=''
  while read -r word _ destination port _; do
    if [ "$word" != out ]; then continue; fi
    case $destination in *:*) destination="[$destination]" ;; esac
    filter="$filter${filter:+ or }dst $destination:$port"
  done <<END
$answer
END
  if [ -n "$filter" ]; then
    answer="$(ss -tnoi state established "( $filter )" 2>/dev/null | timestamps)
$answer"
  fi
}
all_by_ss() {
  ss -tano state time-wait state established state syn-sent state fin-wait-1 state fin-wait-2 state close-wait \
    state last-ack state closing
}
# Two lines for each connection: addresses, and what was negotiated.
timestamps() {
  awk "$ADDRESSES"'
    /^[0-9]/ && two_addresses() { name = remote " " remote_port; next }
    name != "" { if (" " $0 " " ~ /[ \t]ts /) with[name]++; else without[name]++; all[name]; name = "" }
    END { for (name in all) print "timestamps", name, with[name] + 0, without[name] + 0 }'
}
# Of a line of ss: local and remote address and port, whatever columns are before and behind them.
# shellcheck disable=SC2016 # awk is to expand it
ADDRESSES='
  function two_addresses(   i, n) {
    n = 0
    for (i = 1; i <= NF && n < 2; i++) if ($i ~ /:[0-9]+$/ || (n && $i ~ /:\*$/)) found[++n] = $i
    if (n < 2) return 0
    local = address_of(found[1]); local_port = port; remote = address_of(found[2]); remote_port = port
    return 1
  }
  function address_of(text) {
    match(text, /:[0-9*]+$/)
    port = substr(text, RSTART + 1)
    text = substr(text, 1, RSTART - 1)
    sub(/%[^]]*/, "", text)
    gsub(/[][]/, "", text)
    if (text ~ /^::ffff:.*[.]/) text = substr(text, 8)
    return text
  }'

by_proc() {
  have awk && have cat || return 1
  answer=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | tally proc)
  case $answer in *"
end") ;; *) return 1 ;; esac
  counted="proc $(byte_order)"
}
# /proc/net has addresses as they lie in memory: the sixth byte of a program tells how that is.
byte_order() {
  IFS= read -r first <"/proc/$$/exe"
  little=$(printf '\001')
  case $first in ?ELF?"$little"*) echo little ;; *) echo big ;; esac
} 2>/dev/null

# Numbers are texts here until they must be numbers: awk has a million lines to read.
tally() {
  awk -v mode="$1" -v top="$TOP" -v low="$low" -v high="$high" -v reserved="$reserved" "$ADDRESSES"'
    BEGIN {
      most = 32768
      number_of_ranges = split(reserved, ranges, ",")
      if (mode == "proc") { listeners_in("/proc/net/tcp"); listeners_in("/proc/net/tcp6") }
    }
    # They come first, with half-open ones before Linux 4.4: the others need not be read.
    function listeners_in(file,   line, words, state) {
      while ((getline line < file) > 0) {
        split(line, words)
        state = words[4]
        if (state == "0A") { split(words[2], words, ":"); listening[decimal(words[2])] }
        else if (state != "st" && state != "03") break
      }
      close(file)
    }
    function decimal(text,   i, value) {
      if (mode == "ss") return text + 0
      value = 0
      for (i = 1; i <= length(text); i++) value = value * 16 + index("0123456789ABCDEF", substr(text, i, 1)) - 1
      return value
    }
    function is_ephemeral(port,   i, ends, n) {
      if (port < low + 0 || port > high + 0 || port in listening) return 0
      for (i = 1; i <= number_of_ranges; i++) {
        n = split(ranges[i], ends, "-")
        if (port >= ends[1] + 0 && port <= ends[n] + 0) return 0
      }
      return 1
    }
    # In TIME_WAIT, or open.
    function count(waits, local, local_port, remote, remote_port) {
      if (!(local_port in ephemeral)) ephemeral[local_port] = is_ephemeral(decimal(local_port))
      if (!ephemeral[local_port]) { if (waits) ports[local_port]++; return }
      if (waits) { outbound++; tell(groups, local " " remote " " remote_port) }
      else tell(opened, local " " remote " " remote_port)
      if (number_of_groups > most) prune()
    }
    function tell(tally, name) {
      if (!(name in tally)) number_of_groups++
      tally[name]++
    }
    # Forgets the smallest groups; see _census_host.py.
    function prune(   least) {
      for (least = 1; number_of_groups > most / 2; least *= 2) { forget(groups, least); forget(opened, least) }
      lost += least / 2
    }
    function forget(tally, least,   name) {
      for (name in tally) if (tally[name] <= least) { delete tally[name]; number_of_groups-- }
    }
    function plain(address) {
      if (length(address) != 32) return address
      if (substr(address, 1, 24) == "0000000000000000FFFF0000") return substr(address, 25)
      if (substr(address, 1, 24) == "00000000000000000000FFFF") return substr(address, 25)
      return address
    }
    mode == "proc" {
      if ($4 !~ /^0[1245689B]$/) next
      if ($4 == "05" && substr($6, 1, 3) == "03:") fin_wait_2++
      split($2, one, ":"); split($3, other, ":")
      count($4 == "06", plain(one[1]), one[2], plain(other[1]), other[2])
      next
    }
    $1 == "sockets" { told = 1; next }
    !told { two_listening(); next }
    $1 == "FIN-WAIT-2" && /timer:\(timewait,/ { fin_wait_2++ }
    { if (two_addresses()) count($1 == "TIME-WAIT", local, local_port, remote, remote_port) }
    function two_listening() { if (two_addresses()) listening[local_port + 0] }
    # The largest of an array, again and again: awk has no way to sort.
    function largest(array, how_many, kind,   done, name, best) {
      for (done = 0; done < how_many; done++) {
        best = ""
        for (name in array) if (best == "" || array[name] > array[best]) best = name
        if (best == "") return
        if (kind == "out") tell_group(best)
        else print kind, best, array[best] (kind == "in" ? "" : best in listening ? " listener" : " free")
        delete array[best]
      }
    }
    function tell_group(name,   words) {
      split(name, words, " ")
      print "out", words[1], words[2], decimal(words[3]), groups[name] + 0, opened[name] + 0
    }
    END {
      for (raw in ports) {
        port = decimal(raw)
        if (port in listening && (port < low + 0 || port > high + 0)) { inbound += served[port] = ports[raw]; n_in++ }
        else { others += rest[port] = ports[raw]; n_others++ }
      }
      print "whole", 1
      print "fin_wait_2", fin_wait_2 + 0
      print "inbound", inbound + 0, n_in + 0
      for (name in groups) taken[name] = groups[name]
      for (name in opened) taken[name] += opened[name]
      number_of_groups = 0
      for (name in taken) number_of_groups++
      print "outbound", outbound + 0, number_of_groups, lost + 0
      print "undetermined", others + 0, n_others + 0
      largest(served, top + 0, "in")
      largest(rest, top + 0, "other")
      largest(taken, top + 0, "out")
      print "end"
    }'
}
