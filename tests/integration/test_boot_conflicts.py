# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other files make of the settings at the next boot: predicted, refused or mended, proven by the real loader."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.integration.support import BY_MODULE, failure, outcome, run_side_by_side, settings, warnings_of
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import Ansible, Run
from tests.sandbox.states import DROPIN, files, state

Playbook = Callable[..., Run]

REUSE_OFF = "net.ipv4.tcp_tw_reuse = 0"


@dataclass(frozen=True)
class Tree:
    """Files on a host, links given by a leading "->"; ``blamed`` is what a conflict names: a file and a line."""

    files: dict[str, str]
    blamed: str | None = None
    options: dict[str, object] = field(default_factory=dict)
    #: The file that comment_out edits, if it is not the one that is blamed; empty where nothing may be edited.
    edited: str | None = None

    def put_on(self, host: SandboxHost) -> None:
        for path, text in self.files.items():
            if text.startswith("->"):
                host.sh(f"mkdir -p {path.rpartition('/')[0]}; ln -s {text[2:]} {path}")
            else:
                host.write(path, text)
                host.sh(f"chmod 640 {path}; chown 12:34 {path}")
        host.vars["options"] = dict(self.options)


#: Another file wins.
CONFLICTS = {
    "later-file": Tree(
        {"/etc/sysctl.d/99-zz.conf": f"# a\nkernel.panic=1\n{REUSE_OFF}"}, "/etc/sysctl.d/99-zz.conf line 3"
    ),
    "later-file-of-a-lower-directory": Tree(
        {"/run/sysctl.d/zz.conf": f"{REUSE_OFF}\n"}, "/run/sysctl.d/zz.conf line 1"
    ),
    "last-of-two-lines": Tree(
        {"/etc/sysctl.d/zz.conf": f"net.ipv4.tcp_tw_reuse=1\n{REUSE_OFF}\n"}, "/etc/sysctl.d/zz.conf line 2"
    ),
    "slashes": Tree({"/etc/sysctl.d/zz.conf": "net/ipv4/tcp_tw_reuse=0\n"}, "/etc/sysctl.d/zz.conf line 1"),
    "a-leading-slash": Tree({"/etc/sysctl.d/zz.conf": "/net/ipv4/tcp_tw_reuse=0\n"}, "/etc/sysctl.d/zz.conf line 1"),
    "ignored-failure": Tree(
        {"/etc/sysctl.d/zz.conf": "\n\n-net.ipv4.tcp_timestamps=0\n"}, "/etc/sysctl.d/zz.conf line 3"
    ),
    "no-key-but-a-dash": Tree({"/etc/sysctl.d/zz.conf": "-net.ipv4.tcp_tw_reuse\n"}, "/etc/sysctl.d/zz.conf line 1"),
    "white-space": Tree(
        {"/etc/sysctl.d/zz.conf": " \tnet.ipv4.tcp_tw_reuse \t=\t0\t\r\n"}, "/etc/sysctl.d/zz.conf line 1"
    ),
    "sysctl-conf-by-its-link": Tree(
        {"/etc/sysctl.conf": f"# a\n{REUSE_OFF}\n", "/etc/sysctl.d/99-sysctl.conf": "->../sysctl.conf"},
        "/etc/sysctl.d/99-sysctl.conf line 2",
        {"path": "/etc/sysctl.d/50-timewait.conf"},
        "/etc/sysctl.conf",
    ),
    "a-package's-file": Tree(
        {"/usr/lib/sysctl.d/zz.conf": f"{REUSE_OFF}\n"}, "/usr/lib/sysctl.d/zz.conf line 1", edited=""
    ),
    "a-link-to-elsewhere": Tree(
        {"/run/elsewhere.conf": f"{REUSE_OFF}\n", "/etc/sysctl.d/zz.conf": "->/run/elsewhere.conf"},
        "/etc/sysctl.d/zz.conf line 1",
        edited="",
    ),
    "the-same-name-in-a-higher-directory": Tree(
        {"/etc/sysctl.d/50-timewait.conf": f"{REUSE_OFF}\n"},
        "/etc/sysctl.d/50-timewait.conf hides",
        {"path": "/usr/local/lib/sysctl.d/50-timewait.conf"},
        # With this line commented out the file still hides the other.
        "",
    ),
    "hidden-by-an-empty-file": Tree(
        {"/etc/sysctl.d/50-timewait.conf": ""},
        "/etc/sysctl.d/50-timewait.conf hides",
        {"path": "/usr/local/lib/sysctl.d/50-timewait.conf"},
        "",
    ),
    "masked": Tree(
        {"/etc/sysctl.d/50-timewait.conf": "->/dev/null"},
        "/etc/sysctl.d/50-timewait.conf hides",
        {"path": "/usr/local/lib/sysctl.d/50-timewait.conf"},
        "",
    ),
}

