# shellcheck shell=sh
# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Other network namespaces of a host, for facts alone. Sent behind _probe.sh when ADVICE is 1, with:
#   PER_POD    knobs whose values in other network namespaces are told
# shellcheck disable=SC2154 # the variables and the functions of _probe.sh

# What is read in each other network namespace that has a network: those of containers and pods. One with nothing but lo
# is a service's that is to have no network. They are told from one another by one process each, with awk; their values
# take nsenter, which changes nothing in them.
namespaces() {
  # The host's own network is the initial one; what a container sees of others are not its pods.
  [ -e "$INITIAL" ] && have ls && have awk && have nsenter || return 0
  set -f
  # shellcheck disable=SC2046 # word splitting is the point
  set -- $(first_of_each_namespace)
  set +f
  for pid; do
    has_network "$pid" || continue
    frame namespace
    # shellcheck disable=SC2016 # expanded by the inner shell
    nsenter -n"/proc/$pid/ns/net" sh -c 'for n in $1; do
        if [ -r "/proc/sys/net/ipv4/$n" ]; then printf "%s " "$n"; cat "/proc/sys/net/ipv4/$n"; fi
      done' sh "$PER_POD" 2>/dev/null
    close $?
  done
}
# No more than 100: there may be thousands.
first_of_each_namespace() {
  set +f
  # shellcheck disable=SC2012 # names of processes are numbers
  ls -ln /proc/self/ns/net /proc/[0-9]*/ns/net 2>/dev/null | awk '
    { split($(NF - 2), path, "/") }
    path[3] == "self" { own = $NF; next }
    !($NF in first) { first[$NF] = path[3] }
    END { for (name in first) if (name != own && told++ < 100) print first[name] }'
}
has_network() {
  while read -r interface _; do
    case $interface in Inter-* | face | lo:*) ;; *:*) return 0 ;; esac
  done <"/proc/$1/net/dev"
  return 1
} 2>/dev/null
