"""What carries out a command beside a process of a release, over pipes and over the one socket that sshd gives."""

from __future__ import annotations

import http.client
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from headway.drivers.runtimes.console import entry
from headway.drivers.runtimes.launch import layer
from headway.drivers.runtimes.process.launch_configuration import render_configuration
from headway.kernel.console_frames import HEAD, WINDOW, Kind, framed, head_of
from tests.integration.runtimes.bench import ACCOUNT, open_folder
from tests.support.applications.led_no_more import led_no_more
from tests.support.panel.panel import until

pytestmark = pytest.mark.root

# Becomes a process with mounts of its own, as a launcher makes one.
APART = """\
import ctypes, os, sys
library = ctypes.CDLL(None)
library.unshare(0x20000)
library.mount(None, b"/", None, 0x80000 | 0x4000, None)
library.mount(b"tmpfs", sys.argv[1].encode(), b"tmpfs", 0, None)
open(f"{sys.argv[1]}/made", "w").write("by the process\\n")
os.chmod(sys.argv[1], 0o777)
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
os.execv("/bin/sleep", ["sleep", "7751"])
"""


@pytest.fixture(scope="module")
def process() -> Iterator[tuple[Path, int]]:
    """The folder of a runtime, and the pid of what it runs."""
    with open_folder() as root:
        folder, release = root / "folder", root / "releases/r1"
        for each in (folder, release):
            each.mkdir(parents=True)
        (root / "launch.json").write_text(render_configuration(vault_key=root / "key", caddy=root / "caddy"))
        known = {"release_id": "r1", "folder": str(folder), "home": "/tmp", "uid": ACCOUNT, "gid": ACCOUNT}
        nothing = {"port": None, "sealed_env": None, "memory_bytes": None, "process_limit": None}
        held = {"path": [], "env": {}, "processes": {"web": "x"}, "static": {}, "groups": []}
        (release / "release.json").write_text(json.dumps(known | nothing | held))
        with subprocess.Popen([sys.executable, "-c", APART, str(folder), str(ACCOUNT)]) as running:
            try:
                until(lambda: Path(f"/proc/{running.pid}/comm").read_text() == "sleep\n", 10)
                laid(root, running.pid)
                yield root, running.pid
            finally:
                running.kill()


def laid(root: Path, pid: int) -> None:
    """Tells of a process what its launcher does."""
    place = Path(layer.folder_of(str(root), "r1", "web", pid))
    place.mkdir(parents=True)
    (place / layer.TOLD).write_text(json.dumps({"form": layer.OVERLAY}))


@contextmanager
def begun(process: tuple[Path, int], form: str, *argv: str, **more: object) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """What the panel has of a command that was begun: where it writes, and where it reads."""
    root, pid = process
    words = (sys.executable, "-I", "-S", entry.__file__, str(root))
    ours, theirs = socket.socketpair()
    streams = subprocess.PIPE if form == "pipes" else theirs.fileno()
    with ours, subprocess.Popen(words, stdin=streams, stdout=streams) as started:
        theirs.close()
        with started.stdin or ours.makefile("wb") as into, started.stdout or ours.makefile("rb") as out:
            terms = {"id": "c1", "argv": argv, "window": None, "release_id": "r1", "process": "web", "pid": pid}
            into.write(framed(Kind.TERMS, json.dumps(terms | more).encode()))
            into.flush()
            yield into, out
            if form != "pipes":
                ours.shutdown(socket.SHUT_RDWR)


def said(out: IO[bytes]) -> list[tuple[Kind, bytes]]:
    """All that comes, without what says that input was taken."""
    found = []
    while len(head := out.read(HEAD.size)) == HEAD.size:
        kind, length = head_of(head)
        found.append((kind, out.read(length)))
        if kind is Kind.END:
            break
    return [each for each in found if each[0] is not Kind.TAKEN]


