"""A set-up on a Debian of its own: cut off in the middle, repaired by the next, nothing to do for a third."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.machines.server_roots import MISSING, RootedServer, bare_server, remove_groups
from tests.support.panel.panel import Panel, panel, until

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}"),
]
Json = Any
SECONDS = 400


def begun(running: Panel, server_id: str, **wants: bool) -> str:
    given = {"serverId": server_id, "docker": False, "native": True, **wants}
    answer = running.client.post("/server.setup", json=given)
    assert answer.status_code == 200, answer.text
    deployment_id: str = answer.headers["x-deployment-id"]
    return deployment_id


def installed(server: RootedServer) -> bytes:
    """All that the packages of the server are and were."""
    return (server.root / "var/lib/dpkg/status").read_bytes()


def test_a_set_up_is_repaired_and_then_changes_nothing(tmp_path: Path) -> None:
    with bare_server(tmp_path / "server") as server:
        with panel(tmp_path / "data") as running:
            key = running.post("sshKey.create", name="k", privateKey=server.key.reveal())["sshKeyId"]
            made = running.post("server.create", name="bare", ipAddress="127.0.0.1", port=server.port, sshKeyId=key)
            server_id, before = made["serverId"], installed(server)

            dry = begun(running, server_id, dryRun=True)
            running.done(dry, 60)
            assert "To be installed: python3, " in running.deployment_log(dry)
            assert installed(server) == before

            cut = begun(running, server_id)
            running.running(cut, "Unpacking python3", SECONDS)
            running.post("deployment.killProcess", deploymentId=cut)
            assert running.one(cut)["reason"] == "killed"
            assert server.living("apt-get") == server.living("dpkg") == []

            running.done(begun(running, server_id), SECONDS)
            after = installed(server)
            for package in (b"python3", b"python3-venv", b"python3-cryptography"):
                assert b"Package: %b\nStatus: install ok installed" % package in after

            again = begun(running, server_id)
            running.done(again, 60)
            assert "Every package that is wanted is there." in running.deployment_log(again)
            assert installed(server) == after
            until(lambda: running.get("server.one", serverId=server_id)["facts"], 10)
        server.stop()
        remove_groups(tmp_path / "data")
