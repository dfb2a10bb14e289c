"""``application.exec`` and its WebSocket: who is let in to a console, and who is not."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from headway.core.access.audience import Listener
from headway.core.access.model import GUEST
from headway.domains.applications import store
from headway.domains.applications.consoles import Console, ConsoleService, Conversation, Seat, Wish, _end
from headway.domains.applications.model import Application, ReleaseState, Wanted
from headway.domains.applications.service import ApplicationService
from headway.faces.http.consoles import _held
from headway.faces.http.server import Server
from headway.infra.hosts.local_program import converse_here
from headway.infra.logs.mask import Masker
from headway.kernel.artifacts import HealthCheck, HealthKind
from headway.kernel.console_frames import Kind
from headway.kernel.events import AccessChanged
from tests.command_line import run_headway
from tests.consoles import HIDING, first_line, sitting, way_to
from tests.integration.http.serving import served
from tests.integration.http.world import KEYS, World, open_world
from tests.integration.runtimes.bench import ACCOUNT, Work, make_spec, open_folder
from tests.panel import until
from tests.ssh_servers import SSHD, ssh_host, ssh_server

Json = Any

OWNER: Mapping[str, str] = {"x-api-key": KEYS["owner"]}


async def refused(server: Server, headers: Mapping[str, str], **query: str) -> tuple[int, str]:
    """The status and the sentence with which a handshake is refused."""
    address = f"ws://127.0.0.1:{server.port}/application-console?{urlencode(query)}"
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(address, additional_headers=headers, proxy=None):
            pass
    response = refusal.value.response
    assert response.body is not None
    return response.status_code, json.loads(response.body)["message"]


def wished(world: World, application_id: str, user_id: str, *, seconds: float = 60) -> None:
    """Somebody has asked for a console, as if something of the application ran."""
    world.services.consoles.wishes["a-console"] = Wish(
        user_id=user_id,
        application_id=application_id,
        command=("true",),
        process=None,
        window=None,
        terminal="xterm",
        ends=time.monotonic() + seconds,
    )


async def test_nobody_enters_but_who_has_asked_and_within_a_minute(world: World) -> None:
    gone = (404, "There is no such console any more; ask for another.")
    application_id = await world.application()
    owner = (await world.get("user.get"))["userId"]
    async with served(world) as server:
        assert (await refused(server, {}, consoleId="a-console"))[0] == 401
        assert await refused(server, OWNER, consoleId="a-console") == gone
        assert await refused(server, OWNER) == gone
        wished(world, application_id, "somebody else")
        assert await refused(server, OWNER, consoleId="a-console") == gone
        wished(world, application_id, owner, seconds=-1)
        assert await refused(server, OWNER, consoleId="a-console") == gone
        wished(world, application_id, owner)
        never = (409, "The application trivial was never deployed; deploy it first.")
        assert await refused(server, OWNER, consoleId="a-console") == never
        assert await refused(server, OWNER, consoleId="a-console") == gone, "it is entered once"


async def test_there_is_none_where_nothing_runs_nor_beyond_the_most(world: World) -> None:
    application_id = await world.application()
    asked = {"applicationId": application_id, "command": ["true"]}
    answer = await world.client("owner").post("/application.exec", json=asked)
    assert (answer.status_code, "never deployed" in answer.json()["message"]) == (409, True)
    assert (await world.client("owner").post("/application.exec", json={**asked, "process": "../x"})).status_code == 400
    for number in range(world.services.consoles.most):
        wished(world, application_id, "somebody")
        world.services.consoles.wishes[str(number)] = world.services.consoles.wishes.pop("a-console")
    answer = await world.client("owner").post("/application.exec", json=asked)
    assert (answer.status_code, "32 commands are open" in answer.json()["message"]) == (429, True)
    world.services.consoles.wishes.clear()
    mine = Seat(user_id=(await world.get("user.get"))["userId"], host_id="a-server")
    world.services.consoles.open.update({str(number): mine for number in range(world.services.consoles.most_of_one)})
    answer = await world.client("owner").post("/application.exec", json=asked)
    assert (answer.status_code, "8 commands are open" in answer.json()["message"]) == (429, True)


async def test_as_many_as_ask_at_once_get_no_more_than_the_most(world: World) -> None:
    application_id = await world.application()
    await world.release(application_id, state=ReleaseState.SERVING, runtime="native")
    await world.services.db.run(lambda tx: store.set_fields(tx, application_id, wanted=Wanted.UP))
    asked = {"applicationId": application_id, "command": ["true"]}
    asking = (world.client("owner").post("/application.exec", json=asked) for _ in range(24))
    answers = [answer.status_code for answer in await asyncio.gather(*asking)]
    assert (answers.count(200), answers.count(429)) == (8, 16)
    consoles, seats = world.services.consoles, list[int]()
    one = ApplicationService.one

    async def looked_at(*given: Json) -> Application:
        seats.append(len(consoles.wishes) + len(consoles.open))
        return await one(*given)

    async with served(world) as server:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ApplicationService, "one", looked_at)
            await refused(server, OWNER, consoleId=next(iter(consoles.wishes)))  # nothing of it runs
    assert seats == [8], "whoever enters has a seat all the while"
    assert len(consoles.wishes) + len(consoles.open) == 7


SAYS = """\
import sys, time
for letter, data in [*(("o", each) for each in sys.argv[1:]), ("x", "{}")]:
    sys.stdout.buffer.write(letter.encode() + len(data).to_bytes(4) + data.encode())
    sys.stdout.buffer.flush()
    time.sleep(0.4)
