# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host holds is text: nothing of it is run, rendered or obeyed, and no secret of it is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.support import (
    BY_MODULE,
    FACTS,
    SETTINGS,
    alias,
    deaf_connection,
    environment_of,
    failure,
    run_side_by_side,
    settings,
    tasks,
    warnings_of,
)
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import SANDBOX, Ansible, Run
from tests.sandbox.states import DROPIN, cover_proc_net, install, state

Playbook = Callable[..., Run]

EVERY_EVENT = '''
"""Writes every event of a run to a file."""
DOCUMENTATION = """
name: every_event
type: notification
short_description: Write every event to a file
description: For tests.
options:
  path: {description: The file., type: path, required: true, env: [{name: EVERY_EVENT}]}
"""
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "every_event"
    CALLBACK_NEEDS_ENABLED = True

    def v2_on_any(self, *arguments, **keywords):
        with open(self.get_option("path"), "a", encoding="utf-8", errors="backslashreplace") as file:
            for event in (*arguments, *keywords.values()):
                file.write(f"{event} {getattr(event, '_result', '')} {getattr(event, '_task_fields', '')}\\n")
'''

#: Programs for a terminal and lines of other people's output; no text for people has one of these.
OBEYED = ("\x1b", "\x07", "\x9b", "\r", "\\u001b", "\\u0007", "\\u009b", "\\r\\n")


