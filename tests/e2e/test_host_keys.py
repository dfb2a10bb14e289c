"""A server that is met for the first time, and a panel that dies at that moment: which key the next one takes."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headway.infra.hosts.ssh_target import fingerprint
from tests.support.databases.databases import nothing_is_written
from tests.support.machines.ssh_servers import SSHD, SshServer, ssh_server
from tests.support.panel.panel import Panel, panel, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.timeout(120),
    pytest.mark.skipif(SSHD is None, reason="needs sshd (apt-get install openssh-server)"),
]
Json = Any


@dataclass(frozen=True, kw_only=True)
class Acquaintance:
    """A panel, and a server that it has never met."""

    panel: Panel
    server: SshServer
    server_id: str

    def row(self) -> Json:
        """What the panel tells of it."""
        return self.panel.get("server.one", serverId=self.server_id)

    def kept(self) -> str | None:
        """The key that its row has."""
        asked = "SELECT host_key FROM servers WHERE server_id = ?"
        with closing(sqlite3.connect(self.panel.data_dir / "headway.db")) as database:
            (found,) = database.execute(asked, (self.server_id,)).fetchone()
        return None if found is None else str(found)

    def logins(self) -> int:
        """How often the panel was let in."""
        return (self.server.folder / "log").read_text().count("Accepted publickey")

    def was_asked(self) -> bool:
        """Whether anything was asked of the server: what Headway starts there makes its folders first."""
        panel_id = (self.panel.data_dir / "panel.id").read_text()
        return any(Path("/var/lib/headway").glob(f"{panel_id}-{self.server_id}*"))

    def set_up_anew(self) -> None:
        """The server shows another key than before."""
        self.server.stop()
        self.server.change_host_key()
        self.server.start()

    def forget(self) -> None:
        """Nothing is left on the server, whatever key it shows by now."""
        self.panel.post("server.update", serverId=self.server_id, forgetHostKey=True)
        until(lambda: self.row()["reach"]["isUp"], what="it is reached")
        self.panel.post("server.remove", serverId=self.server_id, force=True)
        assert not self.was_asked(), "folders are left"


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Acquaintance]:
    with ssh_server(tmp_path / "server") as server, panel(tmp_path / "data") as running:
        server.stop()
        key = running.post("sshKey.create", name="k", privateKey=server.key.reveal())["sshKeyId"]
        made = running.post("server.create", name="one", ipAddress="127.0.0.1", port=server.port, sshKeyId=key)
        yield Acquaintance(panel=running, server=server, server_id=made["serverId"])


def test_one_that_dies_before_the_key_is_kept_has_asked_nothing_and_the_next_takes_the_first_that_it_sees(
    first: Acquaintance,
) -> None:
    running, server = first.panel, first.server
    with nothing_is_written(running.data_dir):
        server.start()
        why = r"The key that .* shows cannot be kept: The database cannot be used now"
        until(lambda: re.search(why, first.row()["reach"]["why"] or ""), 30, what="it says why it goes no further")
        before = first.logins()
        until(lambda: first.logins() > before, 30, what="it is let in again, and waits to keep the key")
        running.kill()
        assert (first.kept(), first.was_asked()) == (None, False)
    first.set_up_anew()
    running.start()
    until(lambda: first.row()["reach"]["isUp"], 30, what="the next panel has reached it")
    assert first.kept() == server.host_key
    assert first.row()["hostKeyFingerprint"] == fingerprint(server.host_key)
    first.forget()


def test_one_that_dies_once_the_key_is_kept_leaves_it_to_the_next_which_takes_no_other(first: Acquaintance) -> None:
    running, server = first.panel, first.server
    server.start()
    until(lambda: first.kept() is not None or first.was_asked(), 30, what="they have met")
    running.kill()
    met, before = server.host_key, first.logins()
    assert first.kept() == met, "it is kept before anything is asked"
    first.set_up_anew()
    running.start()
    answer = running.client.get("/server.validate", params={"serverId": first.server_id})
    assert (answer.status_code, "has changed" in answer.text) == (503, True), answer.text
    assert (first.kept(), first.logins()) == (met, before), "it was not even let in"
    assert first.row()["hostKeyFingerprint"] == fingerprint(met)
    first.forget()
