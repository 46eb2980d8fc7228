# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard: tasks that would turn tcp_tw_recycle on, each of which leaves a mark on the host when it runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support import FACTS, SETTINGS, Alias, alias, failure, tasks
from tests.sandbox.hosts import SandboxHost
from tests.sandbox.runs import WORK, Ansible, Run

GUARD = "linux_tcp.tuning.timewait_guard"
MARKS = "/run/marks"
KEY = "net.ipv4.tcp_tw_recycle"

#: Leaves the mark of its host, and then does what the guard is there for.
MARK = f"touch {MARKS}/{{{{ inventory_hostname }}}}"
TUNE = f"{MARK}; sysctl -w {KEY}=1 || true"
CONF = f"{MARKS}/{{{{ inventory_hostname }}}}"
SHELL = ["sh", "-c", TUNE]
RAW = {"ansible.builtin.raw": TUNE}

ITEMS = [{"name": "net.ipv4.tcp_tw_reuse", "value": 1}, {"name": KEY, "value": 1}]
BY_ITEM = {"ansible.builtin.raw": f"{MARK}; sysctl -w {{{{ item.name }}}}={{{{ item.value }}}} || true"}

Task = dict[str, Any]

#: What is stopped. Each by the name of the host on which it would run.
TASKS: dict[str, list[Task]] = {
    "raw": [RAW],
    "command": [{"ansible.builtin.command": {"argv": SHELL}}],
    "command-by-another-name": [{"ansible.legacy.shell": TUNE}],
    "shell": [{"shell": TUNE}],
    "action-keyword": [{"action": f"ansible.builtin.shell {TUNE}"}],
    "action-from-a-variable": [{"action": "{{ which }}", "args": {"argv": SHELL}, "vars": {"which": "command"}}],
    "args-from-a-variable": [{"command": None, "args": {"argv": "{{ words }}"}, "vars": {"words": SHELL}}],
    "script": [{"ansible.builtin.script": "tune.sh {{ inventory_hostname }}"}],
    "sysctl": [
        {"ansible.posix.sysctl": {"name": KEY, "value": 1, "sysctl_file": CONF, "reload": False, "sysctl_set": False}}
    ],
    "copied-text": [{"ansible.builtin.copy": {"content": f"{KEY} = 1\n", "dest": CONF}}],
    "copied-file": [{"ansible.builtin.copy": {"src": "99-tune.conf", "dest": CONF}}],
    "copied-directory": [{"ansible.builtin.copy": {"src": "sysctl.d/", "dest": f"{CONF}/sysctl.d/"}}],
    "template": [{"ansible.builtin.template": {"src": "tune.conf.j2", "dest": CONF}, "vars": {"sysctls": ITEMS}}],
    "default-arguments": [
        {
            "module_defaults": {"command": {"argv": ["sh", "-c", f"{MARK}; sysctl -w {{{{ item }}}}=1 || true"]}},
            "block": [{"command": {}, "loop": ["net.ipv4.tcp_tw_reuse", KEY]}],
        }
    ],
    "line": [
        {"ansible.builtin.lineinfile": {"path": CONF, "create": True, "line": "{{ item }} = 1"}, "loop": ["a", KEY]}
    ],
    "loop": [{**BY_ITEM, "loop": ITEMS}],
    "loop-of-another-name": [
        {
            "ansible.builtin.raw": f"{MARK}; sysctl -w net.ipv4.{{{{ knob.key }}}}={{{{ knob.value }}}} || true",
            "with_dict": {"tcp_tw_reuse": 1, "tcp_tw_recycle": 1},
            "loop_control": {"loop_var": "knob", "index_var": "number", "extended": True},
        }
    ],
    "loop-of-templates": [
        {
            "ansible.builtin.template": {"src": "{{ item }}.j2", "dest": CONF},
            "loop": ["harmless.conf", "tune.conf"],
            "vars": {"sysctls": ITEMS},
        }
    ],
    "loop-of-files": [
        {"ansible.builtin.copy": {"src": "{{ item }}", "dest": CONF}, "with_items": ["harmless.conf", "99-tune.conf"]}
    ],
    "included": [{"ansible.builtin.include_tasks": "included.yml"}],
    "role": [{"ansible.builtin.include_role": {"name": "tuning"}}],
    "until": [{**RAW, "until": "tried.rc == 0", "retries": 2, "delay": 0, "register": "tried"}],
    "async": [{"ansible.builtin.shell": TUNE, "async": 60, "poll": 0}],
    "ignored": [{**RAW, "ignore_errors": True}],
    "never-failed": [{**RAW, "failed_when": False}],
    "ignored-template": [
        {
            "ansible.builtin.template": {"src": "tune.conf.j2", "dest": CONF},
            "vars": {"sysctls": ITEMS},
            "ignore_errors": True,
            "failed_when": False,
        }
    ],
    "ignored-loop": [{**BY_ITEM, "loop": ITEMS, "ignore_errors": True, "failed_when": False}],
    "after-an-earlier-item": [
        {
            "ansible.builtin.raw": "{{ ask if item == 1 else tune }}",
            "loop": [1, 2],
            "vars": {"ask": f"echo {KEY}", "tune": f"{MARK}; sysctl -w {{{{ before.stdout | trim }}}}=1 || true"},
            "register": "before",
            "ignore_errors": True,
        }
    ],
    "fact": [
        {"ansible.builtin.set_fact": {"said_by_host": f"sysctl -w {KEY}=1"}},
        {"ansible.builtin.raw": f"{MARK}; {{{{ said_by_host }}}} || true"},
    ],
    "handler": [{"ansible.builtin.raw": "true", "changed_when": True, "notify": "Tune"}],
    "role-of-a-collection": [{"ansible.builtin.include_role": {"name": "some.one.tuning"}}],
    "redirected": [
        {"some.one.knob": {"name": KEY, "value": 1, "sysctl_file": CONF, "reload": False, "sysctl_set": False}}
    ],
    "nested-module": [{"calls_module": {"module": "command", "args": {"argv": SHELL}}}],
    "nested-action": [{"calls_action": {"action": "ansible.builtin.raw", "args": {"_raw_params": TUNE}}}],
    "nested-command": [{"calls_command": {"command": TUNE}}],
    # The last one: when it fails, ansible-core takes every host of the play for failed.
    "once": [{**RAW, "run_once": True}],
}