"""


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (("> sword", "fish9-and", "-more\n"), [b"> ", b"sword", b"******\n"]),
        (("> swordfish9", "-and-more\n"), [b"> ", b"******\n"]),
        (("> swo", "p", "swordfish9-a"), [b"> ", b"swo", b"p", b"******"]),
        (("> swordfish9", "?\n"), [b"> ", b"swordfish9?\n"]),
    ],
)
async def test_a_pause_inside_a_secret_shows_no_more_of_it(pieces: tuple[str, ...], shown: list[bytes]) -> None:
    conversation = await converse_here(sys.executable, "-c", SAYS, *pieces)
    console = Console(conversation, Masker({"swordfish9-and-more"}), 20, asyncio.Event())
    found = [data async for kind, data in console.pieces() if kind is Kind.OUTPUT]
    conversation.close()
    assert await conversation.process.wait() == 0
    assert found == shown


AT_ONCE = SAYS.replace("    time.sleep(0.4)\n", "")


async def test_what_is_typed_after_a_command_has_ended_takes_nothing_of_what_it_said() -> None:
    conversation = await converse_here(sys.executable, "-c", AT_ONCE, "first", "second")
    console = Console(conversation, Masker(set()), 20, asyncio.Event())
    typed: Iterator[Json] = iter([b"iabc", b"iabc", b"w\0\x18\0\x50"])
    over, heard = asyncio.Event(), asyncio.Event()
    told: list[Json] = []

    async def receive() -> Json:
        await over.wait()
        if (data := next(typed, None)) is None:
            heard.set()
            await asyncio.Event().wait()
        return {"type": "websocket.receive", "bytes": data}

    async def send(message: Json) -> None:
        told.append(message["bytes"])
        await conversation.process.wait()
        over.set()
        await asyncio.wait_for(heard.wait(), 10)

    code = await _held(console, Listener(GUEST, lambda: datetime.now(UTC)), receive, send)
    await _end(conversation)
    assert (code, told) == (1000, [b"ofirst", b"osecond", b"x{}"])


LAST = """\
import sys, time
sys.stdout.buffer.write(b"o" + (100).to_bytes(4) + b"half of it")
sys.stdout.buffer.flush()
sys.stdin.buffer.read()
sys.stdout.buffer.write(b"x" * 1_000_000)
time.sleep(0.7)
open(sys.argv[1], "w")
"""


async def left_amid_a_piece(conversation: Conversation) -> None:
    """Somebody has listened for a moment, and left."""
    console = Console(conversation, Masker(set()), 20, asyncio.Event())

    async def listened() -> list[Json]:
        return [piece async for piece in console.pieces()]

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(listened(), 0.5)
    await _end(conversation)


async def test_whoever_leaves_amid_a_piece_is_gone_only_once_the_command_is(tmp_path: Path) -> None:
    (tmp_path / "last.py").write_text(LAST)
    words = ("python3", f"{tmp_path}/last.py")
    await left_amid_a_piece(await converse_here(*words, f"{tmp_path}/here"))
    assert (tmp_path / "here").exists()
    if SSHD is None or os.geteuid() != 0:
        return
    with ssh_server(tmp_path / "server") as server:
        async with ssh_host(server) as host:
            await left_amid_a_piece(await host.converse(*words, f"{tmp_path}/there"))
            assert (tmp_path / "there").exists()


ALIKE = """\
id -u; id -G; grep -E '^(CapEff|NoNewPrivs)' /proc/self/status
for each in /proc/[0-9]*; do
  if [ "$(tr '\\0' ' ' <"$each/cmdline")" = "sleep 7761 " ]; then
    cmp "$each/cgroup" /proc/self/cgroup || exit 1
    [ "$(readlink "$each/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ] && echo alike
  fi