@pytest.mark.parametrize("form", ["pipes", "socket"])
def test_input_output_and_status_pass_and_nothing_is_left(process: tuple[Path, int], form: str) -> None:
    line = "cat made; id -u; cat; (env -i setsid sleep 7752 &); exit 3"
    with begun(process, form, "sh", "-c", line) as (into, out):
        time.sleep(0.3)  # so that what comes in comes while nothing is said
        for data in (b"in\n", b""):
            into.write(framed(Kind.INPUT, data))
            into.flush()
        *pieces, (kind, told) = said(out)
    assert b"".join(data for _, data in pieces) == f"by the process\n{ACCOUNT}\nin\n".encode()
    assert (kind, json.loads(told)) == (Kind.END, {"status": 3})
    assert living(7752) == ""


@pytest.mark.parametrize("form", ["pipes", "socket"])
def test_whoever_lets_go_ends_all_of_it(process: tuple[Path, int], form: str) -> None:
    line = "trap '' TERM HUP; (env -i setsid sleep 7753 &); sleep 7753 & echo up; sleep 7753"
    with begun(process, form, "sh", "-c", line) as (into, out):
        assert out.read(HEAD.size + 3).endswith(b"up\n")
        until(lambda: len(living(7753).split()) == 3, 10)
        if form == "pipes":
            into.close()
            assert said(out) == [(Kind.END, b'{"error": "The command was ended."}')]
    until(lambda: living(7753) == "", 10)


def test_one_that_is_not_what_it_is_called_is_not_entered(process: tuple[Path, int]) -> None:
    with begun((process[0], os.getpid()), "pipes", "id") as (_, out):
        ((kind, told),) = said(out)
    sentence = "The process web has just ended or was started anew; try again."
    assert (kind, json.loads(told)) == (Kind.END, {"error": sentence})


def test_namespaces_that_a_tenant_has_made_are_not_entered(process: tuple[Path, int]) -> None:
    words = ("unshare", "--user", "--mount", "--map-current-user", "sleep", "7754")
    with subprocess.Popen(words, user=ACCOUNT, group=ACCOUNT, extra_groups=()) as apart:
        try:
            until(lambda: Path(f"/proc/{apart.pid}/comm").read_text() == "sleep\n", 10)
            laid(process[0], apart.pid)
            with begun((process[0], apart.pid), "pipes", "grep", "^[UG]id", "/proc/self/status") as (_, out):
                found = said(out)
        finally:
            apart.kill()
    sentence = (
        "The process web has made a user namespace of its own, which Headway does not enter; 'headway apps run' "
        "carries a command out beside it."
    )
    assert found == [(Kind.END, json.dumps({"error": sentence}).encode())]


def test_a_process_that_its_first_thread_has_left_is_entered(process: tuple[Path, int]) -> None:
    becomes = f"os.setgroups([]); os.setgid({ACCOUNT}); os.setuid({ACCOUNT})"
    with led_no_more(becomes) as (left, _):
        laid(process[0], left.pid)
        with begun((process[0], left.pid), "pipes", "id", "-u") as (_, out):
            assert said(out) == [(Kind.OUTPUT, f"{ACCOUNT}\n".encode()), (Kind.END, b'{"status": 0}')]


def test_a_process_from_before_there_were_layers_is_not_said_to_have_ended(process: tuple[Path, int]) -> None:
    with subprocess.Popen(("sleep", "7756"), user=ACCOUNT, group=ACCOUNT, extra_groups=()) as earlier:
        try:
            until(lambda: Path(f"/proc/{earlier.pid}/comm").read_text() == "sleep\n", 10)
            with begun((process[0], earlier.pid), "pipes", "id") as (_, out):
                ((kind, told),) = said(out)
        finally:
            earlier.kill()
    sentence = "The process web was started by an earlier version of Headway; deploy or restart its application once."
    assert (kind, json.loads(told)) == (Kind.END, {"error": sentence})