#: Ways to run the same task.
KEYWORDS: dict[str, dict[str, Any]] = {
    "free": {"strategy": "free"},
    "host-pinned": {"strategy": "host_pinned"},
}
#: Variants that are not run on the private twin as well, to save time.
ALONE = (
    "command-by-another-name action-keyword action-from-a-variable args-from-a-variable copied-file copied-directory "
    "default-arguments loop-of-templates loop-of-files async ignored-template redirected nested-module"
)
HANDLERS = [{"name": "Tune", **RAW}]

#: Actions of somebody else, which call others and take every failure for good.
PLUGINS = {
    "calls_module": "self._execute_module(self._task.args['module'], self._task.args['args'], task_vars=task_vars)",
    "calls_command": "self._low_level_execute_command(self._task.args['command'])",
    "calls_action": "self.other().run(task_vars=task_vars)",
}
PLUGIN = """
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def other(self):
        task = self._task.copy()
        task.args = self._task.args['args']
        return self._shared_loader_obj.action_loader.get(
            self._task.args['action'], task=task, connection=self._connection, play_context=self._play_context,
            loader=self._loader, templar=self._templar, shared_loader_obj=self._shared_loader_obj)

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        try:
            return WORK
        except Exception:
            return {"changed": False}
"""


TEMPLATE = "# {{ ansible_managed }}\n{% for s in sysctls %}\n{{ s.name }} = {{ s.value }}\n{% endfor %}\n"
COLLECTION = "collections/ansible_collections/some/one"
ROLE_TASKS = f"- name: Tune in a role\n  ansible.builtin.raw: {TUNE!r}\n"


