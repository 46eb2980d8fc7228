# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible content, and what it reaches a host with: the sysctl assignments in it, and where each value stands. Pure
but for reading the files below the paths that it is given. Nothing of the content is ever run.
"""