#: Nothing wins over the drop-in.
HARMONY = {
    "an-earlier-file": Tree({"/etc/sysctl.d/10-a.conf": f"{REUSE_OFF}\nnet.ipv4.tcp_timestamps = 0\n"}),
    "an-equal-value-later": Tree({"/etc/sysctl.d/zz.conf": "net.ipv4.tcp_tw_reuse = 1\n"}),
    "globs-later": Tree({"/etc/sysctl.d/zz.conf": "net.ipv4.tcp_tw_* = 0\nnet.ipv4.tcp_timestamp? = 0\n"}),
    "a-masked-file": Tree({"/run/sysctl.d/zz.conf": f"{REUSE_OFF}\n", "/etc/sysctl.d/zz.conf": "->/dev/null"}),
    "a-hidden-file": Tree({"/usr/lib/sysctl.d/zz.conf": f"{REUSE_OFF}\n", "/run/sysctl.d/zz.conf": "# nothing\n"}),
    "comments": Tree({"/etc/sysctl.d/zz.conf": f"#{REUSE_OFF}\n; {REUSE_OFF}\n"}),
    "another-key-by-its-separators": Tree({"/etc/sysctl.d/zz.conf": "-net.ipv4/tcp_tw_reuse = 0\n"}),
    "not-a-conf-file": Tree({"/etc/sysctl.d/zz.conf.bak": f"{REUSE_OFF}\n", "/etc/sysctl.d/zz": f"{REUSE_OFF}\n"}),
    "no-loader-reads-sysctl-conf-by-itself-but-a-link": Tree(
        {"/etc/sysctl.conf": f"{REUSE_OFF}\n", "/etc/sysctl.d/10-sysctl.conf": "->../sysctl.conf"}
    ),
    "in-usr-local": Tree({}, options={"path": "/usr/local/lib/sysctl.d/zz-timewait.conf"}),
}


def hosts_with(trees: dict[str, Tree], new_host: Callable[..., SandboxHost]) -> list[SandboxHost]:
    hosts = [new_host(name) for name in trees]
    for host in hosts:
        trees[host.name].put_on(host)
    return hosts


def boot(host: SandboxHost) -> None:
    """From the kernel's defaults, the real loader. It fails for keys that are not the network's: they are read-only."""
    for name, value in (("tcp_tw_reuse", 2), ("tcp_timestamps", 1)):
        host.set_sysctl(name, value)
    host.sh(
        "for l in /usr/lib/systemd/systemd-sysctl /lib/systemd/systemd-sysctl; do [ ! -x $l ] || exec $l; done",
        check=False,
    )


def check_that_the_boot_is_as_predicted(run: Run, host: SandboxHost, reuse: str = "1", timestamps: str = "1") -> None:
    assert (host.sysctl("tcp_tw_reuse"), host.sysctl("tcp_timestamps")) == (reuse, timestamps), host.name
    predicted = outcome(run, host.name).result["boot"]
    boot(host)
    for name in ("tcp_tw_reuse", "tcp_timestamps"):
        assert str(predicted[name]["value"]) == host.sysctl(name), (host.name, name)
    assert (host.sysctl("tcp_tw_reuse"), host.sysctl("tcp_timestamps")) == (reuse, timestamps), host.name


