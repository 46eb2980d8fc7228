# shellcheck shell=sh disable=SC2034
# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What openrc-run gives a script; the last line is how it would call it.
ebegin() { :; }
eend() { return "$1"; }
eindent() { :; }
eoutdent() { :; }
vebegin() { :; }
veend() { :; }
veinfo() { :; }
vewarn() { :; }
eerror() { :; }
yesno() { return 1; }
RC_UNAME=Linux
