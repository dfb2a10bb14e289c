"""`headway servers` against a panel that runs and a real sshd: what a person types, and is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.test_cli import headway, succeed
from tests.support.machines.ssh_servers import SSHD, make_key, ssh_server
from tests.support.panel.panel import Panel, free_port, panel

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.timeout(120),
    pytest.mark.skipif(SSHD is None, reason="needs sshd (apt-get install openssh-server)"),
]


def refused(running: Panel, *arguments: str) -> str:
    """What is said to a command that does not succeed."""
    done = headway(running, "servers", *arguments)
    assert done.returncode != 0, done.stdout
    return done.stderr


def test_a_server_is_added_corrected_and_removed(tmp_path: Path) -> None:
    with ssh_server(tmp_path / "server") as server, panel(tmp_path / "data") as running:
        key, closed = str(server.folder / "key"), free_port()
        assert "it is a file: --key-file keeps what is in it" in refused(
            running, "add", "eu", "a.example", "--key", key
        )
        said = refused(running, "add", "eu", f"127.0.0.1:{closed}", "--key-file", key)
        assert f"is {closed} its port?" in said
        assert "eu is kept. Correct it with 'headway servers update eu'" in said
        assert "There is a server eu already" in refused(running, "add", "eu", "127.0.0.1", "--key", "eu")
        listed = headway(running, "servers", "list")
        assert "out of reach" in listed.stdout
        assert f"is {closed} its port?" in listed.stderr
        assert "Say what is to be changed" in refused(running, "update", "eu")
        answered = succeed(running, "servers", "update", "eu", f"127.0.0.1:{server.port}", "--name", "eu-1")
        assert answered.startswith("eu-1 answers: ")
        shown = succeed(running, "servers", "show", "eu-1")
        assert f"root@127.0.0.1:{server.port}" in shown
        assert "SHA256:" in shown
        make_key(tmp_path / "other")
        said = refused(running, "update", "eu-1", "--key-file", str(tmp_path / "other"))
        assert "it knows no user root with this SSH key" in said
        kept = json.loads(succeed(running, "servers", "update", "eu-1", "--key", "eu", "--concurrency", "5", "--json"))
        assert (kept["concurrency"], kept["problems"]) == (5, [])
        assert "eu-1 is forgotten" in succeed(running, "servers", "remove", "eu-1", "--yes")
        assert "There is no server eu-1" in refused(running, "show", "eu-1")
