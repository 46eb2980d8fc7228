# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traps for whoever foretells what sysctl files amount to, as data: a table for each part of a tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: Names of files. Each trap puts one of these in some directory, with an ordinary line in it.
NAMES: Mapping[str, tuple[str, ...]] = {
    "99-sysctl.conf": ("99-sysctl.conf",),
    "9-x.conf, behind all that begin with 10 to 99-": ("9-x.conf", "9x.conf", "9.conf"),
    "99-timewait.conf": ("99-timewait.conf",),
    "upper case": ("B.conf", "ZZ.conf", "Aa.conf"),
    "no .conf": ("README", "zz.conf~", "zz.conf.rpmsave", "zz", "zz.CONF", "zz.conf.", "zzconf", "conf"),
    "a dotfile": (".a.conf", ".zz.conf", "..conf", "..zz.conf"),
    "an extension only": (".conf",),
    "spaces": ("5 0.conf", " z.conf", "zz .conf"),
    "a newline in the name": ("5\n0.conf", "\nz.conf"),
    "bytes beyond ASCII": ("\udcff.conf", "\u00e9.conf", "z\U0001f600.conf", "\uff5a.conf"),
    "characters of shell patterns": ("*.conf", "[a].conf", "?.conf", "z*.conf", "\\.conf", "{a,b}.conf"),
    "a dash in front": ("-n.conf", "--help.conf", "-.conf"),
    "punctuation": ("99_a.conf", "99.conf", "99~.conf", "99+a.conf", "99=a.conf", "99#a.conf"),
    "a very long name": (f"{'z' * 250}.conf",),
    "two extensions": ("zz.conf.conf", "50-b.conf.conf"),
}

