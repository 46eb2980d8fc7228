#!/usr/bin/python
"""Reports whether net.ipv4.tcp_tw_recycle = 1 is in force."""

DOCUMENTATION = """
module: acme_fact
short_description: Reports tcp_tw_recycle
description: [sysctl -w net.ipv4.tcp_tw_recycle=1 is what it looks for]
"""
EXAMPLES = """
- sysctl:
    name: net.ipv4.tcp_tw_recycle
    value: 1
"""
