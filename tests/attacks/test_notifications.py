"""No address of a channel makes the panel's machine read, write or start anything: a wall at each step, any of which is
enough.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import ssl
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from headway.features.notifications import store as channels
from headway.features.notifications.media import Media, NotTold
from headway.features.notifications.model import APPRISE, TEST, Channel, ChannelTarget, Notice, NoticeState
from tests.integration.http.world import World, open_world
from tests.support.certificates.certificates import certificate_for
from tests.support.notifications.receivers import receiver

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="what tells is given an account of its own: needs root"),
]

ACCOUNT = 1_879_090_000 + os.getpid() % 5_000  # of nobody else, and in no panel's range
WALLS = ("policy", "files", "account", "limits")
# The program that tells, with some of its walls taken down.
WITHOUT = """\
import sys
from headway.features.notifications import apprise_call, apprise_confinement
down = sys.argv[1].split(",")
if "policy" in down:
    apprise_call.refusal_to_tell = lambda *given: None
if "files" in down:
    apprise_confinement.close_files = lambda: None
if "limits" in down:
    apprise_confinement.bound = lambda: None
apprise_call.main(sys.argv[2:])
"""
# The same, which says what it opens once it knows where to.
OPENED = """\
import sys
from headway.features.notifications import apprise_call, apprise_confinement
closed = apprise_confinement.close_files
def close():
    sys.addaudithook(lambda event, given: sys.stderr.write(f"{given[0]}\\n") if event == "open" else None)
    closed()
