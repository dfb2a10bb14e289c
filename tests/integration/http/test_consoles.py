"""``application.exec`` and its WebSocket: who is let in to a console, and who is not."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from headway.core.access.model import Role
from headway.features.services import store as services_store
from headway.features.services.application import consoles as console_service
from headway.features.services.application.consoles import ConsoleRequest, ConsoleService, Seat
from headway.features.services.application.model import Application
from headway.features.services.application.service import ApplicationService
from headway.features.services.model import DesiredState, ReleaseState
from headway.http.server import Server
from headway.kernel.artifacts import HealthCheck, HealthKind
from headway.kernel.events import AccessChanged, ServiceMoved
from tests.integration.http.serving import served
from tests.integration.http.world import KEYS, World, add_person, client_with, open_world
from tests.integration.runtimes.bench import ACCOUNT, Work, make_spec, open_folder
from tests.support.applications.consoles import HIDING, first_line, sitting, way_to
from tests.support.panel.command_line import run_headway
from tests.support.panel.panel import until
from tests.support.panel.permissions import PERMISSIONS

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
    world.services.consoles.wishes["a-console"] = ConsoleRequest(
        permission=PERMISSIONS["application.exec"],
        user_id=user_id,
        organization_id="another",
        service_id=application_id,
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
    mine = Seat(user_id=(await world.get("user.get"))["userId"], organization_id="another", host_id="a-server")
    world.services.consoles.open.update({str(number): mine for number in range(world.services.consoles.most_of_one)})
    answer = await world.client("owner").post("/application.exec", json=asked)
    assert (answer.status_code, "8 commands are open" in answer.json()["message"]) == (429, True)


async def test_a_service_of_a_compose_service_that_never_served_has_none(world: World) -> None:
    made = await world.post("compose.create", name="stacked", environmentId=await world.environment("stacks"))
    asked_for = {"composeId": made["composeId"], "serviceName": "web", "command": ["true"]}
    answer = await world.client("owner").post("/compose.exec", json=asked_for)
    never = "The compose service stacked was never deployed; deploy it first."
    assert (answer.status_code, answer.json()["message"]) == (409, never)
    wrongs: tuple[dict[str, Json], ...] = (
        {"serviceName": ""},
        {"command": []},
        {"command": [""]},
        {"rows": 0, "columns": 80},
    )
    for wrong in wrongs:
        answer = await world.client("owner").post("/compose.exec", json=asked_for | wrong)
        assert answer.status_code == 400, wrong
    assert world.services.consoles.wishes == {}


async def running(world: World) -> str:
    """An application of the owner of which something runs."""
    application_id = await world.application()
    await world.release(application_id, state=ReleaseState.SERVING, runtime="native")
    await world.services.db.run(lambda tx: services_store.set_fields(tx, application_id, wanted=DesiredState.UP))
    return application_id


async def asked(client: httpx.AsyncClient, application_id: str) -> int:
    """The status of the answer to whoever asks for a console."""
    return (
        await client.post("/application.exec", json={"applicationId": application_id, "command": ["true"]})
    ).status_code


async def test_as_many_as_ask_at_once_get_no_more_than_the_most(world: World) -> None:
    application_id = await running(world)
    answers = await asyncio.gather(*(asked(world.owner, application_id) for _ in range(24)))
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


async def test_one_organisation_leaves_seats_to_the_others(world: World) -> None:
    mine, theirs = await running(world), await running(replace(world, owner=world.stranger))
    organization_id = (await world.get("user.get"))["organizationId"]
    answers = Counter[int]()
    for name in ("one", "two", "three", "four"):
        await world.services.db.run(partial(add_person, name=name, organization_id=organization_id, role=Role.ADMIN))
        async with client_with(world.app, name.ljust(64, "-")) as client:
            answers.update([await asked(client, mine) for _ in range(9)])
    assert answers == {200: 16, 429: 20}
    assert [await asked(world.owner, mine), await asked(world.stranger, theirs)] == [429, 200]


ALIKE = """\
id -u; id -G; grep -E '^(CapEff|NoNewPrivs)' /proc/self/status
for each in /proc/[0-9]*; do
  if [ "$(tr '\\0' ' ' <"$each/cmdline")" = "sleep 7761 " ]; then
    cmp "$each/cgroup" /proc/self/cgroup || exit 1
    [ "$(readlink "$each/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ] && echo alike
  fi
done
"""
UNENDED = "The command does not end; stop its application to end it."
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
        await world.services.db.run(lambda tx: services_store.set_fields(tx, application_id, wanted=DesiredState.UP))
        runtime = world.services.consoles.lifecycle.tools.runtimes.of("native")
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

        for seconds, why in ((20.0, "Your access has changed, and the command was ended."), (0.2, UNENDED)):
            with sitting(way(server), "shop", "sh", "-c", "trap '' HUP TERM; echo up; sleep 2") as typing:
                assert await asyncio.to_thread(first_line, typing) == b"up\n"
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(console_service, "_SECONDS_TO_END", seconds)
                    world.services.events.announce(AccessChanged(user_id=user_id))
                    assert await asyncio.to_thread(typing.wait, 20) == 1
                assert typing.stderr is not None
                assert typing.stderr.read().decode() == f"headway: {why}\n"

        status, _, err = await carried_out(server, "sleep", "7764")
        assert (status, living(7764)) == (1, [])
        assert err == "headway: Nothing was written to or fro for 4 s, and the command was ended.\n"
        await asyncio.to_thread(until, lambda: not world.services.consoles.open, 10)

        with sitting(way(server), "shop", "sh", "-c", HIDING.format(7765)) as typing:
            await begun(typing, 7765)
            await world.services.consoles.lifecycle.tools.runtimes.of("native").stop(release_id)
            await asyncio.to_thread(until, lambda: living(7765) == [], 10)
            assert await asyncio.to_thread(typing.wait, 20) == 1
            assert typing.stderr is not None
            said = typing.stderr.read().removeprefix(b"Hangup\n")  # of its shell, which may outlive those below it
            assert said == b"headway: The process web has ended, and with it what ran beside it.\n"


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_command_ends_where_its_service_has_moved_out_of_sight(folder: Path) -> None:
    async with serving(folder) as (world, server, _):
        application_id = (await world.get("application.search"))["items"][0]["applicationId"]
        with sitting(way(server), "shop", "sh", "-c", "echo up; sleep 7766") as typing:
            assert await asyncio.to_thread(first_line, typing) == b"up\n"
            out_of_sight = {"organization_id": "another", "project_id": "another"}
            world.services.events.announce(ServiceMoved(service_id="another", **out_of_sight))
            assert typing.poll() is None
            world.services.events.announce(ServiceMoved(service_id=application_id, **out_of_sight))
            assert await asyncio.to_thread(typing.wait, 20) == 1
            assert typing.stderr is not None
            assert typing.stderr.read() == b"headway: Your access has changed, and the command was ended.\n"


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