#: Lines. ``{k}`` is a key with dots, ``{s}`` with slashes, ``{n}`` its name; ``{stem}`` and
#: ``{end}`` are the name but its last character, and that; ``{tail}`` is its last word. ``{v}`` and ``{w}`` are values
#: that nothing else in the tree has.
LINES: Mapping[str, tuple[str, ...]] = {
    "-key = value": ("-{k} = {v}", "-{s}={v}"),
    "a bare -key": ("-{k}", "-{k}  ", "-{s}"),
    "a bare -key behind a glob for it": ("net.ipv4.{stem}* = {v}\n-{k}", "net.ipv4.*_{tail} = {v}\n-{s}"),
    "- key": ("- {k} = {v}", "- {k}", " - {k}={v}"),
    "--key": ("--{k} = {v}", "--{k}", "---{k} = {v}"),
    "-key without a kernel's key": ("-net.ipv4.no_such_{n} = {v}\n{k} = {w}",),
    "a glob": ("net.ipv4.{stem}* = {v}", "net/ipv4/{stem}? = {v}", "net.ipv4.*_{tail} = {v}"),
    "a glob with a dash": ("-net.ipv4.{stem}* = {v}", "-net/ipv4/{stem}?={v}"),
    "a glob behind an explicit key": ("{k} = {v}\nnet.ipv4.{stem}* = {w}", "{s} = {v}\nnet/ipv4/{stem}?={w}"),
    "a glob before an explicit key": ("net.ipv4.{stem}* = {w}\n{k} = {v}",),
    "two globs": ("net.ipv4.{stem}* = {v}\nnet.ipv4.*_{tail} = {w}", "net.ipv4.{stem}? = {v}\nnet.ipv4.{stem}* = {w}"),
    "a glob repeated": ("net.ipv4.{stem}*={v}\nnet.ipv4.*_{tail}={w}\nnet.ipv4.{stem}*={v}",),
    "a glob changed": ("net.ipv4.{stem}*={v}\nnet.ipv4.*_{tail}={w}\nnet.ipv4.{stem}*=77",),
    "a glob cancelled": ("net.ipv4.{stem}*={v}\n-net.ipv4.{stem}*", "-net.ipv4.{stem}*\nnet.ipv4.{stem}* = {v}"),
    "a glob in a directory": ("net.*.{n} = {v}", "*.ipv4.{n} = {v}", "net/ip*4/{n}={v}", "net.ipv[4].{n} = {v}"),
    "a glob that would have to match a slash": ("net.*{n} = {v}", "*_{tail} = {v}", "net/*{n}={v}"),
    "a glob with brackets": (
        "net.ipv4.{stem}[{end}] = {v}",
        "net.ipv4.{stem}[a-z] = {v}",
        "net/ipv4/{stem}[]{end}]={v}",
    ),
    "a glob with [!]": ("net.ipv4.{stem}[!0] = {v}", "net.ipv4.{stem}[!{end}] = {v}"),
    "a glob with [^]": ("net.ipv4.{stem}[^0] = {v}", "net.ipv4.{stem}[^{end}] = {v}"),
    "a glob with a class": ("net.ipv4.{stem}[[:alnum:]] = {v}", "net.ipv4.{stem}[[:digit:][:lower:]] = {v}"),
    "a glob with a backslash": (
        "net.ipv4.\\{stem}* = {v}",
        "net.ipv4.{stem}\\* = {v}",
        "net.ipv4.{stem}[\\{end}] = {v}",
    ),
    "a glob with # or ; in it": ("net.ipv4.{stem}[#{end}] = {v}", "net.ipv4.{stem}[;{end}] = {v}"),
    "a glob with braces": (
        "net.ipv4.{{no_such,{stem}*}} = {v}",
        "net.ipv4.{{{stem}?,x*}} = {v}",
        "net.{{ipv4,x}}.{stem}*={v}",
    ),
    "braces without a glob": ("net.ipv4.{{no_such,{n}}} = {v}",),
    "a bracket without its end": ("net.ipv4.{stem}[{end} = {v}",),
    "a glob with separators doubled": ("net//ipv4/{stem}* = {v}", "net..ipv4.{stem}* = {v}", "net/./ipv4/{stem}*={v}"),
    "a glob with ..": ("net/ipv4/../ipv4/{stem}* = {v}", "net/core/../ipv4/{stem}?={v}", "net/*/../ipv4/{n} = {v}"),
    "slashes": ("{s} = {v}", "{s}={v}"),
    "a slash in front": ("/{s} = {v}", "/{k} = {v}", "//{s} = {v}"),
    "a dot in front": (".{k} = {v}", "..{k} = {v}", "./{s} = {v}"),
    "dots, then a slash": ("net.ipv4/{n} = {v}",),
    "a slash, then a dot": ("net/ipv4.{n} = {v}",),
    "separators doubled": ("net//ipv4/{n} = {v}", "net..ipv4.{n} = {v}", "net/./ipv4/{n} = {v}"),
    "a separator behind": ("{s}/ = {v}", "{k}. = {v}", "{s}/. = {v}"),
    "..": ("net/ipv4/../ipv4/{n} = {v}", "net/../net/ipv4/{n} = {v}", "../sys/{s} = {v}", "net.ipv4.//.ipv4.{n}={v}"),
    "a whole path": ("/proc/sys/{s} = {v}", "proc.sys.{k} = {v}"),
    "another case": ("NET.IPV4.{n} = {v}", "Net.ipv4.{n} = {v}"),
    "a comment with #": ("# {k} = {v}", "#{k}={v}", "  # {k} = {v}", "#-{k}"),
    "a comment with ;": ("; {k} = {v}", ";{k}={v}", "\t;{k} = {v}"),
    "a note behind a value": ("{k} = {v} # note", "{k} = {v}# note", "{k} = {v} ; note", "{k} = {v};"),
    "a comment sign in the key": ("{k}# = {v}", "{k} # = {v}", "net.ipv4.;{n} = {v}", "%{k} = {v}"),
    "blanks": ("   {k}   =   {v}   ", "\t{k}\t=\t{v}\t", "{k}={v}", "{k} ={v}"),
    "form feed and vertical tab": ("\f{k}\v=\v{v}\f", "{k} = \f{v}", "\v{k}={v}"),
    "a blank in the key": ("net.ipv4 .{n} = {v}", "net. ipv4.{n} = {v}", "{k} x = {v}"),
    "no-break and wide spaces": ("\u00a0{k} = {v}", "{k}\u00a0= {v}", "{k} =\u3000{v}", "{k} = {v}\u0085"),
    "no equals sign": ("{k} {v}", "{k}", "{k}: {v}"),
    "several equals signs": ("{k} == {v}", "{k} = {v} = {w}", "{k} = = {v}", "{k}={v}="),
    "no key": ("= {v}", " = {v}", "- = {v}", "-", "--", "-= {v}"),
    "no value": ("{k} =", "{k}=  ", "-{k} ="),
    "a refused value": ("{k} = refused", "{k} = 99999999999999999999", "{s} = -x", "-{k} = refused"),
    "a refused value behind another": ("{k} = {v}\n{k} = refused", "{k} = {v}\n{s} = refused\n{k} ="),
    "a value in quotes": ('{k} = "{v}"', "{k} = '{v}'"),
    "hexadecimal, octal, a plus": ("{k} = 0x1f", "{k} = 017", "{k} = +9", "{k} = 0X2A"),
    "more than one word": ("{k} = {v} {w}", "{k} = {v}\t7", "{k} = {v} x"),
    "twice in a file": ("{k} = {v}\n{k} = {w}", "{k} = {v}\n{s} = {w}", "{s} = {v}\n/{k} = {w}\n{k} = 66"),
    "a line that goes on": (
        "{k} = \\\n{v}",
        "{k} \\\n= {v}",
        "# note \\\n{k} = {v}",
        "{k} = {v} \\\nx = y",
        "{k} = {v}\\",
    ),
    "a key that no kernel has": ("net.ipv4.no_such_{n} = {v}", "no.such.{n} = {v}", "{k}.more = {v}", "{n} = {v}"),
    "a directory as a key": ("net.ipv4 = {v}", "net/ipv4/ = {v}", "net.ipv4.* = x/y"),
    "no text at all": ("\n\n", " \t ", ""),
    "bytes beyond ASCII in a comment": ("# \udcff\udcfe {k} = {v}", "; \u00e9\n{k} = {v}"),
    "bytes beyond ASCII in a value": ("{k} = {v}\udcff", "{k} = \udcff{v}", "{k} = \uff13"),
    "bytes beyond ASCII in a key": ("{k}\udcff = {v}", "net.ipv4.\udce9{n} = {v}", "\udc80{k} = {v}"),
    "a carriage return in a value": ("{k} = {v}\r{w}", "{k} = {v}\r\r", "{k} =\r{v}"),
    "a carriage return in a key": ("{k}\r= {v}", "\r{k} = {v}", "-\r{k} = {v}"),
    "a setting behind a carriage return": ("# x\r{k} = {v}", "no.such.key = 1\r{k} = {v}", "{k} = {w}\r{k} = {v}"),
    "a NUL behind a value": ("{k} = {v}\0junk", "{k} = {v}\0", "{k} = \0{v}", "{k} = {v}\0\0\0"),
    "a NUL in a key": ("{k}\0 = {v}", "\0{k} = {v}", "net.ipv4\0.{n} = {v}"),
    "a setting behind a NUL": ("# x\0{k} = {v}", "no.such.key = 1\0{k} = {v}", "{k} = {w}\0{k} = {v}"),
}