apprise_confinement.close_files = close
apprise_call.main(sys.argv[1:])
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """What a native application writes in, and every account may read: the worst that there is."""
    made = Path(tempfile.mkdtemp(prefix="headway-attack-", dir="/var/tmp"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


async def told(program: str, *arguments: str, url: str, guarded: bool = False) -> tuple[dict[str, Any], str]:
    """What the program answers, and complains of."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", program, *arguments),
        cwd="/",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    given = {"url": url, "title": "t", "body": "b", "guarded": guarded}
    async with asyncio.timeout(60):
        output, complaint = await process.communicate(json.dumps(given).encode())
    return json.loads(output or "{}"), complaint.decode()


class Exchange:
    """The attack: a subscription that is gone is struck out of its file, which has become a link meanwhile."""

    def __init__(self, folder: Path, target: Path) -> None:
        self._file, self._target = folder / "sub.json", target
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        key = folder / "key.pem"
        form = serialization.PrivateFormat.PKCS8
        pem = self._key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        key.write_bytes(pem)
        key.chmod(0o666)
        self.url = f"vapid://a@b.cc/?keyfile={key}&subfile={self._file}&verify=no"

    def subscribe(self, port: int) -> None:
        form = serialization.PublicFormat.UncompressedPoint
        point = self._key.public_key().public_bytes(serialization.Encoding.X962, form)
        keys = {"p256dh": _coded(point), "auth": _coded(b"0123456789abcdef")}
        self._entry = {"a@b.cc": {"endpoint": f"https://127.0.0.1:{port}/p", "keys": keys}}
        self._file.write_text(json.dumps(self._entry))
        self._file.chmod(0o666)

    def begin(self) -> None:
        """While the one who tells waits for an answer, its file becomes a pipe."""
        self._file.unlink()
        os.mkfifo(self._file, 0o666)
        self._file.chmod(0o666)
        self._writer.start()

    def _write(self) -> None:
        with self._file.open("w") as pipe:  # which waits for the reader, who waits for its end
            pipe.write(json.dumps({**self._entry, " /D/x.so ": 1}))
            link = self._file.with_name("link")
            link.symlink_to(self._target)
            link.rename(self._file)


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@contextmanager
def over_https(folder: Path, answer: Callable[[], int]) -> Iterator[int]:
    """A receiver with a certificate of its own, which lies in the folder; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(answer())
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    certificate, key = certificate_for("localhost", addresses=("127.0.0.1",))
    (folder / "cert.pem").write_text(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("standing", [None, *WALLS])
async def test_no_file_of_roots_is_written_by_a_push_service_that_says_gone(
    folder: Path, tmp_path: Path, standing: str | None
) -> None:
    roots = tmp_path / "roots"
    roots.mkdir(mode=0o700)
    target = roots / "ld.so.preload"
    exchange = Exchange(folder, target)
    down = ",".join(each for each in WALLS if each != standing)
    arguments = [f"--as={ACCOUNT}"] if standing == "account" else []

    def gone() -> int:
        exchange.begin()
        return 410

    with over_https(tmp_path, gone) as port:
        exchange.subscribe(port)
        await told(WITHOUT, down, *arguments, url=exchange.url)
    assert target.exists() is (standing is None), "without a wall it is written, and with any of them it is not"
    assert list(roots.iterdir()) == ([target] if standing is None else [])


@pytest.mark.parametrize("standing", [None, "policy", "files", "account"])
async def test_no_file_of_roots_is_read_as_a_template(tmp_path: Path, standing: str | None) -> None:
    """What is read goes where the address says: here, whether it was read stands in what the service complains of."""
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({"text": "words of root's"}))
    secret.chmod(0o600)
    down = ",".join(each for each in WALLS if each != standing)
    arguments = [f"--as={ACCOUNT}"] if standing == "account" else []
    with receiver() as heard:
        url = f"workflows://127.0.0.1:{heard.port}/flow/sign/?template={secret}&verify=no"
        answer, _ = await told(READ, str(secret), down, *arguments, url=url)
    assert answer["read"] is (standing is None), answer


READ = (
    """\
import builtins, json, sys
from headway.features.notifications import apprise_call
secret = sys.argv.pop(1)
found = []
opened = builtins.open
def watched(path, *more, **named):
    file = opened(path, *more, **named)
    if str(path) == secret:
        found.append(path)
    return file
builtins.open = watched
tell = apprise_call._told
apprise_call._told = lambda given: {**tell(given), "read": bool(found)}
"""
    + WITHOUT
)


async def test_what_tells_is_an_account_without_rights_in_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWAY_SECRET_OF_THE_PANEL", "x")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    home = tmp_path / "empty"
    home.mkdir()
    found: dict[str, str] = {}

    def look(_number: int) -> int:
        found.update(of_who_tells())
        return 200

    with receiver(look) as heard:
        media = Media(home=str(home), account=ACCOUNT)
        await media.tell(channel_to(f"json://127.0.0.1:{heard.port}/x"), a_notice(), datetime.now(UTC))
    assert len(heard.posted) == 1
    assert found["Uid"].split() == found["Gid"].split() == [str(ACCOUNT)] * 4
    assert found["Groups"].split() == []
    assert {int(found[each], 16) for each in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert found["NoNewPrivs"].strip() == "1"
    assert found["cwd"] == str(home)
    assert found["oom"].strip() == "1000"
    names = {each.partition("=")[0] for each in found["environ"].split("\0") if each}
    assert {"HOME", "HEADWAY_SECRET_OF_THE_PANEL"} & names == set()
    assert {"PATH", "HTTPS_PROXY"} <= names
    limits = {line[:26].strip(): line[26:].split()[1] for line in found["limits"].splitlines()[1:]}
    assert limits["Max file size"] == limits["Max core file size"] == "0"
    assert int(limits["Max data size"]) <= 256 << 20
    assert int(limits["Max processes"]) <= 512
    assert int(limits["Max cpu time"]) <= 60


def of_who_tells() -> dict[str, str]:
    """What the kernel says of the process that tells, which waits for its answer."""
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if {f"--as={ACCOUNT}", f"--as={ACCOUNT}:{ACCOUNT + 1}"} & {*(each / "cmdline").read_text().split("\0")}:
                status = dict(line.split(":", 1) for line in (each / "status").read_text().splitlines())
                more = {name: (each / name).read_text() for name in ("environ", "limits", "cgroup")}
                oom = (each / "oom_score_adj").read_text()
                return {**status, **more, "cwd": str((each / "cwd").readlink()), "oom": oom}
    return {}


@pytest.mark.parametrize("scheme", ["json", "mailto"])
async def test_who_tells_opens_no_file_any_more(scheme: str) -> None:
    """So that it works from a folder that its account cannot enter."""
    with receiver() as heard:
        url = f"json://127.0.0.1:{heard.port}/x"
        if scheme == "mailto":
            url = "mailto://127.0.0.1:9?from=panel@example.org&to=ops@example.org&mode=insecure"
        answer, complaint = await told(OPENED, f"--as={ACCOUNT}", url=url)
    assert answer["told"] is (scheme == "json"), complaint
    assert complaint == ""


async def test_who_is_trusted_lies_where_the_account_cannot_get(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    media = Media(account=ACCOUNT)
    with over_https(tmp_path, lambda: 200) as port:
        channel = channel_to(f"jsons://127.0.0.1:{port}/x")
        with pytest.raises(NotTold):
            await media.tell(channel, a_notice(), datetime.now(UTC))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "cert.pem"))
        await media.tell(channel, a_notice(), datetime.now(UTC))


async def test_who_answers_without_an_end_fills_no_memory() -> None:
    """The answer is held by whoever tells, and ends there."""

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            writer.write(b"HTTP/1.1 400 no\r\nconnection: close\r\n\r\n")
            while True:
                writer.write(b"x" * (1 << 20))
                await writer.drain()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        media = Media(account=ACCOUNT)
        with pytest.raises(NotTold):
            await media.tell(channel_to(f"json://127.0.0.1:{port}/x"), a_notice(), datetime.now(UTC))


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


OF_THE_MACHINE = (
    "vapid://a@b.cc/?keyfile=/D/key.pem&subfile=/D/sub.json",
    "discord://1/abc?template=/etc/passwd",
    "mailtos://u:p@example.org?to=a@example.org&pgpprv=/root/.ssh/id_rsa",
    "syslog://user",
    "json://example.org/x, syslog://user",
)


async def test_nobody_saves_an_address_of_the_machines_own(world: World) -> None:
    for client in (world.stranger, world.owner):
        kept = await client.post("/notification.create", json={"name": "n", "url": "json://example.org/x"})
        for url in OF_THE_MACHINE:
            made = await client.post("/notification.create", json={"name": "n", "url": url})
            assert made.status_code == 400, url
            assert "no channel" in made.json()["message"], url
            changed = {"notificationId": kept.json()["notificationId"], "url": url}
            assert (await client.post("/notification.update", json=changed)).status_code == 400, url


async def test_what_was_saved_before_is_told_nowhere_and_says_why(world: World) -> None:
    given = {"name": "n", "url": "json://example.org/x"}
    made = (await world.stranger.post("/notification.create", json=given)).json()
    vault, ids = world.platform.data_dir.vault, {"notificationId": made["notificationId"]}
    for url in OF_THE_MACHINE:

        def as_before(tx: Any, url: str = url) -> None:  # noqa: ANN401 - a transaction
            channel = channels.find(tx, made["notificationId"], vault)
            channels.replace_with(tx, replace(channel, target=replace(channel.target, url=url)), vault)

        await world.services.db.run(as_before)
        assert (await world.stranger.post("/notification.update", json={**ids, "name": "other"})).status_code == 200
        refused = await world.stranger.post("/notification.test", json=ids)
        assert (refused.status_code, "no channel" in refused.json()["message"]) == (400, True), url


def channel_to(url: str) -> Channel:
    return Channel(
        channel_id="c",
        organization_id="o",
        name="n",
        medium=APPRISE,
        target=ChannelTarget(url=url),
        events=(),
        projects=(),
        services=(),
        quiet_seconds=0,
        failing_since=None,
        last_error=None,
        created_at=datetime.now(UTC),
        disabled_at=None,
    )


def a_notice() -> Notice:
    return Notice(
        seq=0,
        notice_id="n",
        channel_id="c",
        event=TEST,
        about=TEST,
        payload={"name": "n", "time": "now"},
        state=NoticeState.WAITING,
        attempts=0,
        due_at=datetime.now(UTC),
        last_error=None,
        sent_at=None,
        created_at=datetime.now(UTC),
    )
