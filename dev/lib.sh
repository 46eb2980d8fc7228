# shellcheck shell=sh
# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Sourced by every script in dev/. Exit statuses of these scripts:
#   0 done, 1 failed, 77 this machine lacks something (the last line of stderr says what, and the remedy).

set -eu

# A plain user's PATH often lacks the directories of ip and others.
PATH=$PATH:/usr/sbin:/sbin

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# shellcheck disable=SC2034  # used by the scripts that source this file
work=$root/.work
requirements=$root/dev/requirements
# shellcheck disable=SC2034  # used by the scripts that source this file
cores='core-2.16 core-2.19 core-2.21'

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

lacking() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    # dev/test repeats the reason in its summary.
    [ -z "${LACKING_FILE-}" ] || printf '%s\n' "$*" >"$LACKING_FILE"
    exit 77
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# The Python versions that requirements file $1 can be installed for, the preferred one first.
pythons_for() {
    sed -n 's/^# python: //p' "$requirements/$1.txt"
}

# A name on PATH proves little (version managers put shims there): run it and look at what answers.
is_python() {
    [ "$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$2" ]
}

# The Pythons of version $1 on this machine, one a line.
find_pythons() {
    for candidate in "python$1" python3 "${PYENV_ROOT:-${HOME-}/.pyenv}"/versions/"$1".*/bin/python; do
        if have "$candidate" && is_python "$candidate" "$1"; then
            command -v "$candidate"
        fi
    done
}
