# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shell commands as people write them, with what they set and in which line.

The unit tests compare with what the lint finds, an integration test runs each and looks at what became of the host.
"""

from __future__ import annotations

from typing import NamedTuple

K, P = "net.ipv4.tcp_tw_recycle", "/proc/sys/net/ipv4/tcp_tw_recycle"
CONF = "/etc/sysctl.conf"
#: A value that the script does not decide.
UNKNOWN = "?"


class Snippet(NamedTuple):
    """``sets`` are lines, names without "tcp_" and values. ``before`` is what /etc/sysctl.conf holds. ``shells`` run
    it; ``seen`` are the values that a run leaves, where these are not those of ``sets``.
    """

    says: str
    script: str
    sets: str = ""
    before: str = ""
    shells: tuple[str, ...] = ("dash", "bash")
    seen: str | None = None


_BASH = ("bash",)
_DASH = ("dash",)
_NONE: tuple[str, ...] = ()

_SYSCTL = (
    Snippet("with -w", f"sysctl -w {K}=1", "1 tw_recycle 1"),
    Snippet("without -w", f"sysctl {K}=1", "1 tw_recycle 1"),
    Snippet("by its path, with sudo and options", f"sudo -n /sbin/sysctl -q -e -w {K}=1", "1 tw_recycle 1"),
    Snippet("several at once", f"sysctl -w {K}=1 net.ipv4.tcp_tw_reuse=0", "1 tw_recycle 1, 1 tw_reuse 0"),
    Snippet("a quoted value", f"sysctl -w {K}='1'", "1 tw_recycle 1"),
    Snippet("a quoted setting with blanks", f'sysctl -w "{K} = 1"', "1 tw_recycle 1"),
    Snippet("with slashes", "sysctl -w net/ipv4/tcp_tw_recycle=1", "1 tw_recycle 1"),
    Snippet("three words set nothing", f"sysctl -w {K} = 1"),
    Snippet("a key and a value as two words set nothing", f"sysctl -w {K} 1"),
    Snippet("an equals sign before the value sets nothing", f"sysctl -w {K} =1"),
    Snippet("a look", f"sysctl {K}; sysctl -n {K}; sysctl -a | grep tw_recycle"),
    Snippet("-a only shows", f"sysctl -a {K}=1"),
    Snippet("-n sets", f"sysctl -n {K}=1", "1 tw_recycle 1"),
    Snippet("a glob is no key here", "sysctl -w 'net.ipv4.tcp_tw_*=1'"),
    Snippet("one of 0", f"sysctl -w {K}=0", "1 tw_recycle 0"),
    Snippet(
        "0 first, 1 then", f"sysctl -w {K}=0\nsysctl -w {K}=1", "1 tw_recycle 0, 2 tw_recycle 1", seen="tw_recycle 1"
    ),
    Snippet("from a here-document", f"sysctl -p - <<EOF\n# x\n{K} = 1\nEOF", "3 tw_recycle 1"),
    Snippet("from a pipe", f"echo {K}=1 | sysctl -p /dev/stdin", "1 tw_recycle 1"),
    Snippet("from a substitution", f"sysctl -p <(echo '{K} = 1')", "1 tw_recycle 1", shells=_BASH),
    Snippet("over two lines", f"sysctl -w \\\n  {K}=1 \\\n  net.ipv4.tcp_tw_reuse=0", "2 tw_recycle 1, 3 tw_reuse 0"),
    Snippet("its output thrown away", f"sysctl -w {K}=1 >/dev/null 2>&1 || true", "1 tw_recycle 1"),
    Snippet("in braces", "sysctl -w net.ipv4.tcp_tw_{recycle,reuse}=1", "1 tw_recycle 1, 1 tw_reuse 1", shells=_BASH),
    Snippet("commented out", f"# sysctl -w {K}=1\n: # sysctl -w {K}=1"),
    Snippet("behind a comment with a quote", f"# don't\nsysctl -w {K}=1 # isn't it", "2 tw_recycle 1"),
    Snippet("by way of xargs", f"echo {K}=1 | xargs sysctl -w", "1 tw_recycle 1"),
    Snippet("each line by xargs", f"printf '%s\\n' {K}=1 | xargs -I{{}} sysctl -w {{}}", "1 tw_recycle 1"),
    Snippet("another host's", f"ssh -o A=b root@host 'sysctl -w {K}=1'", "1 tw_recycle 1"),
    Snippet(
        "another host's, by a document", f"ssh root@host <<'EOF'\nsysctl -w {K}=1\nEOF", "2 tw_recycle 1", shells=_NONE
    ),
    Snippet("a container's", "docker run -d --sysctl net.ipv4.tcp_tw_reuse=1 x", "1 tw_reuse 1", shells=_NONE),
    Snippet("a namespace's", f"ip netns exec x sysctl -w {K}=1", "1 tw_recycle 1", shells=_NONE),
    Snippet("of a container that runs", f"docker exec -it box sysctl -w {K}=1", "1 tw_recycle 1", shells=_NONE),
    Snippet("of process 1", f"nsenter -t 1 -n -m sysctl -w {K}=1", "1 tw_recycle 1", shells=_NONE),
    Snippet("of a root", f"chroot /mnt sysctl -w {K}=1", "1 tw_recycle 1", shells=_NONE),
    Snippet(
        "with a program that is not known",
        f"$SUDO sysctl -w {K}=1\ntry 3 sysctl -w {K}=0",
        "1 tw_recycle 1, 2 tw_recycle 0",
        shells=_NONE,
    ),
    Snippet(
        "of the kernel's command line",
        f"grubby --update-kernel=ALL --args='quiet sysctl.{K}=1'",
        "1 tw_recycle 1",
        shells=_NONE,
    ),
    Snippet("by augeas", f"augtool -s set /files/etc/sysctl.conf/{K} 1", "1 tw_recycle 1", shells=_NONE),
)

_WRITTEN = (
    Snippet("echo to the knob", f"echo 1 > {P}", "1 tw_recycle 1"),
    Snippet("without a blank", f"echo 1 >{P}", "1 tw_recycle 1"),
    Snippet("quoted", f"echo \"1\" > '{P}'", "1 tw_recycle 1"),
    Snippet("without a newline", f"echo -n 1 > {P}", "1 tw_recycle 1"),
    Snippet("printf", f"printf '1\\n' > {P}", "1 tw_recycle 1"),
    Snippet("printf with an argument", f"printf '%d\\n' 1 > {P}", "1 tw_recycle 1"),
    Snippet("the redirection first", f"> {P} echo 1", "1 tw_recycle 1"),
    Snippet("appended", f"echo 0 >> {P}", "1 tw_recycle 0", seen="tw_recycle 77\n0"),
    Snippet("tee", f"echo 1 | sudo tee {P} > /dev/null", "1 tw_recycle 1"),
    Snippet("tee of two", f"echo 1 | tee {P} /proc/sys/net/ipv4/tcp_tw_reuse", "1 tw_recycle 1, 1 tw_reuse 1"),
    Snippet("dd", f"echo 1 | dd of={P} 2>/dev/null", "1 tw_recycle 1"),
    Snippet("a here-string", f"cat <<< 1 > {P}", "1 tw_recycle 1", shells=_BASH),
    Snippet("in its directory", "cd /proc/sys/net/ipv4 && echo 1 > tcp_tw_recycle", "1 tw_recycle 1"),
    Snippet(
        "in a subshell's directory",
        "(cd /proc/sys/net/ipv4; echo 1 > tcp_tw_recycle)\necho 0 > tcp_tw_reuse",
        "1 tw_recycle 1",
    ),
    Snippet("a group", f"{{ echo 1; }} > {P}", "1 tw_recycle 1"),
    Snippet("another shell's", f"sudo sh -c 'echo 1 > {P}'", "1 tw_recycle 1"),
    Snippet(
        "another shell's with arguments",
        "bash -c 'echo $1 > /proc/sys/net/ipv4/$2' x 1 tcp_tw_recycle",
        "1 tw_recycle 1",
    ),
    Snippet("a shell in a shell", f"bash -c \"sh -c 'echo 1 > {P}'\"", "1 tw_recycle 1"),
    Snippet("eval", f"c='echo 1 >'\neval \"$c {P}\"", "1 tw_recycle 1"),
    Snippet("to the terminal", f"echo 1; echo '{K} = 1'; echo 'echo 1 > {P}'"),
    Snippet("to the terminal from a document", f"cat <<EOF\n{K} = 1\nEOF"),
    Snippet("to the terminal of errors", f"echo '{K} = 1' >&2"),
    Snippet("to nowhere", f"echo '{K} = 1' > /dev/null"),
    Snippet("only read", f"cat {P}; x=$(cat {P}); read -r y < {P}; [ -f {P} ] && grep -q 1 {P}"),
    Snippet("a subshell in the background", f"(sleep 0; echo 1 > {P}) & wait", "1 tw_recycle 1"),
    Snippet("what another command prints", f"uname -n > {P}", f"1 tw_recycle {UNKNOWN}", shells=_NONE),
    Snippet(
        "the knob in another place", "echo 1 > /host/proc/sys/net/ipv4/tcp_tw_recycle", "1 tw_recycle 1", shells=_NONE
    ),
)

_FILES = (
    Snippet("appended", f"echo '{K} = 1' >> {CONF}", "1 tw_recycle 1"),
    Snippet("appended without quotes", f"echo {K} = 1 >> {CONF}", "1 tw_recycle 1"),
    Snippet("by tee", f'echo "{K}=1" | sudo tee -a {CONF}', "1 tw_recycle 1"),
    Snippet(
        "by printf",
        f"printf '{K} = 1\\nnet.ipv4.tcp_tw_reuse = 0\\n' > /etc/sysctl.d/x.conf",
        "1 tw_recycle 1, 1 tw_reuse 0",
    ),
    Snippet("echo -e", f"echo -e 'a.b = 1\\n{K} = 1' >> {CONF}", "1 tw_recycle 1"),
    Snippet(
        "echo of a shell that takes escapes", f"echo 'a.b = 1\\n{K} = 1' >> {CONF}", "1 tw_recycle 1", shells=_DASH
    ),
    Snippet("echo of bash takes no escapes", f"#!/bin/bash\necho 'a.b = 1\\n{K} = 1' >> {CONF}", shells=_BASH),
    Snippet("quotes over lines", f"echo '\na.b = 1\n{K} = 1\n' >> {CONF}", "3 tw_recycle 1"),
    Snippet("a here-document", f"cat >> {CONF} <<EOF\n# {K} = 2\n{K} = 1\nEOF\n", "3 tw_recycle 1"),
    Snippet("a here-document first", f"cat <<EOF > {CONF}\n{K} = 1\nEOF\n", "2 tw_recycle 1"),
    Snippet(
        "a here-document of a quoted word", f"cat > {CONF} << 'E O F'\n{K} = 1\n# $x `y`\nE O F\n", "2 tw_recycle 1"
    ),
    Snippet("a here-document with tabs", f"cat > {CONF} <<-EOF\n\t{K} = 1\n\tEOF\n", "2 tw_recycle 1"),
    Snippet("a here-document of tee", f"sudo tee {CONF} <<EOF >/dev/null\n{K} = 1\nEOF\n", "2 tw_recycle 1"),
    Snippet("a here-document with a variable", f"v=1\ncat > {CONF} <<EOF\n{K} = $v\nEOF\n", "1 tw_recycle 1"),
    Snippet("two here-documents", f"cat <<A > {CONF}; cat <<B\n{K} = 1\nA\n{K} = 2\nB\n", "2 tw_recycle 1"),
    Snippet(
        "a here-document through a pipe", f"cat <<EOF | grep -v '^#' | tee {CONF}\n{K} = 1\n#x\nEOF\n", "2 tw_recycle 1"
    ),
    Snippet("cp from standard input", f"cp /dev/stdin {CONF} <<EOF\n{K} = 1\nEOF\n", "2 tw_recycle 1"),
    Snippet("several commands at once", f"{{\n  echo '{K} = 1'\n  echo '# done'\n}} >> {CONF}", "2 tw_recycle 1"),
    Snippet("what a function prints", f"settings() {{\n  echo '{K} = 1'\n}}\nsettings > {CONF}", "2 tw_recycle 1"),
    Snippet(
        "a variable for the file",
        f"F={CONF}\necho '{K} = 1' >> $F\necho 'net.ipv4.tcp_tw_reuse = 0' >> \"${{F}}\"",
        "2 tw_recycle 1, 3 tw_reuse 0",
    ),
    Snippet("a file that is named elsewhere", f"echo '{K} = 1' >> \"$SYSCTL_FILE\"", "1 tw_recycle 1", shells=_NONE),
    Snippet("a file that is put together first", f"echo '{K} = 1' > /run/x\ncat /run/x >> {CONF}", "1 tw_recycle 1"),
    Snippet("only where it is not there", f"grep -q tw_recycle {CONF} || echo '{K} = 1' >> {CONF}", "1 tw_recycle 1"),
    Snippet("a script for boot", f"echo 'echo 1 > {P}' >> /etc/rc.local", "1 tw_recycle 1", shells=_NONE),
    Snippet("a table of cron", f"echo '@reboot root sysctl -w {K}=1' > /etc/cron.d/x", "1 tw_recycle 1", shells=_NONE),
    Snippet(
        "a unit",
        f"cat > /etc/systemd/system/x.service <<EOF\n[Service]\nExecStart=/sbin/sysctl -w {K}=1\nEOF",
        "3 tw_recycle 1",
        shells=_NONE,
    ),
    Snippet("documentation", f"echo '{K} = 1' > /root/README.md", shells=_NONE),
    Snippet("a comment", f"echo '# {K} = 1' >> {CONF}"),
    Snippet("a glob", f"echo 'net.ipv4.tcp_tw_re* = 1' >> {CONF}", "1 tw_recycle 1, 1 tw_reuse 1", shells=_NONE),
)

_OLD, _OFF = f"{K} = 0\n", f"#{K} = 1\n"
_SED = (
    Snippet("a line replaced", f"sed -i 's/^{K}.*/{K} = 1/' {CONF}", "1 tw_recycle 1", _OLD),
    Snippet("a line replaced, other delimiters", f"sed -i 's#^{K}.*#{K} = 1#g' {CONF}", "1 tw_recycle 1", _OLD),
    Snippet(
        "a line replaced, escapes",
        f"sed -i 's/^net\\.ipv4\\.tcp_tw_recycle.*$/net\\.ipv4\\.tcp\\_tw\\_recycle\\ \\=\\ 1/g' {CONF}",
        "1 tw_recycle 1",
        _OLD,
    ),
    Snippet(
        "the end of a line replaced",
        f"sed -i 's/tcp_tw_recycle = 0/tcp_tw_recycle = 1/' {CONF}",
        "1 tw_recycle 1",
        _OLD,
    ),
    Snippet("a group kept", f"sed -i 's/\\({K} *= *\\)0/\\11/' {CONF}", "1 tw_recycle 1", _OLD),
    Snippet("a group kept, extended", f"sed -i -E 's/^({K}).*/\\1 = 1/' {CONF}", "1 tw_recycle 1", _OLD),
    Snippet("0 by 1 in that line", f"sed -i '/tcp_tw_recycle/s/0/1/' {CONF}", "1 tw_recycle 1", _OLD),
    Snippet("the value in that line", f"sed -i '/^{K}/ s/=.*/= 1/' {CONF}", "1 tw_recycle 1", _OLD),
    Snippet("0 for 1", f"sed -i 's/{K} = 1/{K} = 0/' {CONF}", "1 tw_recycle 0", f"{K} = 1\n"),
    Snippet("appended at the end", f"sed -i '$ a {K} = 1' {CONF}", "1 tw_recycle 1", "x.y = 1\n"),
    Snippet("appended, with a backslash", f"sed -i '$a\\{K} = 1' {CONF}", "1 tw_recycle 1", "x.y = 1\n"),
    Snippet(
        "several lines appended",
        f"sed -i '$a x.z = 1\\nnet.ipv4.tcp_tw_reuse = 0\\n{K} = 1' {CONF}",
        "1 tw_reuse 0, 1 tw_recycle 1",
        "x.y = 1\n",
    ),
    Snippet("inserted", f"sed -i '1i {K} = 1' {CONF}", "1 tw_recycle 1", "x.y = 1\n"),
    Snippet("changed", f"sed -i '/tw_recycle/c {K} = 1' {CONF}", "1 tw_recycle 1", _OLD),
    Snippet("two scripts", f"sed -i -e 's/a/b/' -e 's/^{K}.*/{K} = 1/' {CONF}", "1 tw_recycle 1", _OLD),
    Snippet("with double quotes and a variable", f'v=1\nsed -i "s/^{K}.*/{K} = $v/" {CONF}', "1 tw_recycle 1", _OLD),
    Snippet("a line brought to life", f"sed -i 's/^#{K} = 1/{K} = 1/' {CONF}", "1 tw_recycle 1", _OFF),
    Snippet(
        "a line of the file brought to life",
        f"sed -i '/{K}/s/^#//' {CONF}",
        f"1 tw_recycle {UNKNOWN}",
        _OFF,
        shells=_NONE,
    ),
    Snippet("a key brought to life", f"sed -i 's/^#{K}/{K}/' {CONF}", f"1 tw_recycle {UNKNOWN}", _OFF, shells=_NONE),
    Snippet("deleted", f"sed -i '/{K}/d' {CONF}", "", _OLD),
    Snippet("commented out", f"sed -i 's/^{K}/#&/' {CONF}", "", _OLD),
    Snippet("commented out, with a group", f"sed -i 's/^\\({K}.*\\)/# \\1/' {CONF}", "", _OLD),
    Snippet("emptied", f"sed -i 's/{K}.*//' {CONF}", "", _OLD),
    Snippet("to the terminal", f"sed 's/{K} = 0/{K} = 1/' {CONF}", "", "x.y = 1\n"),
    Snippet(
        "to another file",
        f"sed 's/{K} = 0/{K} = 1/' {CONF} > /etc/sysctl.d/x.conf",
        "1 tw_recycle 1",
        _OLD,
        seen="tw_recycle 1, tw_recycle 0",
    ),
    Snippet(
        "there, or else appended",
        f"grep -q '^{K}' {CONF} && sed -i 's/^{K}.*/{K}=1/' {CONF} || echo '{K}=1' >> {CONF}",
        "1 tw_recycle 1, 1 tw_recycle 1",
        _OLD,
    ),
    Snippet("perl", f"perl -pi -e 's/^{K}.*/{K} = 1/' {CONF}", "1 tw_recycle 1", _OLD),
    Snippet(
        "perl with a group",
        f"perl -i -pe 's/(tw_recycle\\s*=\\s*)0/${{1}}1/' {CONF}",
        "1 tw_recycle 1",
        _OLD,
        shells=_NONE,
    ),
)

_PROGRAMS = (
    Snippet("variables", f'KEY={K}\nVAL=1\nsysctl -w "$KEY=$VAL"', "2 tw_recycle 1"),
    Snippet("a default", f"sysctl -w {K}=${{VALUE:-1}}", "1 tw_recycle 1"),
    Snippet("a variable of somebody else", f"sysctl -w {K}=$VALUE", f"1 tw_recycle {UNKNOWN}", shells=_NONE),
    Snippet(
        "a variable of a branch",
        f"if [ -e /etc/passwd ]; then V=1; else V=0; fi\nsysctl -w {K}=$V",
        "1 tw_recycle 1, 1 tw_recycle 0",
        seen="tw_recycle 1",
    ),
    Snippet(
        "a variable of && and ||",
        f"[ -e /etc/passwd ] && V=1 || V=0\nsysctl -w {K}=$V",
        "1 tw_recycle 1, 1 tw_recycle 0",
        seen="tw_recycle 1",
    ),
    Snippet(
        "a loop over keys",
        "for k in tcp_tw_recycle tcp_tw_reuse; do\n  sysctl -w net.ipv4.$k=1\ndone",
        "2 tw_recycle 1, 2 tw_reuse 1",
    ),
    Snippet(
        "a loop over settings",
        f"for s in \\\n  {K}=1 \\\n  net.ipv4.tcp_tw_reuse=0\ndo\n  sysctl -w $s\ndone",
        "2 tw_recycle 1, 3 tw_reuse 0",
    ),
    Snippet(
        "a loop over a text",
        f"L='\n{K}=1\nnet.ipv4.tcp_tw_reuse=0\n'\nfor s in $L; do sysctl -w $s; done",
        "2 tw_recycle 1, 3 tw_reuse 0",
    ),
    Snippet(
        "a loop over an array",
        f'a=(\n  {K}=1\n  # {K}=2\n)\nfor s in "${{a[@]}}"; do sysctl -w "$s"; done',
        "2 tw_recycle 1",
        shells=_BASH,
    ),
    Snippet(
        "a loop over a map",
        f"declare -A m=(\n  [{K}]=1\n  ['net.ipv4.tcp_tw_reuse']=0\n)\n"
        'for k in "${!m[@]}"; do sysctl -w $k=${m[$k]}; done',
        "2 tw_recycle 1, 3 tw_reuse 0",
        shells=_BASH,
    ),
    Snippet(
        "a map filled line by line",
        f'declare -A m\nm[{K}]=1\nfor k in ${{!m[*]}}; do echo "$k = ${{m[$k]}}" >> {CONF}; done',
        "2 tw_recycle 1",
        shells=_BASH,
    ),
    Snippet(
        "a map that is only compared",
        f'declare -A m=([{K}]=1)\nfor k in ${{!m[@]}}; do v=$(sysctl -n $k); [ "$v" = "${{m[$k]}}" ] || echo $k; done',
        shells=_BASH,
    ),
    Snippet(
        "a counted array",
        f"k=({K})\nv=(1)\nfor ((i=0; i<${{#k[@]}}; i++)); do sysctl -w ${{k[$i]}}=${{v[$i]}}; done",
        "2 tw_recycle 1",
        shells=_BASH,
    ),
    Snippet(
        "a loop that reads",
        f"while read -r k v; do\n  sysctl -w $k=$v\ndone <<EOF\n{K} 1\nnet.ipv4.tcp_tw_reuse 0\nEOF",
        "4 tw_recycle 1, 5 tw_reuse 0",
    ),
    Snippet(
        "a loop that reads at a sign",
        f"printf '{K}=1\\n' | while IFS='=' read -r k v; do echo $v > /proc/sys/net/ipv4/${{k##*.}}; done",
        "1 tw_recycle 1",
    ),
    Snippet(
        "a key taken apart",
        f"for s in {K}=1; do k=${{s%%=*}}; v=${{s#*=}}; echo $v > /proc/sys/$(echo $k | tr . /); done",
        "1 tw_recycle 1",
    ),
    Snippet("dots for slashes", f"k={K}\necho 1 > /proc/sys/${{k//.//}}", "2 tw_recycle 1", shells=_BASH),
    Snippet("dots for slashes by sed", f"k={K}\necho 1 > /proc/sys/$(echo $k | sed 's/\\./\\//g')", "2 tw_recycle 1"),
    Snippet(
        "a function",
        f'put() {{\n  echo "$1 = $2" >> {CONF}\n}}\nput {K} 1\nput net.ipv4.tcp_tw_reuse 0',
        "4 tw_recycle 1, 5 tw_reuse 0",
    ),
    Snippet(
        "a function with local names",
        f'function put() {{\n  local key=$1 value="$2"\n  sysctl -w ${{key}}=${{value}}\n}}\nput {K} 1',
        "5 tw_recycle 1",
        shells=_BASH,
    ),
    Snippet("a function of one argument", f"off() {{ sysctl -w {K}=$1; }}\noff 0", "2 tw_recycle 0"),
    Snippet("a function that nothing calls", f"tune() {{\n  sysctl -w {K}=1\n}}", "2 tw_recycle 1", seen=""),
    Snippet(
        "a function that shifts",
        f"put() {{ while [ $# -gt 0 ]; do sysctl -w $1=$2; shift 2; done; }}\nput {K} 1 net.ipv4.tcp_tw_reuse 0",
        "2 tw_recycle 1, 2 tw_reuse 0",
    ),
    Snippet("all arguments of a function", f'put() {{ sysctl -w "$@"; }}\nput {K}=1', "2 tw_recycle 1"),
    Snippet("the script's own arguments", f"set -- {K} 1\nsysctl -w $1=$2", "1 tw_recycle 1"),
    Snippet(
        "branches of case",
        f'case "$1" in\n  start|"")\n    sysctl -w {K}=1 ;;\n  stop) sysctl -w {K}=0 ;;\nesac',
        "3 tw_recycle 1, 4 tw_recycle 0",
        seen="tw_recycle 1",
    ),
    Snippet(
        "a case that is decided", f"v=b\ncase $v in a*) sysctl -w {K}=1;; b) sysctl -w {K}=0;; esac", "2 tw_recycle 0"
    ),
    Snippet("a condition that is false", f'ENABLE=no\nif [ "$ENABLE" = yes ]; then\n  sysctl -w {K}=1\nfi'),
    Snippet(
        "a condition that is true",
        f'ENABLE=yes\nif [ "$ENABLE" = yes ]; then sysctl -w {K}=1; else sysctl -w {K}=0; fi',
        "2 tw_recycle 1",
    ),
    Snippet(
        "false and true",
        f"false && sysctl -w {K}=1\ntrue || sysctl -w {K}=1\ntrue && sysctl -w {K}=0",
        "3 tw_recycle 0",
    ),
    Snippet("behind exit", f"exit 0\nsysctl -w {K}=1"),
    Snippet("behind an exit that may not be", f'[ -n "$STOP" ] && exit 0\nsysctl -w {K}=1', "2 tw_recycle 1"),
    Snippet(
        "behind a usage message",
        f'usage() {{ echo "sysctl -w {K}=1"; exit 1; }}\n[ "$#" -gt 5 ] && usage\nsysctl -w {K}=0',
        "3 tw_recycle 0",
    ),
    Snippet(
        "commands between commands",
        f"x=$(sysctl -w {K}=1)\ny=`echo 0 > /proc/sys/net/ipv4/tcp_tw_reuse`",
        "1 tw_recycle 1, 2 tw_reuse 0",
    ),
    Snippet("a condition that sets", f"if ! sysctl -w {K}=1; then echo failed; fi", "1 tw_recycle 1"),
    Snippet("quotes within quotes", f'sh -c "echo \\"{K} = 1\\" >> {CONF}"', "1 tw_recycle 1"),
    Snippet("a text that is passed on", f'run() {{ "$@"; }}\nrun sysctl -w {K}=1', "2 tw_recycle 1"),
    Snippet("unset", f"V=1\nunset V\nsysctl -w {K}=${{V-0}}", "3 tw_recycle 0"),
    Snippet("a quote that is not closed", f'sysctl -w {K}=1\necho "unclosed', "1 tw_recycle 1", shells=_NONE),
    Snippet("arithmetic", f"n=0\nn=$((n + 1))\nsysctl -w {K}=$n", "2 tw_recycle 1"),
    Snippet(
        "a trap", f"trap 'sysctl -w {K}=0' EXIT\nsysctl -w {K}=1", "1 tw_recycle 0, 2 tw_recycle 1", seen="tw_recycle 0"
    ),
    Snippet(
        "a loop that goes on", f"for k in a {K}; do [ $k = a ] && continue; sysctl -w $k=1; done", "1 tw_recycle 1"
    ),
    Snippet(
        "an option",
        f"R=0\nwhile getopts r o; do case $o in r) R=1;; esac; done\n[ $R = 1 ] && sysctl -w {K}=1\nsysctl -w {K}=$R",
        "1 tw_recycle 0, 2 tw_recycle 1, 3 tw_recycle 1",
        seen="tw_recycle 0",
    ),
    Snippet(
        "a loop without a round",
        f"found=0\nwhile read -r line; do found=1; done < /dev/null\n[ $found = 0 ] && sysctl -w {K}=1",
        "3 tw_recycle 1",
    ),
    Snippet(
        "settings of another file",
        f"ENABLE=no\nV=0\n[ -r /etc/tune ] && . /etc/tune\nif [ $ENABLE = yes ]; then sysctl -w {K}=1; fi\nV=1\n"
        f"[ $V = 0 ] && sysctl -w {K}=2",
        "4 tw_recycle 1",
        seen="",
    ),
    Snippet(
        "a list that is moved into place",
        f"echo '{K} = 1' > /run/list.txt\nmv /run/list.txt {CONF}\necho 'net.ipv4.tcp_tw_reuse = 1' > /run/other.txt",
        "1 tw_recycle 1",
    ),
    Snippet("a list that is loaded", f"echo '{K} = 1' > /run/list.txt; sysctl -p /run/list.txt", "1 tw_recycle 1"),
    Snippet(
        "an end of a document that is none",
        f"cat > {CONF} <<EOF\n EOF\nEOF \n{K} = 1\nEOF\n",
        "4 tw_recycle 1",
    ),
    Snippet("the line made a comment", f"sed -i '/tcp_tw_recycle/s/.*/# gone = 1/' {CONF}", "", _OLD),
    Snippet("a function by a variable", f"tune() {{ sysctl -w {K}=$1; }}\nc=tune\n$c 0", "3 tw_recycle 0"),
    Snippet(
        "a condition turned round",
        f"a=1\n[ ! $a = 1 ] && sysctl -w {K}=1\n[ ! $a = 2 ] && sysctl -w {K}=0",
        "3 tw_recycle 0",
    ),
    Snippet(
        "a text that ends early",
        f"echo -e '{K} = 1\\cnet.ipv4.tcp_tw_reuse = 1\\nnet.ipv4.tcp_tw_reuse = 1' >> {CONF}",
        "1 tw_recycle 1",
        shells=_BASH,
    ),
    Snippet("a loop that ends", f"for k in a {K}; do [ $k = a ] && break; sysctl -w $k=1; done"),
    Snippet(
        "a map that is printed where its keys are known",
        f"declare -A m\nm[{K}]=1\nfor k in ${{!m[@]}}; do sysctl -n $k >/dev/null 2>&1 || continue\n"
        f"echo $k=${{m[$k]}}; done | tee -a {CONF}",
        "2 tw_recycle 1",
        shells=_BASH,
    ),
    Snippet(
        "a list of commands",
        f"l=('true' 'sysctl -w {K}=1')\nfor c in \"${{l[@]}}\"; do $c; done",
        "1 tw_recycle 1",
        shells=_BASH,
    ),
    Snippet(
        "a list of commands for eval",
        f'l=("sysctl -w {K}=\'1\'")\nfor c in "${{l[@]}}"; do eval "$c"; done',
        "1 tw_recycle 1",
        shells=_BASH,
    ),
    Snippet(
        "an array by way of a function",
        f"put() {{ for c in \"${{C[@]}}\"; do echo $c >> $2; done; }}\nC=('{K}=1')\nput $C {CONF}",
        "2 tw_recycle 1",
        shells=_BASH,
    ),
    Snippet("a function without arguments", f'tune() {{ [ -n "$1" ] && sysctl -w {K}=1; }}\ntune'),
    Snippet("a function that only dead code calls", f"E=no\ntune() {{ sysctl -w {K}=1; }}\n[ $E = yes ] && tune"),
    Snippet(
        "a function by another's hand", f"tune() {{ sysctl -w {K}=1; }}\nretry tune", "1 tw_recycle 1", shells=_NONE
    ),
    Snippet(
        "a comparison of numbers",
        f"(( $# > 5 )) && exit 0\n(( $# > 5 )) || sysctl -w {K}=1",
        "2 tw_recycle 1",
        shells=_BASH,
    ),
    Snippet("a test with a pattern", f"[[ $1 =~ ^(a|b)$ && -f x ]] || sysctl -w {K}=1", "1 tw_recycle 1", shells=_BASH),
    Snippet("a version compared", f"[[ $(uname -r) > 9 ]] || sysctl -w {K}=1", "1 tw_recycle 1", shells=_BASH),
    Snippet(
        "a wrapper that tries",
        'wr() {\n  [ -f "$1" ] || return 0\n  chmod +w "$1"\n  echo "$2" > "$1" 2>/dev/null || echo no\n}\n'
        "sys=/proc/sys\nwr $sys/net/ipv4/tcp_tw_recycle 1",
        "7 tw_recycle 1",
    ),
    Snippet(
        "arguments the other way round",
        "ec() { echo $2 > $1; }\nI4=/proc/sys/net/ipv4\nec $I4/tcp_tw_recycle 0",
        "3 tw_recycle 0",
    ),
    Snippet("output of others before it", f"{{ uname; hostname; echo '{K} = 1'; }} > {CONF}", "1 tw_recycle 1"),
    Snippet(
        "a file that is copied into place",
        f"cat > /run/x.conf <<EOF\n{K} = 1\nEOF\nmv /run/x.conf {CONF}",
        "2 tw_recycle 1",
    ),
    Snippet(
        "a script that is made and run",
        f"cat > /run/x.sh <<'EOF'\n#!/bin/sh\nsysctl -w {K}=$1\nEOF\nsh /run/x.sh 0",
        f"3 tw_recycle {UNKNOWN}",
        seen="tw_recycle 0",
    ),
    Snippet("a value out of a file", f"sysctl -w {K}=$(cat /etc/value)", f"1 tw_recycle {UNKNOWN}", shells=_NONE),
    Snippet(
        "a value restored",
        f"old=$(sysctl -n {K})\nsysctl -w {K}=1\nsysctl -w {K}=$old",
        f"1 tw_recycle {UNKNOWN}, 2 tw_recycle 1",
        seen="",
    ),
    Snippet("a text that looks like the start of a document", f"x=$((1<<2))\nsysctl -w {K}=1", "2 tw_recycle 1"),
    Snippet("a hash within a word", f"echo a#b; sysctl -w {K}=1", "1 tw_recycle 1"),
    Snippet("a quote in a comment in a substitution", f"x=$(echo a # it's\n)\nsysctl -w {K}=1", "3 tw_recycle 1"),
    Snippet("case within a substitution", f"x=$(case a in a) echo 1;; esac)\nsysctl -w {K}=$x", "1 tw_recycle 1"),
    Snippet("nested substitutions", f'sysctl -w {K}=$(echo $(echo "$(echo 1)"))', "1 tw_recycle 1"),
    Snippet("a setting with crudini", f"crudini --set {CONF} '' {K} 1", "1 tw_recycle 1", shells=_NONE),
    Snippet(
        "words of Ansible",
        "sysctl -w net.ipv4.tcp_tw_recycle=\ue000recycle|default(1)\ue001",
        f"1 tw_recycle {UNKNOWN}",
        shells=_NONE,
    ),
    Snippet(
        "line ends of another system",
        f"sysctl -w {K}=1\r\nsysctl -w net.ipv4.tcp_tw_reuse=0\r\n",
        "1 tw_recycle 1, 2 tw_reuse 0",
        shells=_NONE,
    ),
)

SNIPPETS = (*_SYSCTL, *_WRITTEN, *_FILES, *_SED, *_PROGRAMS)
