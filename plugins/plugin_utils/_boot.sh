# shellcheck shell=sh
# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What a probe reads of the way in which a host boots: its init, the boot script that applies sysctl files, and the
# settings that come from elsewhere than files. _boot.py and _loaders.py say what they mean. Sent behind _probe.sh.
# shellcheck disable=SC2154 # the variables and the functions of _probe.sh

# Whether systemd runs this host: sd_booted(3).
systemd_runs() { [ -d /run/systemd/system ] && ! in_chroot; }

in_chroot() { [ -e /proc/1/root/. ] && ! [ /proc/1/root/. -ef /. ]; }

# The name of a process: in brackets, and it may hold some itself. Where nobody may see it, it is empty.
process() {
  stat=''
  IFS= read -r stat 2>/dev/null <"/proc/$1/stat"
  stat=${stat#*"("}
  printf '%s' "${stat%")"*}"
}

# What tells which init boots this host, and what applies sysctl files then. Where systemd runs it, that is all.
boots() {
  if systemd_runs; then
    frame systemd_booted; close 0
    return
  fi
  if in_chroot; then frame chroot; close 0; fi
  section process_1 process 1
  # The kernel's own process has this number on every machine.
  if [ "$(process 1)" ] && [ "$(process 2)" != kthreadd ]; then frame own_processes; close 0; fi
  if [ -e /run/openrc/softlevel ]; then frame openrc; close 0; fi
  if [ -x /sbin/initctl ]; then frame upstart; close 0; fi
  if [ -e /sbin/init ]; then
    for program in /lib/systemd/systemd /usr/lib/systemd/systemd /bin/busybox /sbin/openrc-init /sbin/runit-init \
      /sbin/init; do
      if [ /sbin/init -ef "$program" ]; then break; fi
    done
    frame sbin_init; printf '%s' "${program##*/}"; close 0
  fi
  boot_scripts
}

# Those that are known to run sysctl, where they are enabled. Upstart runs a job in place of the script of its name.
boot_scripts() {
  if [ -x /sbin/initctl ] && [ -e /etc/init/procps.conf ]; then
    if ! [ -e /etc/init/procps.override ]; then boot_script upstart /etc/init/procps.conf; fi
  else
    for file in /etc/rcS.d/S[0-9][0-9]procps; do boot_script rcS.d "$file"; done
  fi
  for file in /etc/runlevels/*/sysctl /etc/runlevels/*/procps; do boot_script runlevels "$file"; done
  for file in /etc/rc.d/S[0-9][0-9]sysctl; do boot_script procd "$file"; done
  boot_script runit /etc/runit/core-services/08-sysctl.sh
  boot_script rc.sysinit /etc/rc.d/rc.sysinit /etc/rc.d/init.d/functions
}

# Of a boot script (and what it includes) the lines that mention sysctl, and of these no values, which may be secrets.
boot_script() { # where script...
  where=$1
  shift
  if ! [ -f "$1" ]; then return; fi
  frame "script $where"
  for file in "$@"; do
    if ! [ -r "$file" ] || too_large "$file"; then close 1; return; fi
    while IFS= read -r line || [ -n "$line" ]; do
      case $line in *sysctl* | *--system*) ;; *) continue ;; esac
      line=${line#"${line%%[![:space:]]*}"}
      case $line in "#"*) ;; *=*) printf '%s=\n' "${line%%=*}" ;; *) printf '%s\n' "$line" ;; esac
    done <"$file"
  done
  close 0
}

# The sysctl parameters on the kernel's command line that are about our keys, one a line. Within quotes spaces are part
# of a value; behind "--" all is for the init.
command_line() {
  words=''
  IFS= read -r words 2>/dev/null </proc/cmdline
  case $words in *sysctl[./]*) ;; *) return ;; esac
  frame cmdline
  set -f
  word=''
  for part in $words; do
    word=${word:+$word }$part
    # An odd number of quotes: the word goes on.
    case $word in \"*\" | *\"*\") ;; *\"*) continue ;; esac
    if [ "$word" = -- ]; then break; fi
    for name in $NAMES; do
      case ${word%%=*} in sysctl[./]*"$name" | \"sysctl[./]*"$name") printf '%s\n' "$word"; break ;; esac
    done
    word=''
  done
  set +f
  close 0
}

# Settings that systemd-sysctl is handed, as a file that comes after all others; see _loaders.py for the places.
credentials() {
  for directory in /run/credentials/@system /etc/credstore /run/credstore /usr/local/lib/credstore /usr/lib/credstore; do
    if [ -e "$directory/sysctl.extra" ]; then sysctl_file "$directory/sysctl.extra"; fi
  done
  for directory in /run/credentials/@encrypted /etc/credstore.encrypted; do
    if [ -e "$directory/sysctl.extra" ]; then
      frame path; printf '%s' "$directory/sysctl.extra"; close 0
      frame "lines encrypted"; close 0
    fi
  done
}

# What applies sysctl files on this host, and its version.
loaders() {
  boots
  command_line
  # A unit is masked by a link to /dev/null or an empty file.
  unit=/etc/systemd/system/systemd-sysctl.service
  if [ -e $unit ] && ! [ -s $unit ]; then frame masked; close 0; fi
  for program in /usr/lib/systemd/systemd-sysctl /lib/systemd/systemd-sysctl; do
    if [ -x "$program" ]; then
      section systemd "$program" --version 2>&1
      credentials
      break
    fi
  done
  if have sysctl; then section sysctl sysctl --version 2>&1; fi
}