class Outputs:
    """Every way in which a run is told: screen, log, fact cache, and a callback that sees all events."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "outputs"
        plugins = self.directory / "plugins"
        plugins.mkdir(parents=True)
        (plugins / "every_event.py").write_text(EVERY_EVENT)
        self.environment = {
            "ANSIBLE_CALLBACK_PLUGINS": f"{SANDBOX / 'callback'}:{plugins}",
            "ANSIBLE_CALLBACKS_ENABLED": "sandbox_results,every_event",
            "EVERY_EVENT": str(self.directory / "events"),
            "ANSIBLE_LOG_PATH": str(self.directory / "log"),
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.directory / "cache"),
        }

    def of(self, run: Run) -> dict[str, str]:
        """All that a run told, by where."""
        told = {"screen": run.text, "results": repr([result.result for result in run.results])}
        for path in self.directory.rglob("*"):
            if path.is_file() and "plugins" not in path.parts:
                told[path.name] = path.read_text(encoding="utf-8", errors="backslashreplace")
        assert {"events", "log"} < set(told)
        return told


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    return Outputs(tmp_path)


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    """A file that exists when something of a host was run, there or here: sandbox hosts share this directory."""
    return tmp_path / "proof"


def hostile(name: str, proof: Path) -> str:
    """A text to be planted: ``name`` tells where it was found."""
    return (
        f"planted-{name}{{{{ lookup('pipe', 'touch {proof}') }}}}{{{{ 'ren' ~ 'dered' }}}}$(touch {proof})"
        f"`touch {proof}`</script>\x1b[31m\x07\u009b31m\rnew-line 0123456789abcdef0123456789abcdef Z"
    )


def says(text: str) -> str:
    """A shell program that prints a text."""
    return f"cat <<'END-OF-TEXT'\n{text}\nEND-OF-TEXT"


def plant_everywhere(host: SandboxHost, proof: Path) -> None:
    def text(name: str) -> str:
        return hostile(name, proof)

    # Behind a carriage return nothing of a value leaves the host.
    host.write("/etc/sysctl.d/99-zz.conf", f"net.ipv4.tcp_rfc1337 = {text('value')}\n".replace("\r", "\v"))
    host.write("/etc/sysctl.d/99-zzz.conf", f"net.ipv4.tcp_tw_reuse = 0 # {text('comment')}\n")
    name = f"zz planted-name{{{{ 'ren' ~ 'dered' }}}}$(touch {proof.name})\n\x1b[31m'; id; '\rok: [host]\n"
    host.write(f"/etc/sysctl.d/{name}.conf", "net.ipv4.ip_local_port_range = 20000 30000\n")
    host.run("truncate", "--size=10G", f"/etc/sysctl.d/large-{name}.conf")
    install(host, "uname", says(f"Linux 6.18.44{text('uname')}\nsecond line x86_64"))
    install(host, "sysctl", says(f"sysctl from procps-ng 4.0.2 {text('procps')}"))
    systemd = install(host, "systemd-sysctl", says(f"systemd 252 ({text('systemd')})"))
    install(host, "nft", says(f"type nat hook {text('nft')}"))
    host.write("/run/osrelease", f"6.18.44{text('osrelease')}\n")
    host.sh(
        "mount -t tmpfs tmpfs /sys/module && mkdir /sys/module/nf_tables; "
        "mount --bind /run/osrelease /proc/sys/kernel/osrelease; "
        f"mount --bind {systemd} /usr/lib/systemd/systemd-sysctl"
    )


#: The action on a hostile host, well and badly ended, and every use that a play makes of what it returned.
PLAY = tasks(
    {FACTS: {}, "register": "found"},
    {SETTINGS: {"tcp_rfc1337": 1}, "register": "conflicting", "ignore_errors": True},
    {
        "block": [{SETTINGS: {"tcp_tw_recycle": 1}}],
        "rescue": [{"ansible.builtin.debug": {"msg": "{{ ansible_failed_result }}"}}],
    },
    {SETTINGS: {"tcp_rfc1337": 1, "conflicts": "comment_out"}, "register": "done", "ignore_errors": True},
    {
        "ansible.builtin.set_fact": {"kept": "{{ found }}", "word": "{{ conflicting.msg | default('') }}"},
        "when": "found is defined and found.ansible_facts.timewait.kernel.release != ''",
    },
    {
        "ansible.builtin.debug": {
            "msg": "{{ item }} {{ kept }} {{ word }} {{ ansible_facts.timewait.kernel.release }}"
        },
        "loop": [
            "{{ conflicting.msg | default('') }}",
            "{{ done.diff | default([]) }}",
            "{{ done.msg | default('') }}",
        ],
    },
    {"ansible.builtin.debug": {"var": "conflicting"}},
    {SETTINGS: {"state": "absent"}},
)


def test_nothing_that_a_host_holds_is_run_or_rendered_or_obeyed_wherever_it_is_told(
    ansible: Ansible, host: SandboxHost, outputs: Outputs, proof: Path
) -> None:
    plant_everywhere(host, proof)
    environment = {**environment_of(programs=True), **outputs.environment}
    runs = [
        ansible.playbook(PLAY, host, "-vvv", "--diff", environment=environment),
        ansible.playbook(
            PLAY, host, "--diff", environment={**environment, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
        ),
        ansible.playbook(
            "linux_tcp.tuning.audit", host, environment={**environment, "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}
        ),
    ]
    assert [run.rc for run in runs] == [0, 0, 0], "\n".join(run.text for run in runs)
    for run in runs:
        for where, told in outputs.of(run).items():
            assert "rendered" not in told, where
            assert [word for word in OBEYED if word in told] == [], where
            assert "planted-uname" in told, where
    for name in ("value", "name", "uname"):
        assert f"planted-{name}" in runs[0].text, f"{name} was not told at all"
    assert "planted-comment" not in runs[0].text
    assert "planted-name" in runs[2].text
    assert not proof.exists()
    assert not (Path.cwd() / proof.name).exists()


def test_words_of_a_host_in_an_error_are_no_template_for_whoever_handles_it(
    ansible: Ansible, new_host: Callable[..., SandboxHost], proof: Path
) -> None:
    """On ansible-core 2.16 the message of an exception was one."""
    knob, step = new_host("knob", legacy=True), new_host("step")
    knob.set_sysctl("tcp_rfc1337", hostile("knob", proof))
    real = step.sh("command -v cat").strip()
    words = hostile("step", proof)
    step.write("/run/words", words)
    install(
        step,
        "cat",
        f'case $(readlink /proc/$$/fd/1) in */tcp_tw_reuse) {real} /run/words >&2; exit 1 ;; esac\nexec {real} "$@"',
    )
    handlers = [
        {"ansible.builtin.debug": {"msg": "{{ failed.msg }}"}},
        {"ansible.builtin.debug": {"var": "failed.msg"}, "when": "'planted' in failed.msg"},
        {"ansible.builtin.set_fact": {"copy": "{{ failed.msg }}"}},
        {"ansible.builtin.debug": {"msg": "{{ copy }} {{ ansible_failed_result.msg }}"}},
    ]
    play = tasks({"block": [{SETTINGS: {}, "register": "failed"}], "rescue": handlers})
    run = run_side_by_side(ansible, play, [knob, step], "-vvv", environment=environment_of(programs=True))
    assert run.rc == 0, run.text
    assert 'net.ipv4.tcp_rfc1337 reads "planted-knob{{ lookup' in failure(run, "knob")["msg"]
    assert "failed to write '1' to net.ipv4.tcp_tw_reuse: planted-step{{ lookup" in failure(run, "step")["msg"]
    assert "rendered" not in run.text
    assert [word for word in OBEYED if word in run.text] == []
    assert not proof.exists()


def test_a_drop_in_that_somebody_edited_leads_nowhere(
    run_playbook: Playbook, host: SandboxHost, outputs: Outputs, proof: Path
) -> None:
    """Its record names other files, and says things that are no values."""
    mark = "# linux_tcp.tuning commented out for 99-timewait.conf: "
    shadow = f"root:*:1:0:99999:7:::\n{mark}net.ipv4.tcp_tw_reuse = 0\n"
    host.write("/etc/sysctl.d/99-zz.conf", "net.ipv4.tcp_tw_reuse = 0\n")
    host.run("rm", "/etc/shadow")
    host.write("/etc/shadow", shadow)
    assert run_playbook(settings(conflicts="comment_out"), host).rc == 0
    paths = ("/etc/shadow", "/etc/sysctl.d/../shadow", "/etc/sysctl.d/", f"/etc/{hostile('record', proof)}")
    ours = "# linux_tcp.tuning"
    lines = [f"{ours} edited: {path}" for path in paths]
    lines += [f"{ours} before: net.ipv4.tcp_tw_reuse = {hostile('before', proof)}", f"{ours} before: kernel.panic = 9"]
    lines += [f"{ours} undo: {hostile('undo', proof)}", f"# {hostile('comment', proof).replace('=', ' ')}"]
    first, _newline, rest = host.read(DROPIN).partition("\n")
    tampered = "\n".join([first, *lines, rest])
    for play in (settings(conflicts="comment_out"), settings(state="absent")):
        host.write(DROPIN, tampered)
        run = run_playbook(play, host, "--diff", "-vvv", environment=outputs.environment)
        assert (run.rc, run.changed) == (0, 1), run.text
        assert host.read("/etc/shadow") == shadow
        for where, told in outputs.of(run).items():
            assert "rendered" not in told, where
            assert [word for word in OBEYED if word in told] == [], where
    assert host.read("/etc/sysctl.d/99-zz.conf") == "net.ipv4.tcp_tw_reuse = 0\n"
    assert host.sysctl("tcp_tw_reuse") == "2"
    assert not proof.exists()


FASTOPEN_KEY = "5ec2e700-5ec2e701-5ec2e702-5ec2e703"
ANY_PART = "5ec2e7"

#: Lines around a secret, as people and programs write them.
WITH_SECRETS = "".join(
    (
        f"net.ipv4.tcp_fastopen_key = {FASTOPEN_KEY}\n",
        f"  -net/ipv4/tcp_fastopen_key\t=\t{FASTOPEN_KEY}   \n",
        f"net.ipv4.tcp_fastopen_key={FASTOPEN_KEY}\r\n",
        "net.ipv4.tcp_tw_reuse = 0\n",
        f"net.ipv4.tcp_fastopen_key = \\\n{FASTOPEN_KEY}\n",
        f"net.ipv4.tcp_tw_reuse = 0 # tcp_fastopen_key = {FASTOPEN_KEY}\n",
        f"net.ipv4.tcp_rfc1337 = 0 ; net.ipv4.tcp_fastopen_key = {FASTOPEN_KEY}\n",
        f"net.ipv4.tcp_tw_reuse = 0\n# net.ipv4.tcp_fastopen_key = {FASTOPEN_KEY}\n",
        f"net.ipv4.tcp_fastopen_* = {FASTOPEN_KEY}\n",
        f"net.ipv4.tcp_* = {FASTOPEN_KEY}\n",
        f"net.ipv4.tcp_fastopen_key = {FASTOPEN_KEY} # unlike tcp_tw_reuse = 1\n",
        f"# linux_tcp.tuning commented out for 90-other.conf: net.ipv4.tcp_* = {FASTOPEN_KEY}\n",
        # The last has no end.
        f"net.ipv4.tcp_fastopen_key = {FASTOPEN_KEY}",
    )
)

#: To some loaders these are three lines, to an editor one: such are not commented out.
IN_ONE_LINE = f"net.ipv4.tcp_rfc1337 = 0\rnet.ipv4.tcp_fastopen_key = {FASTOPEN_KEY}\rnet.ipv4.tcp_tw_reuse = 0\n"


def plant_secrets(host: SandboxHost) -> None:
    for directory in ("/etc", "/run", "/usr/local/lib"):
        host.write(f"{directory}/sysctl.d/5{len(directory)}-secret.conf", WITH_SECRETS)
    host.write("/etc/sysctl.d/50-one-line.conf", IN_ONE_LINE)
    # Files of packages are not edited: nothing in this one may be in the way.
    host.write("/usr/lib/sysctl.d/50-secret.conf", WITH_SECRETS.replace("net.ipv4.tcp_* =", "net.ipv4.tcp_fa* ="))
    host.write("/etc/sysctl.d/99-zz.conf", WITH_SECRETS)
    host.write("/etc/sysctl.conf", WITH_SECRETS)
    host.write("/etc/sysctl.d/as-planted", WITH_SECRETS)
    host.sh("ln -s ../sysctl.conf /etc/sysctl.d/99-sysctl.conf")
    host.write("/etc/sysctl.d/large.conf", WITH_SECRETS)
    host.run("truncate", "--size=2M", "/etc/sysctl.d/large.conf")


@pytest.mark.parametrize("way", ["over standard input", "as an argument", "without grep"])
def test_a_secret_beside_our_keys_never_leaves_the_host(
    ansible: Ansible, new_host: Callable[..., SandboxHost], outputs: Outputs, tmp_path: Path, way: str
) -> None:
    """Not on the wire either: in its debug mode Ansible shows the bytes of every answer and of every script."""
    host = new_host("host")
    plant_secrets(host)
    environment = {**outputs.environment, "ANSIBLE_DEBUG": "1"}
    if way == "as an argument":
        environment |= deaf_connection(ansible, tmp_path)
        host.vars["ansible_connection"] = "deaf"
    if way == "without grep":
        host.sh("for grep in /usr/bin/grep /bin/grep; do [ ! -e $grep ] || mount --bind /dev/null $grep; done")
        assert host.run("grep", "x", check=False).returncode == 126
    play = tasks(
        {FACTS: {}},
        {SETTINGS: {"tcp_rfc1337": 1}, "ignore_errors": True},
        {SETTINGS: {"tcp_rfc1337": 1, "conflicts": "comment_out"}},
        {SETTINGS: {"state": "absent"}},
    )
    run = ansible.playbook(play, host, "-vvvvv", "--diff", environment=environment)
    assert run.rc == 0, run.text
    assert run.changed == 2
    told = outputs.of(run)
    assert "net.ipv4.tcp_rfc1337 = 0 ;" in told["screen"], "the answers of the host are not among what is searched"
    assert [where for where, text in told.items() if ANY_PART in text] == []
    assert ANY_PART not in "\n".join(host.commands())
    # A glob that might turn recycle on again stays out.
    glob, out = "net.ipv4.tcp_* =", "# linux_tcp.tuning commented out for 99-timewait.conf: "
    for path in ("/etc/sysctl.conf", "/etc/sysctl.d/99-zz.conf", "/etc/sysctl.d/54-secret.conf"):
        after = host.run("sed", "-n", "l 1000", path).stdout.replace(out + glob, glob)
        assert after == host.run("sed", "-n", "l 1000", "/etc/sysctl.d/as-planted").stdout, path


def test_a_secret_in_our_own_file_stops_the_run_and_is_not_told(
    ansible: Ansible, host: SandboxHost, outputs: Outputs
) -> None:
    """To overwrite the file, or to remove it, would be to lose what somebody else wrote into it."""
    assert ansible.playbook(settings(), host).rc == 0
    host.sh(f"echo 'net.ipv4.tcp_fastopen_key = {FASTOPEN_KEY}' >>{DROPIN}")
    before = state(host)
    cases = [
        alias(host, "present"),
        alias(host, "present-with-more", options={"tcp_rfc1337": 1}),
        alias(host, "absent", options={"state": "absent"}),
    ]
    environment = {**outputs.environment, "ANSIBLE_DEBUG": "1"}
    play = [tasks({FACTS: {}}), BY_MODULE]
    run = run_side_by_side(ansible, play, cases, "-vvvvv", "--diff", environment=environment)
    for case in cases:
        assert f"{DROPIN} has a setting in it that this collection did not write" in failure(run, case.name)["msg"]
    assert [where for where, text in outputs.of(run).items() if ANY_PART in text] == []
    assert ANY_PART not in "\n".join(host.commands())
    assert state(host) == before


def test_what_must_not_be_read_is_not_read_and_said_so(run_playbook: Playbook, host: SandboxHost) -> None:
    host.sh(
        "cd /etc/sysctl.d && truncate --size=10G large.conf && mkfifo pipe.conf && "
        "ln -s /proc/kmsg log.conf && ln -s pipe.conf link.conf && ln -s /dev/zero zero.conf"
    )
    run = run_playbook(tasks({FACTS: {}}, {SETTINGS: {}}), host)
    assert run.rc == 0, run.text
    findings = run.only("timewait_facts").result["ansible_facts"]["timewait"]["findings"]
    said = "\n".join(words for finding in findings for words in finding["evidence"])
    warned = "\n".join(warnings_of(run.only("timewait_settings")))
    for name in ("large", "pipe", "log", "link", "zero"):
        assert f"/etc/sysctl.d/{name}.conf" in said
        assert f"/etc/sysctl.d/{name}.conf was not read" in warned


def loaded_modules() -> list[str] | None:
    """Names of the modules of this machine's kernel, which is that of the hosts; some have none at all."""
    modules = Path("/proc/modules")
    return sorted(line.split()[0] for line in modules.read_text().splitlines()) if modules.exists() else None