#: Very long lines: ``{x}`` is filled up until the line is as long as one of these: around the buffers of programs
#: (1024, 2048, 4096 and 8192 bytes), and far beyond them.
LENGTHS = (1022, 1023, 1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097, 8191, 8192, 8193, 20000, 70000)
LONG: Mapping[str, tuple[tuple[str, str], ...]] = {
    "a very long run of blanks": (
        (" ", "{k} = {x}{v}"),
        (" ", "{x}{k} = {v}"),
        (" ", "{k}{x}= {v}"),
        ("\t", "{k} = {v}{x}"),
    ),
    "a very long comment that ends in a setting": (
        ("#", "{x}{k} = {v}"),
        ("x", "#{x} {k} = {v}"),
        ("x", ";{x}{k}={v}"),
    ),
    "a very long value": (("0", "{k} = {x}{v}"), ("x", "{k} = {v} {x}"), (" 5", "{k} = {v}{x}"), ("1", "{k} = {v}{x}")),
    "a very long key": (("x", "net.ipv4.{x} = {v}"), ("/", "net/{x}ipv4/{n} = {v}"), ("x", "{x}\n{k} = {v}")),
}


def _rewritten(pattern: bytes, by: bytes) -> Callable[[bytes], bytes]:
    return lambda content: re.sub(pattern, by, content)


