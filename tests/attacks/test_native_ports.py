"""Taking the port of an application that crashed: whoever comes first must not get its visitors."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.panel.panel import Panel, git_repository, until, web

pytestmark = [pytest.mark.root, pytest.mark.slow]

# Listens on a port again and again, in the spellings that a server may have, and answers like nobody else.
TAKER = """\
import os, socket, sys, time
address, port, option = sys.argv[1], int(sys.argv[2]), sys.argv[3]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
while True:
    server = socket.socket(family)
    for each in option.split(","):
        server.setsockopt(socket.SOL_SOCKET, getattr(socket, each), 1)
    try:
        server.bind((address, port))
        server.listen(64)
    except OSError as error:
        server.close()
        time.sleep(0.001)
        continue
    print("taken", flush=True)
    while True:
        visitor, _ = server.accept()
        visitor.recv(4096)
        visitor.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 8\\r\\nConnection: close\\r\\n\\r\\nHIJACKED")
        visitor.close()
"""
STRANGER = 61_235


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("ports")
    panel = Panel(folder / "data", HEADWAY_WATCH_TIME="60s").start()
    try:
        yield panel
    finally:
        panel.clean_up()


@pytest.fixture(scope="module")
def victim(panel: Panel, tmp_path_factory: pytest.TempPathFactory) -> str:
    url = git_repository(tmp_path_factory.mktemp("victim") / "victim", web("the victim"))
    deployment_id = panel.deploy(panel.application(url, name="victim"))
    panel.done(deployment_id)
    return deployment_id


@pytest.mark.parametrize(
    ("address", "option"),
    [("127.0.0.1", "SO_REUSEADDR"), ("0.0.0.0", "SO_REUSEADDR,SO_REUSEPORT"), ("::", "SO_REUSEADDR")],  # noqa: S104
)
def test_nobody_is_led_to_whoever_takes_the_port_of_a_crashed_application(
    panel: Panel, victim: str, address: str, option: str
) -> None:
    release = panel.get("release.one", releaseId=victim)
    port = release["port"]
    with subprocess.Popen(
        ["/usr/bin/python3", "-I", "-c", TAKER, address, str(port), option],
        user=STRANGER,
        group=STRANGER,
        extra_groups=[],
        stdout=subprocess.PIPE,
    ) as taker:
        try:
            until(lambda: crash(panel, victim, taker), 20, what="the port is taken")
            until(lambda: panel.visit("victim").status_code == 404, 5, what="nobody is led there")
            answers = {panel.visit("victim").text for _ in range(40)}
            assert not any("HIJACKED" in answer for answer in answers)
            assert "is held by a process that is not its own" in panel.log()
        finally:
            taker.kill()
    until(lambda: panel.visit("victim").text == "the victim", 40, what="the victim serves again")


def test_the_folder_of_uploads_cannot_be_listed(panel: Panel) -> None:
    """The same for every folder beside it: ids of services are nobody's to read."""
    folders = [each for each in (*panel.data_dir.iterdir(), *panel.work.iterdir()) if each.is_dir()]
    assert panel.data_dir / "archives" in folders
    assert [each for each in folders if each.stat().st_mode & 0o044 and any(each.iterdir())] == []


def crash(panel: Panel, release_id: str, taker: subprocess.Popen[bytes]) -> bool:
    """Ends the application until its neighbour was quicker."""
    for pid in pids_of(release_id):
        os.kill(pid, signal.SIGKILL)
    assert taker.stdout is not None
    os.set_blocking(taker.stdout.fileno(), False)
    time.sleep(0.05)
    return bool(taker.stdout.read())


def pids_of(release_id: str) -> list[int]:
    """The processes of a release."""
    marker = f"\0HEADWAY_RELEASE_ID={release_id}\0".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                environment = b"\0" + (folder / "environ").read_bytes()
            except OSError:
                continue
            found += [int(folder.name)] if marker in environment else []
    return found