def test_looking_at_a_host_loads_no_kernel_module(ansible: Ansible, host: SandboxHost, proof: Path) -> None:
    """To be asked for its rules, nft would load nf_tables; the programs of iptables are never asked at all."""
    for program in ("nft", "iptables", "ip6tables", "iptables-save", "ipvsadm", "modprobe", "ss"):
        install(host, program, f"echo {program} >>{proof}")
    install(host, "uname", "case $1 in -r) echo 6.18.0-none ;; *) echo Linux 6.18.0-none x86_64 ;; esac")
    loaded = loaded_modules()
    cover_proc_net(host, "ip_vs", "")
    host.write("/run/covered/modules", "")
    host.sh("mount -t tmpfs tmpfs /sys/module")
    play = tasks({FACTS: {}}, {SETTINGS: {}}, {SETTINGS: {"state": "absent"}})
    run = ansible.playbook(play, host, environment=environment_of(programs=True))
    assert (run.rc, proof.exists()) == (0, False), run.text
    host.sh("mkdir /sys/module/nf_tables")
    assert ansible.playbook(tasks({FACTS: {}}), host, environment=environment_of(programs=True)).rc == 0
    assert proof.read_text() == "nft\n"
    assert loaded_modules() == loaded


def test_a_host_cannot_end_the_answer_for_another(ansible: Ansible, host: SandboxHost) -> None:
    """Frames of another run, as a host might have kept them, are content like any other."""
    frames = "".join(
        f"\n{'0123456789abcdef' * 2} {rest}\n" for rest in ("B knob tcp_tw_recycle", "E 0", "B uid", "E 0", "Z")
    )
    host.write("/etc/sysctl.d/50-a.conf", f"net.ipv4.tcp_rfc1337 = 0{frames}")
    install(host, "uname", f"printf 'Linux 6.18.0 x86_64{frames}' | tr '\\n' ' '")
    cases = [alias(host, "plain"), alias(host, "again")]
    run = run_side_by_side(ansible, tasks({FACTS: {}}), cases, environment=environment_of(programs=True))
    for case in cases:
        facts = run.only("timewait_facts", case.name).result["ansible_facts"]["timewait"]
        assert facts["sysctls"]["tcp_tw_recycle"]["value"] is None
        assert facts["sysctls"]["tcp_rfc1337"]["boot"]["value"] == 0