#: What is wrong with a file as a whole: what becomes of its bytes.
BYTES: Mapping[str, tuple[Callable[[bytes], bytes], ...]] = {
    "CRLF": (_rewritten(rb"\r?\n", b"\r\n"),),
    "LF CR": (_rewritten(rb"\n", b"\n\r"),),
    "CR alone": (_rewritten(rb"\n", b"\r"),),
    "NUL for a newline": (_rewritten(rb"\n", b"\0"),),
    "NUL behind each newline": (_rewritten(rb"\n", b"\n\0"),),
    "no newline at the end": (lambda content: content.rstrip(b"\n"),),
    "a byte order mark": (lambda content: b"\xef\xbb\xbf" + content, lambda content: b"\xff\xfe" + content),
    "a control character at the end": (lambda content: content + b"\x1a", lambda content: content + b"\0"),
    "a thousand lines of others in front": (lambda content: b"# others\n\nno.such = 1\n" * 333 + content,),
    "blank lines": (_rewritten(rb"\n", b"\n\n \t\n"),),
}

#: Two directories, of which the first is to win by rank, with a file of one name in each (None: in all four).
RANKS: Mapping[str, tuple[int, int] | None] = {
    "one name in /etc and /run": (0, 1),
    "one name in /etc and /usr/lib": (0, 3),
    "one name in /run and /usr/local/lib": (1, 2),
    "one name in /usr/local/lib and /usr/lib": (2, 3),
    "one name in all directories": None,
}

#: Links by what they lead to: a target, or what the generator knows to make one of.
LINKS: Mapping[str, tuple[str, ...]] = {
    "a link to /dev/null": ("/dev/null", "../../dev/null"),
    "a link to /etc/sysctl.conf": ("/etc/sysctl.conf", "../sysctl.conf"),
    "a dangling link": ("/nowhere", "nowhere.conf", "/etc/sysctl.d/nowhere/x"),
    "a link to a directory": ("/etc", "."),
    "a link that leads to itself": ("SELF",),
    "a link to another file": ("OTHER",),
    "a link to a link": ("LINK",),
    "a link to a file elsewhere": ("ELSEWHERE",),
}

#: What else may bear the name of a file.
KINDS: tuple[str, ...] = (
    "an empty file",
    "a file of comments only",
    "a file that nobody may read",
    "a directory named .conf",
    "a directory with files in it",
    "a FIFO that another file masks",
    "a FIFO",
    "a hard link",
)

#: What becomes of a place that always has the same name.
PLACES: Mapping[str, str] = {
    "/etc/sysctl.d is a link": "/etc/sysctl.d",
    "/etc/sysctl.d is missing": "/etc/sysctl.d",
    "/run/sysctl.d is a link to /etc/sysctl.d": "/run/sysctl.d",
    "/etc/sysctl.conf is missing": "/etc/sysctl.conf",
    "/etc/sysctl.conf is a link": "/etc/sysctl.conf",
    "/etc/sysctl.conf is a directory": "/etc/sysctl.conf",
    "/etc/sysctl.conf is empty": "/etc/sysctl.conf",
    "/etc/sysctl.conf has settings": "/etc/sysctl.conf",
}


@dataclass(frozen=True)
class Trap:
    """``table`` is where it stands, and says what becomes of it; traps of one ``place`` cannot go together."""

    table: str
    name: str
    place: str | None = None


#: In the order in which they are laid: lines first, then what becomes of files.
TRAPS: tuple[Trap, ...] = (
    *(Trap("names", name) for name in NAMES),
    *(Trap("ranks", name) for name in RANKS),
    *(Trap("lines", name) for name in LINES),
    *(Trap("long", name) for name in LONG),
    *(Trap("bytes", name) for name in BYTES),
    *(Trap("kinds", name) for name in KINDS),
    *(Trap("links", name) for name in LINKS),
    *(Trap("places", name, place) for name, place in PLACES.items()),
)