SECRET = "a-word-of-a-vault"  # noqa: S105

#: A plugin that is loaded before the guard.
BREAKS = """
import sys
from ansible.executor.task_executor import TaskExecutor
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = "name: breaks\\ntype: notification\\nshort_description: x\\ndescription: x\\n"
BROKEN

class CallbackModule(CallbackBase):
    CALLBACK_NAME = "breaks"
"""


@pytest.fixture
def project(tmp_path: Path) -> None:
    """What is beside the playbook."""
    texts = {
        "files/tune.sh": f"#!/bin/sh\ntouch {MARKS}/$1\nsysctl -w {KEY}=1\ntrue\n",
        "files/99-tune.conf": f"# tuning\n{KEY} = 1\n",
        "files/harmless.conf": "net.ipv4.tcp_tw_reuse = 1\n",
        "files/sysctl.d/10-tune.conf": f"{KEY}=1\n",
        "templates/tune.conf.j2": TEMPLATE,
        "templates/harmless.conf.j2": "net.ipv4.tcp_tw_reuse = 1\n",
        "included.yml": f"---\n- name: Tune it\n  ansible.builtin.raw: {TUNE!r}\n",
        "roles/tuning/tasks/main.yml": ROLE_TASKS,
        f"{COLLECTION}/roles/tuning/tasks/main.yml": ROLE_TASKS,
        f"{COLLECTION}/meta/runtime.yml": "plugin_routing: {modules: {knob: {redirect: ansible.posix.sysctl}}}\n",
        **{f"action_plugins/{name}.py": PLUGIN.replace("WORK", work) for name, work in PLUGINS.items()},
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def plays(cases: dict[str, list[Task]], **keywords: Any) -> list[dict[str, Any]]:
    """Every list of tasks on the host of its name, which is exposed, and on a twin, which is not."""
    return [
        {
            "hosts": f"{name}:{name}-private",
            "gather_facts": False,
            "tasks": [{"block": each, "when": f"inventory_hostname != '{name}-private'"}]
            if name in ALONE.split()
            else each,
            "handlers": HANDLERS if name == "handler" else [],
            **keywords,
        }
        for name, each in cases.items()
    ]


def guarded(ansible: Ansible, play: Any, hosts: list[Alias], *arguments: str, **more: Any) -> Run:
    """A run with the guard."""
    environment = {"ANSIBLE_CALLBACKS_ENABLED": f"sandbox_results,{GUARD}", **more.pop("environment", {})}
    return ansible.playbook(play, hosts, *arguments, environment=environment, **more)


def known_as(ansible: Ansible, host: SandboxHost, name: str, **variables: Any) -> Alias:
    """The host by this name, with a Python that runs the modules of this ansible-core."""
    python = str(WORK / "venv" / ansible.core / "bin" / "python")
    host.sh(f"mkdir -p {MARKS}")
    return alias(host, name, ansible_python_interpreter=python, ansible_pipelining=True, **variables)


def run_on_twins(ansible: Ansible, host: SandboxHost, play: Any, names: Iterable[str]) -> Run:
    """Runs a play on these hosts, all of which are the one given: each exposed, and with a twin that is private."""
    twins = [f"{name}-private" for name in names]
    hosts = [known_as(ansible, host, name) for name in (*names, *twins)]
    return guarded(ansible, play, hosts, groups={"public_facing": list(names), "private": twins})


def marks(host: SandboxHost) -> set[str]:
    return set(host.sh(f"ls {MARKS}").split())


def stopped(run: Run, host: str) -> str:
    message = str(failure(run, host)["msg"])
    assert f"refused to set {KEY}" in message, run.text
    assert run.recap[host]["failures"] == 1, run.text
    assert run.recap[host]["ignored"] == 0
    assert GUARD in message
    return message


def test_a_task_that_would_turn_recycle_on_is_stopped_on_the_exposed_host_and_runs_on_the_private_one(
    ansible: Ansible, host: SandboxHost, project: None
) -> None:
    ways = [play for way, keywords in KEYWORDS.items() for play in plays({way: [RAW]}, **keywords)]
    names = [*KEYWORDS, *TASKS]
    run = run_on_twins(ansible, host, ways + plays(TASKS), names)
    let_through = {f"{name}-private" for name in names if name not in ("once", *ALONE.split())}
    assert marks(host) == let_through, run.text
    for name in names:
        assert f"on {name}: this host is public-facing" in stopped(run, name)
    # Whatever the width of the screen.
    text = "".join(run.text.split())
    for name in let_through:
        assert f"{name}:{GUARD}letstask" in text
    assert run.rc == 2
    assert f"{GUARD} is active" in run.text
    assert f"{GUARD} stopped {len(names)} tasks" in run.text


#: What runs on an exposed host.
HARMLESS: dict[str, list[Task]] = {
    "zero": [{"ansible.builtin.raw": f"{MARK}; sysctl -w {KEY}=0 || true"}],
    "comment": [{"ansible.builtin.raw": f"{MARK}\n# sysctl -w {KEY}=1\ntrue"}],
    "asking": [{"ansible.builtin.raw": f"{MARK}; sysctl -n {KEY} || grep {KEY} /etc/sysctl.conf || true"}],
    "skipped-item": [{**BY_ITEM, "loop": ITEMS, "when": "'recycle' not in item.name"}],
    "zero-from-a-template": [
        {
            "ansible.builtin.template": {"src": "tune.conf.j2", "dest": CONF},
            "vars": {"sysctls": [{"name": KEY, "value": 0}]},
        }
    ],
    "words": [{"ansible.builtin.debug": {"msg": f"sysctl -w {KEY}=1"}, "register": "tcp_tw_recycle"}, {"raw": MARK}],
    "known-on-the-host": [{"ansible.builtin.raw": f'{MARK}; sysctl -w {KEY}="$(cat /run/wanted)" || true'}],
    "depends-on-an-earlier-item": [
        {
            "ansible.builtin.raw": f"{MARK}; echo {{{{ '{KEY} = 0' if item == 1 else before.stdout }}}}",
            "loop": [1, 2],
            "register": "before",
        }
    ],
    "ours": [{FACTS: {}}, {SETTINGS: {"tcp_tw_recycle": 0, "apply_to": "runtime"}, "check_mode": True}, {"raw": MARK}],
}


def test_what_does_not_turn_it_on_runs_on_an_exposed_host(ansible: Ansible, host: SandboxHost, project: None) -> None:
    run = run_on_twins(ansible, host, plays(HARMLESS), HARMLESS)
    assert marks(host) == {name for base in HARMLESS for name in (base, f"{base}-private")}, run.text
    assert run.rc == 0
    text = "".join(run.text.split())
    assert text.count("letstask") == 2
    assert f"known-on-the-host:{GUARD}letstask'ansible.builtin.raw'" in text


def beside(name: str, task: Task, **keywords: Any) -> dict[str, Any]:
    """One task on this host. A witness goes along: without one, the first failure would end the run."""
    return {
        "hosts": f"{name}:witness",
        "gather_facts": False,
        "tasks": [{"block": [task], "when": "inventory_hostname != 'witness'", **keywords}],
    }


def test_the_host_that_a_task_changes_is_the_one_that_counts(ansible: Ansible, host: SandboxHost) -> None:
    by_item = "{{ 'lb' if 'recycle' in item.name else 'lb-private' }}"
    here = {"module": "ansible.builtin.shell", "cmd": f"sysctl -w {KEY}=1"}
    run = run_on_twins(
        ansible,
        host,
        [
            beside("to-exposed-private", {**RAW, "delegate_to": "lb"}),
            beside("from-exposed", {**RAW, "delegate_to": "lb-private"}),
            beside("items-private", {**BY_ITEM, "loop": ITEMS, "delegate_to": by_item}),
            beside("here-private", {"local_action": here}),
            beside("pretends", {**RAW, "vars": {"inventory_hostname": "lb-private"}}),
        ],
        ["to-exposed", "from-exposed", "items", "here", "pretends", "lb", "witness"],
    )
    assert marks(host) == {"from-exposed"}, run.text
    assert "on lb: this host is public-facing" in stopped(run, "to-exposed-private")
    assert "on lb: this host is public-facing" in stopped(run, "items-private")
    assert "on localhost: nobody has attested" in stopped(run, "here-private")
    assert "on pretends: this host is public-facing" in stopped(run, "pretends")


def test_a_refusal_says_what_where_and_why(ansible: Ansible, host: SandboxHost, project: None) -> None:
    cases = {
        # ansible-core 2.16 knows lines of YAML only, and the playbook itself is JSON.
        "untagged": {"ansible.builtin.include_tasks": "included.yml"},
        "torn": RAW,
        "undefined": RAW,
        "dmz1": RAW,
        "quiet": {"name": "Quietly", **RAW, "no_log": True, "vars": {"word": SECRET}},
        "quiet-loop": {**BY_ITEM, "loop": [{"name": SECRET, "value": 0}, *ITEMS], "no_log": True},
        "rendered": {"ansible.builtin.template": {"src": "tune.conf.j2", "dest": CONF}, "vars": {"sysctls": ITEMS}},
        "secret": {"ansible.builtin.raw": f"export PASSWORD={SECRET}; sysctl -w {KEY}=7"},
    }
    exposures = {"torn": "private", "undefined": "{{ nothing }}"}
    hosts = [known_as(ansible, host, name) for name in ("witness", *cases)]
    for each in hosts:
        each.vars |= {"timewait_exposure": exposures[each.name]} if each.name in exposures else {}
    run = guarded(
        ansible,
        [beside(name, task) for name, task in cases.items()],
        hosts,
        groups={"behind_nat": ["torn", "quiet", "quiet-loop", "rendered", "secret"], "dmz": ["dmz1"]},
        environment={"TIMEWAIT_GUARD_PUBLIC_GROUPS": "dmz"},
    )
    assert not marks(host), run.text
    untagged = stopped(run, "untagged")
    assert untagged.startswith(f"refused to set {KEY} to 1 on untagged: nobody has attested that this host is private")
    assert f"{GUARD} stopped task 'Tune it' at " in untagged
    assert "/included.yml:2 before it ran. Leave tcp_tw_recycle at 0. For outgoing" in untagged
    assert "is tagged private (variable timewait_exposure of torn) and behind_nat (group behind_nat)" in stopped(
        run, "torn"
    )
    assert "its exposure cannot be told: " in stopped(run, "undefined")
    assert "this host is public-facing: " in stopped(run, "dmz1")
    assert "(tagged public_facing by group dmz)" in stopped(run, "dmz1")
    assert "at 1" not in stopped(run, "rendered")
    assert "by tune.conf.j2 (rendered):3, before it ran" in stopped(run, "rendered")
    assert f"refused to set {KEY} to 7 on secret: this host is behind NAT" in stopped(run, "secret")
    # The result of a task with no_log is not shown, so this is said beside it, and without the value.
    text = "".join(run.text.split())
    assert f"refusedtoset{KEY}onquiet:thishostisbehindNAT" in text
    assert f"refusedtoset{KEY}onquiet-loop:thishostisbehindNAT" in text
    assert SECRET not in run.text


def test_what_a_host_says_is_no_template(ansible: Ansible, host: SandboxHost, tmp_path: Path) -> None:
    host.write("/run/says", f"1{{{{ lookup('pipe', 'touch {tmp_path}/pwned') }}}}")
    block = [
        {"ansible.builtin.raw": "cat /run/says", "register": "said"},
        {"ansible.builtin.raw": f"{MARK}; sysctl -w {KEY}='{{{{ said.stdout }}}}'"},
    ]
    rescue = [
        {"ansible.builtin.set_fact": {"told": "{{ ansible_failed_result.msg }}"}},
        {"ansible.builtin.debug": {"msg": "{{ told }} {{ ansible_failed_result }}"}},
    ]
    play = tasks({"block": block, "rescue": rescue})
    run = guarded(ansible, play, [known_as(ansible, host, "web1")])
    assert not marks(host), run.text
    assert not (tmp_path / "pwned").exists()
    shown = run.only("debug").result["msg"]
    assert f"refused to set {KEY} to 1{{{{ lookup(pipe" in shown
    assert run.rc == 2


def test_a_rescued_refusal_ends_in_exit_status_2_and_nothing_else(ansible: Ansible, host: SandboxHost) -> None:
    rescued = {"block": [RAW], "rescue": [{"ansible.builtin.raw": f"touch {MARKS}/rescued"}]}
    later = {"ansible.builtin.raw": f"touch {MARKS}/later"}
    run = guarded(ansible, [tasks(rescued), tasks(later, {"meta": "end_play"})], [known_as(ansible, host, "web1")])
    assert marks(host) == {"rescued", "later"}, run.text
    assert run.recap["web1"]["rescued"] == 1
    assert run.recap["web1"]["failures"] == 0
    assert run.rc == 2


def test_the_guard_works_in_check_mode_and_for_the_command_ansible(ansible: Ansible, host: SandboxHost) -> None:
    web1 = known_as(ansible, host, "web1")
    checked = guarded(ansible, tasks({"ansible.builtin.raw": TUNE}), [web1], "--check")
    stopped(checked, "web1")
    assert checked.rc == 2
    environment = {"ANSIBLE_CALLBACKS_ENABLED": f"sandbox_results,{GUARD}"}
    single = ansible.adhoc("ansible.builtin.raw", {"_raw_params": TUNE}, [web1], environment=environment)  # type: ignore[list-item]
    stopped(single, "web1")
    assert single.rc == 2
    assert not marks(host)


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ("del TaskExecutor._run_loop", "ansible.executor.task_executor.TaskExecutor._run_loop is not there"),
        ("sys.modules['ansible.utils.unsafe_proxy'] = None", "ansible.utils.unsafe_proxy"),
    ],
)
def test_where_the_guard_cannot_work_nothing_runs(
    ansible: Ansible, host: SandboxHost, tmp_path: Path, broken: str, complaint: str
) -> None:
    plugins = tmp_path / "more_callbacks"
    plugins.mkdir()
    (plugins / "breaks.py").write_text(BREAKS.replace("BROKEN", broken))
    known = ansible._environment(tmp_path, None)["ANSIBLE_CALLBACK_PLUGINS"]
    run = guarded(
        ansible,
        tasks({"ansible.builtin.raw": MARK}),
        [known_as(ansible, host, "web1")],
        environment={"ANSIBLE_CALLBACK_PLUGINS": f"{known}:{plugins}"},
    )
    assert run.rc == 1, run.text
    assert not marks(host)
    assert f"{GUARD} cannot guard this run, which therefore ends here" in " ".join(run.text.split())
    assert "".join(complaint.split()) in "".join(run.text.split())
    assert "is active" not in run.text


@pytest.mark.parametrize("enabled", [True, False])
def test_the_canary_tells_whether_the_guard_is_active(ansible: Ansible, enabled: bool) -> None:
    callbacks = {"ANSIBLE_CALLBACKS_ENABLED": f"sandbox_results,{GUARD}" if enabled else "sandbox_results"}
    run = ansible.playbook("linux_tcp.tuning.guard_canary", [], environment=callbacks)
    assert ("The guard is active" in run.text) is enabled
    assert ("The guard is NOT active" in run.text) is not enabled
    assert run.rc == (0 if enabled else 2), run.text
