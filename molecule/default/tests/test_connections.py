# Copyright (c) the linux_tcp.tuning authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections into a container, with and without standard input and a password for sudo, and large answers."""

import shutil

import pytest
import scenario

testinfra_hosts = scenario.urls("sudo_login")

SESAME = "open sesame"
FACTS = "linux_tcp.tuning.timewait_facts"
PODMAN = ("--extra-vars", "ansible_connection=containers.podman.podman")
DOCKER = ("--extra-vars", "ansible_connection=community.docker.docker")
BECOME = ("--become", "--extra-vars", f"ansible_user=asked ansible_become_password='{SESAME}'")

only_podman = pytest.mark.skipif(scenario.ENGINE != "podman", reason="docker's containers are not podman's")


@pytest.fixture(autouse=True)
def docker(tmp_path, monkeypatch):
    """A program named docker. Where the engine is podman it is podman's, which takes the same arguments."""
    (tmp_path / "docker").symlink_to(shutil.which(scenario.ENGINE))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


@pytest.fixture(autouse=True)
def asked(host):
    """A user whom sudo asks for a password."""
    host.check_output(
        "id asked || { useradd --create-home asked && echo 'asked:%s' | chpasswd && "
        "echo 'asked ALL=(ALL) ALL' >/etc/sudoers.d/asked; }",
        SESAME,
    )


@pytest.fixture
def many_lines(host):
    """Files of 5 MB, all of it about our keys: the loader of this host reads them before all others."""
    host.check_output(
        "mkdir -p /run/sysctl.d; line=$(printf 'net.ipv4.tcp_rfc1337 = 0%976s' ''); "
        'for n in 1 2 3 4 5; do yes "$line" | head -n 1047 >/run/sysctl.d/01-many-$n.conf; done'
    )
    yield
    host.check_output("rm /run/sysctl.d/01-many-[1-5].conf")


def boot_value(run):
    assert run.rc == 0, run.words
    return run.results["sudo_login"][FACTS]["ansible_facts"]["timewait"]["sysctls"]["tcp_rfc1337"]["boot"]["value"]


@pytest.mark.parametrize("connection", [pytest.param(PODMAN, marks=only_podman), DOCKER], ids=["podman", "docker"])
def test_five_megabytes_come_back_whole(many_lines, connection):
    assert boot_value(scenario.ad_hoc("sudo_login", FACTS, {}, *connection)) == 0


def test_docker_takes_standard_input_and_a_password():
    # The role has tuned the host: in its name there is nothing left to do.
    owner = {"owner": "linux_tcp.tuning.timewait"}
    run = scenario.ad_hoc("sudo_login", "linux_tcp.tuning.timewait_settings", owner, *DOCKER, *BECOME)
    assert (run.rc, run.changed()) == (0, []), run.words


@only_podman
def test_podman_passes_no_password_on_and_that_is_said():
    run = scenario.ad_hoc("sudo_login", "linux_tcp.tuning.timewait_settings", {}, *PODMAN, *BECOME)
    assert run.rc == 2
    message = run.results["sudo_login"]["linux_tcp.tuning.timewait_settings"]["msg"]
    assert "Connection podman passes no become password on: connect as root, or let become do without one" in message