def test_a_terminal_shows_all_that_was_written_at_its_end(process: tuple[Path, int]) -> None:
    with begun(
        process, "pipes", "sh", "-c", "head -c 150000 /dev/zero | tr '\\0' x", window=[24, 80], term="xterm"
    ) as (_, out):
        time.sleep(1)  # so that it ends while much of it waits
        *pieces, (_, told) = said(out)
    assert (sum(len(data) for _, data in pieces), json.loads(told)) == (150_000, {"status": 0})


@pytest.mark.timeout(30)
def test_a_size_that_comes_when_nobody_has_the_terminal_any_more_ends_nothing(process: tuple[Path, int]) -> None:
    line = "exec <&- >&- 2>&-; sleep 1; exit 3"
    with begun(process, "pipes", "sh", "-c", line, window=[24, 80], term="xterm") as (into, out):
        for _ in range(4):
            time.sleep(0.2)
            into.write(framed(Kind.WINDOW, WINDOW.pack(41, 97)))
            into.flush()
        assert said(out) == [(Kind.END, b'{"status": 3}')]


class _Away(socketserver.StreamRequestHandler):
    """An engine that carries out one command, and says nothing of sizes."""

    def handle(self) -> None:
        asked, head = self.rfile.readline(), http.client.parse_headers(self.rfile)
        self.rfile.read(int(head.get("content-length", 0)))  # what is left unread at the end resets a connection
        if b"/resize" in asked:
            return
        if b"/start" in asked:
            self.wfile.write(b"HTTP/1.1 101 UPGRADED\r\n\r\n")
            self.rfile.read()
            return
        told = b'{"Id": "e", "Running": true, "ExitCode": null}'
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))


@pytest.mark.timeout(30)
def test_an_engine_that_takes_no_size_makes_nobody_deaf(process: tuple[Path, int], tmp_path: Path) -> None:
    path = str(tmp_path / "engine.sock")
    with socketserver.ThreadingUnixStreamServer(path, _Away) as engine:
        threading.Thread(target=engine.serve_forever, daemon=True).start()
        terms = {"container_id": "c" * 64, "pid": None, "engine": path, "use_group": False, "silence": 2.0}
        with begun(process, "pipes", "cat", window=[24, 80], term="xterm", **terms) as (into, out):
            into.write(framed(Kind.WINDOW, WINDOW.pack(41, 97)))
            into.flush()
            assert said(out) == [(Kind.END, b'{"error": "The command was ended."}')]
        engine.shutdown()


@pytest.mark.timeout(30)
def test_whoever_else_holds_its_output_holds_up_nobody(process: tuple[Path, int]) -> None:
    with begun(process, "pipes", "sh", "-c", "echo $$; read line; exit 4") as (into, out):
        _, length = head_of(out.read(HEAD.size))
        with Path("/proc", out.read(length).decode().strip(), "fd", "1").open("w"):
            into.write(framed(Kind.INPUT, b"\n"))
            into.flush()
            assert said(out) == [(Kind.END, b'{"status": 4}')]


def test_the_longest_command_passes_whatever_it_is_made_of(process: tuple[Path, int]) -> None:
    with begun(process, "pipes", "sh", "-c", "echo ${#1}", "sh", "\x01" * 131_000) as (_, out):
        assert said(out) == [(Kind.OUTPUT, b"131000\n"), (Kind.END, b'{"status": 0}')]


def test_a_panel_of_which_nothing_is_heard_any_more_is_gone(process: tuple[Path, int]) -> None:
    with begun(process, "socket", "sleep", "7757", silence=1.0) as (into, out):
        for _ in range(5):
            time.sleep(0.4)
            into.write(framed(Kind.TAKEN, b""))
            into.flush()
        assert living(7757) != ""
        assert said(out) == [(Kind.END, b'{"error": "The command was ended."}')]
    assert living(7757) == ""


def living(seconds: int) -> str:
    return subprocess.run(["pgrep", "-f", f"^sleep {seconds}"], capture_output=True, check=False, text=True).stdout