done
"""
SERVES = "echo left >left.txt; exec sleep 7761"


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


@asynccontextmanager
async def serving(folder: Path, **env: str) -> AsyncIterator[tuple[World, Server, str]]:
    """A world in which the application shop runs, as a deploy would have left it."""
    async with open_world(folder / "data", **env) as world, served(world) as server:
        application_id = await world.application("shop", env="SECRET_TOKEN=swordfish9")
        release_id = await world.release(application_id, state=ReleaseState.SERVING, runtime="native")
        await world.services.db.run(lambda tx: store.set_fields(tx, application_id, wanted=Wanted.UP))
        runtime = world.services.consoles.operating.tools.runtimes.of("native")
        settled = HealthCheck(kind=HealthKind.SETTLE, deadline_seconds=20, settle_seconds=0.2)
        named = {"release_id": release_id, "processes": {"web": SERVES}, "port": None, "health": settled}
        spec, work = make_spec(folder, **named, env={"SECRET_TOKEN": "swordfish9"}), Work()
        try:
            await runtime.prepare(work, spec)
            await runtime.start(work, spec)
            await runtime.healthy(work, spec)
            yield world, server, release_id
        finally:
            await runtime.remove(release_id)
            await runtime.shut_down()  # type: ignore[attr-defined]


def way(server: Server) -> Mapping[str, str]:
    """That of the owner to the panel."""
    return way_to(server.port, KEYS["owner"])


async def carried_out(server: Server, *command: str, stdin: str = "") -> tuple[int, str, str]:
    """What a command ends with, and says."""
    words = ("apps", "exec", "shop", "--", *command)
    ended = await asyncio.to_thread(run_headway, words, way(server), given=stdin, seconds=30)
    return ended.returncode, ended.stdout, ended.stderr


def living(seconds: int) -> list[str]:
    found = subprocess.run(["pgrep", "-f", f"sleep {seconds}"], capture_output=True, check=False, text=True)
    return found.stdout.split()


async def begun(typing: subprocess.Popen[bytes], seconds: int) -> None:
    assert await asyncio.to_thread(first_line, typing) == b"up\n"
    await asyncio.to_thread(until, lambda: len(living(seconds)) >= 4, 10)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_command_is_beside_the_process_and_ends_whole(folder: Path) -> None:
    async with serving(folder, HEADWAY_CONSOLE_IDLE="4") as (world, server, release_id):
        line = 'cat left.txt; cat; echo "$1 $SECRET_TOKEN $HEADWAY_PROCESS"; echo why >&2; touch made; exit 3'
        found = await carried_out(server, "sh", "-c", line, "sh", "a  b; exit 9", stdin="in\n")
        assert found == (3, "left\nin\na  b; exit 9 ****** web\n", "why\n")
        assert (await carried_out(server, "echo a b"))[0] == 127
        if os.geteuid() == 0:
            status, out, err = await carried_out(server, "sh", "-c", ALIKE)
            uid, groups, *bounds, alike = out.splitlines()
            assert (status, uid, groups, alike) == (0, str(ACCOUNT), str(ACCOUNT), "alike"), out + err
            assert [each.split()[1] for each in bounds] == ["0000000000000000", "1"]
        text = "".join(f"{number} {'x' * 90}\n" for number in range(5_000))
        assert (await carried_out(server, "sh", "-c", "sleep 0.5; cat", stdin=text))[:2] == (0, text)
        assert (await carried_out(server, "sh", "-c", "(env -i setsid sleep 7762 &); ls made; kill $$"))[0] == 128 + 15
        assert living(7762) == []

        with sitting(way(server), "shop", "sh", "-c", HIDING.format(7763)) as typing:
            await begun(typing, 7763)
            typing.kill()
            await asyncio.to_thread(until, lambda: living(7763) == [], 10)
        terms = ConsoleService._terms
        user_id = (await world.get("user.get"))["userId"]

        async def until_changed(*given: Json) -> Json:
            world.services.events.announce(AccessChanged(user_id=user_id))
            return await terms(*given)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ConsoleService, "_terms", until_changed)
            _, _, err = await carried_out(server, "touch", "begun")
        assert err == "headway: Your access has changed meanwhile; try again.\n"
        assert (await carried_out(server, "ls", "begun"))[0] != 0

        status, _, err = await carried_out(server, "sleep", "7764")
        assert (status, living(7764)) == (1, [])
        assert err == "headway: Nothing was written to or fro for 4 s, and the command was ended.\n"
        await asyncio.to_thread(until, lambda: not world.services.consoles.open, 10)

        with sitting(way(server), "shop", "sh", "-c", HIDING.format(7765)) as typing:
            await begun(typing, 7765)
            await world.services.consoles.operating.tools.runtimes.of("native").stop(release_id)
            await asyncio.to_thread(until, lambda: living(7765) == [], 10)
            assert await asyncio.to_thread(typing.wait, 20) == 1
            assert typing.stderr is not None
            said = typing.stderr.read().removeprefix(b"Hangup\n")  # of its shell, which may outlive those below it
            assert said == b"headway: The process web has ended, and with it what ran beside it.\n"


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_terminal_is_one_there_too_and_ends_with_the_panel(folder: Path) -> None:
    async with serving(folder) as (world, server, _):
        ours, theirs = pty.openpty()
        with sitting(way(server), "shop", "sh", stream=theirs) as typing:
            os.close(theirs)
            shown = b""

            async def until_shown(wanted: bytes) -> None:
                nonlocal shown
                async with asyncio.timeout(20):
                    while wanted not in shown:
                        shown += await asyncio.to_thread(os.read, ours, 4096)

            os.write(ours, b"tty; stty size; echo u''p\n")
            await until_shown(b"\nup\r\n")
            assert b"/dev/pts/" in shown
            subprocess.run(("stty", "rows", "41", "columns", "97"), stdin=ours, check=True)
            typing.send_signal(signal.SIGWINCH)
            os.write(ours, b"until stty size | grep '41 97'; do :; done; sleep 7771\n")
            await until_shown(b"\n41 97\r\n")
            await asyncio.to_thread(until, lambda: living(7771), 10)
            os.write(ours, b"\x03")
            await asyncio.to_thread(until, lambda: not living(7771), 10)
            os.write(ours, b"sleep 7772\n")
            await asyncio.to_thread(until, lambda: living(7772), 10)
            world.app.state.close()
            await until_shown(b"headway: The panel stops, and the command was ended.\r\n")
            assert (await asyncio.to_thread(typing.wait, 20), living(7772)) == (1, [])
        os.close(ours)