def test_a_file_that_would_win_is_named_with_its_line_and_nothing_is_touched_and_the_proposed_path_works(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    hosts = hosts_with(CONFLICTS, new_host)
    before = [state(host) for host in hosts]
    run = run_side_by_side(ansible, BY_MODULE, hosts)
    assert run.rc == 2, run.text
    for host, known in zip(hosts, before, strict=True):
        message = failure(run, host.name)["msg"]
        assert "would not survive a reboot" in message, host.name
        assert str(CONFLICTS[host.name].blamed) in message, (host.name, message)
        assert state(host) == known, host.name
        proposed = re.search(r"or set path: (\S+), which wins", message)
        assert proposed, (host.name, message)
        host.vars["options"] = {"path": proposed.group(1)}
    mended = run_side_by_side(ansible, BY_MODULE, hosts)
    assert mended.rc == 0, mended.text
    for host in hosts:
        check_that_the_boot_is_as_predicted(mended, host)


def test_a_line_that_would_win_is_commented_out_on_request_and_comes_back_with_the_undo(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    trees = {name: tree for name, tree in CONFLICTS.items() if tree.edited != ""}
    hosts = hosts_with(trees, new_host)
    before = [files(host) for host in hosts]
    texts = {host.name: host.read(edited_in(trees[host.name])) for host in hosts}
    for host in hosts:
        host.vars["options"]["conflicts"] = "comment_out"
    run = run_side_by_side(ansible, BY_MODULE, hosts)
    assert run.rc == 0, run.text
    for host in hosts:
        tree = trees[host.name]
        check_that_the_boot_is_as_predicted(run, host)
        path = str(tree.options.get("path", DROPIN)).rpartition("/")[2]
        mark = f"# linux_tcp.tuning commented out for {path}: "
        # Every byte but for the marks, and the owner and the mode, are those from before.
        assert mark in host.read(edited_in(tree)), host.name
        assert host.read(edited_in(tree)).replace(mark, "") == texts[host.name], host.name
        assert host.sh(f"stat -c '%a %u %g' {edited_in(tree)}") == "640 12 34\n", host.name
        host.vars["options"]["state"] = "absent"
    assert run_side_by_side(ansible, BY_MODULE, hosts).rc == 0
    for host, known in zip(hosts, before, strict=True):
        assert files(host) == known, host.name


def edited_in(tree: Tree) -> str:
    return tree.edited or str(tree.blamed).partition(" ")[0]


def test_what_cannot_be_commented_out_is_an_error_and_no_file_of_a_package_is_edited(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    trees = {name: tree for name, tree in CONFLICTS.items() if tree.edited == ""}
    hosts = hosts_with(trees, new_host)
    before = [state(host) for host in hosts]
    for host in hosts:
        host.vars["options"]["conflicts"] = "comment_out"
    run = run_side_by_side(ansible, BY_MODULE, hosts)
    for host, known in zip(hosts, before, strict=True):
        assert str(trees[host.name].blamed) in failure(run, host.name)["msg"], host.name
        assert state(host) == known, host.name


def test_files_that_do_not_win_are_no_conflict_and_the_real_loader_agrees(
    ansible: Ansible, new_host: Callable[..., SandboxHost]
) -> None:
    hosts = hosts_with(HARMONY, new_host)
    before = [files(host) for host in hosts]
    run = run_side_by_side(ansible, BY_MODULE, hosts)
    assert run.rc == 0, run.text
    for host in hosts:
        check_that_the_boot_is_as_predicted(run, host)
        host.vars["options"]["state"] = "absent"
    assert run_side_by_side(ansible, BY_MODULE, hosts).rc == 0
    for host, known in zip(hosts, before, strict=True):
        assert files(host) == known, host.name


def test_an_inert_line_about_recycle_is_a_conflict_on_a_kernel_without_it(
    run_playbook: Playbook, new_host: Callable[..., SandboxHost]
) -> None:
    """It comes alive when the boot menu picks an old kernel; before or behind our file makes no difference."""
    hosts = [new_host("10-old"), new_host("99-zz")]
    for host in hosts:
        host.write(f"/etc/sysctl.d/{host.name}.conf", "kernel.panic = 1\nnet.ipv4.tcp_tw_recycle = 1\n")
    before = [state(host) for host in hosts]
    run = run_playbook(settings(), hosts)
    for host in hosts:
        words = f"net.ipv4.tcp_tw_recycle: /etc/sysctl.d/{host.name}.conf line 2 says '1' where 0 is wanted"
        assert words in failure(run, host.name)["msg"]
    assert [state(host) for host in hosts] == before
    assert run_playbook(settings(conflicts="comment_out"), hosts).rc == 0
    # And the undo does not revive it.
    undone = run_playbook(settings(state="absent"), hosts)
    assert undone.rc == 0, undone.text
    for host in hosts:
        assert host.read(f"/etc/sysctl.d/{host.name}.conf") == (
            "kernel.panic = 1\n# linux_tcp.tuning commented out for 99-timewait.conf: net.ipv4.tcp_tw_recycle = 1\n"
        )
        assert outcome(undone, host.name).result["refused"][0]["value"] == 1


def test_a_file_that_is_there_already_is_not_proposed(run_playbook: Playbook, host: SandboxHost) -> None:
    host.write("/etc/sysctl.d/zz.conf", f"{REUSE_OFF}\n")
    host.write("/etc/sysctl.d/zz_timewait.conf", "# somebody else's\n")
    assert "which wins" not in outcome(run_playbook(settings(), host)).result["msg"]
    host.run("rm", "/etc/sysctl.d/zz_timewait.conf")
    assert "/etc/sysctl.d/zz_timewait.conf, which wins" in outcome(run_playbook(settings(), host)).result["msg"]


def test_what_sysctl_system_would_undo_is_a_warning(run_playbook: Playbook, host: SandboxHost) -> None:
    """The loader of procps reads /etc/sysctl.conf last, systemd's does not read it at all."""
    host.write("/etc/sysctl.conf", f"{REUSE_OFF}\n")
    run = run_playbook(settings(), host)
    assert run.rc == 0, run.text
    assert any("sysctl --system" in words and "/etc/sysctl.conf line 1" in words for words in warnings_of(outcome(run)))
    host.sh("sysctl --system", check=False)
    assert host.sysctl("tcp_tw_reuse") == "0"
    boot(host)
    assert host.sysctl("tcp_tw_reuse") == "1"


def test_a_fifo_among_the_files_is_said_and_does_not_make_the_run_wait(
    run_playbook: Playbook, host: SandboxHost
) -> None:
    host.sh("mkfifo /etc/sysctl.d/50-fifo.conf; ln -s /dev/zero /etc/sysctl.d/51-zero.conf")
    host.sh("truncate -s 10G /etc/sysctl.d/52-huge.conf")
    run = run_playbook(settings(), host)
    assert run.rc == 0, run.text
    assert run_playbook(settings(), host).changed == 0
