"""What every runtime promises about releases, whatever they consist of."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path

import pytest

from headway.drivers.runtimes.contract.inner_places import InContainer, InFolder
from headway.drivers.runtimes.contract.runtime import Behind, NotRunning, PortTaken, Unhealthy, UnknownRelease
from headway.drivers.runtimes.registry import RUNTIMES
from headway.infra.hosts import procfs
from headway.kernel.artifacts import HealthCheck, HealthKind, ReleaseSpec
from tests.contract.runtime_forms import Form, containers, native, services
from tests.integration.runtimes.bench import Work, answers, fetch, fetch_json, free_port, until_async

AWKWARD = "first\nsecond 'single' \"double\" $HOME `x` \\ ; & ä € \t end\n"


@pytest.fixture(params=["native", *(pytest.param(each, marks=pytest.mark.docker) for each in ("container", "swarm"))])
async def form(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Form]:
    if request.param == "native":
        async with native() as processes:
            yield processes
    elif request.param == "swarm":
        async with services(request.getfixturevalue("nodes").manager, tmp_path) as served:
            yield served
    else:
        async with containers(request.getfixturevalue("docker_engine"), tmp_path) as held:
            yield held


@pytest.fixture
def work() -> Work:
    return Work()


async def run(form: Form, work: Work, spec: ReleaseSpec) -> None:
    await form.runtime.prepare(work, spec)
    await form.runtime.start(work, spec)
    await form.runtime.healthy(work, spec)


def test_every_runtime_is_held_to_the_contract() -> None:
    assert set(RUNTIMES) == {"native", "container", "swarm"}


async def test_a_release_answers_on_its_port_with_the_variables_that_it_was_given(form: Form, work: Work) -> None:
    spec = form.web(env={"AWKWARD": AWKWARD, "LD_PRELOAD": "/nowhere.so", "EMPTY": ""})
    await run(form, work, spec)
    seen = fetch_json(spec.port)["env"]
    assert (seen["AWKWARD"], seen["EMPTY"], seen["LD_PRELOAD"]) == (AWKWARD, "", "/nowhere.so")
    assert seen["HEADWAY_RELEASE_ID"] == spec.release_id
    assert any("Healthy" in line for line in work.lines)


async def test_releases_run_side_by_side_and_end_one_by_one(form: Form, work: Work) -> None:
    old, new = form.web(), form.web()
    await run(form, work, old)
    await run(form, work, new)
    assert await form.runtime.running() == {old.release_id, new.release_id}
    await form.runtime.stop(old.release_id)
    assert await form.runtime.running() == {new.release_id}
    assert await form.runtime.known() == {old.release_id, new.release_id}
    assert fetch(new.port)[0] == 200
    with pytest.raises(OSError, match="refused"):
        fetch(old.port)


async def test_starting_and_ending_twice_is_the_same_as_once(form: Form, work: Work) -> None:
    spec = form.web()
    await run(form, work, spec)
    before = (await form.runtime.status(spec.release_id)).processes[0].pid
    await run(form, work, spec)
    assert (await form.runtime.status(spec.release_id)).processes[0].pid == before
    for _ in range(2):
        await form.runtime.stop(spec.release_id)
    for _ in range(2):
        await form.runtime.remove(spec.release_id)
        await form.runtime.discard(spec.release_id)
    assert await form.runtime.known() == set()


async def test_a_stopped_release_starts_again_as_it_was(form: Form, work: Work) -> None:
    spec = form.web(env={"KEPT": AWKWARD})
    await run(form, work, spec)
    await form.runtime.stop(spec.release_id)
    assert not (await form.runtime.status(spec.release_id)).up
    await form.runtime.start_again(spec.release_id)
    await form.runtime.healthy(work, spec)
    assert fetch_json(spec.port)["env"]["KEPT"] == AWKWARD
    assert not await form.runtime.crashed(spec.release_id)


async def test_an_unknown_release_cannot_be_started_and_has_nothing(form: Form) -> None:
    with pytest.raises(UnknownRelease, match="deploy it again"):
        await form.runtime.start_again("never-there")
    await form.runtime.stop("never-there")
    await form.runtime.remove("never-there")
    assert not (await form.runtime.status("never-there")).up
    assert await form.runtime.variables("never-there") == {}
    assert await form.runtime.read_logs("shop", release_id="never-there") == ""


@pytest.mark.slow
async def test_a_release_that_ends_again_and_again_is_given_up_with_its_status_and_last_line(
    form: Form, work: Work
) -> None:
    spec = form.script("echo out of socks; exit 7", health=HealthCheck(kind=HealthKind.SETTLE, deadline_seconds=60))
    await form.runtime.prepare(work, spec)
    await form.runtime.start(work, spec)
    with pytest.raises(Unhealthy, match=r"ended 3 times .* exit status 7.*out of socks"):
        await form.runtime.healthy(work, spec)
    assert "web | out of socks" in work.lines


@pytest.mark.slow
async def test_a_release_that_never_listens_is_unhealthy_after_its_deadline(form: Form, work: Work) -> None:
    health = HealthCheck(deadline_seconds=3)  # a swarm takes a second to start anything
    spec = form.script("sleep 600", port=free_port(), health=health)
    await form.runtime.prepare(work, spec)
    await form.runtime.start(work, spec)
    with pytest.raises(Unhealthy, match=r"did not become healthy within 3 s: .*it listens on no port"):
        await form.runtime.healthy(work, spec)


@pytest.mark.slow
async def test_a_path_that_answers_an_error_is_unhealthy(form: Form, work: Work) -> None:
    spec = form.web(health=HealthCheck(kind=HealthKind.HTTP, path="/broken", deadline_seconds=2))
    await form.runtime.prepare(work, spec)
    await form.runtime.start(work, spec)
    await until_async(lambda: answers(spec.port))
    with pytest.raises(Unhealthy, match=r"GET /broken on port .* answers 500"):
        await form.runtime.healthy(work, spec)


async def test_a_port_that_somebody_holds_is_named(form: Form, work: Work) -> None:
    spec = form.web()
    with (
        socket.create_server(("127.0.0.1", spec.port or 0)),
        pytest.raises(PortTaken, match=f"Port {spec.port} .*(taken|held)"),
    ):
        await run(form, work, spec)


async def test_a_crash_after_it_was_healthy_is_seen(form: Form, work: Work, tmp_path: Path) -> None:
    spec = form.web()
    await run(form, work, spec)
    assert not await form.runtime.crashed(spec.release_id)
    with suppress(OSError, HTTPException):
        await asyncio.to_thread(fetch, spec.port, "/die")
    await until_async(lambda: form.runtime.crashed(spec.release_id))


async def test_what_is_shown_of_its_output_is_masked_before_it_is_cut(form: Form, work: Work) -> None:
    spec = form.script("printf 's3cret\\nof two lines\\nlast\\n'; sleep 600", env={"TOKEN": "s3cret"})
    await run(form, work, spec)

    async def shown(tail: int) -> str:
        return await form.runtime.read_logs("shop", release_id=spec.release_id, tail=tail, masked=work.masked)

    async def has_written() -> bool:
        return "last" in await shown(10)

    await until_async(has_written)
    assert await shown(1) == "last\n"
    assert await shown(10) == "******\nlast\n"
    assert (await form.runtime.variables(spec.release_id))["TOKEN"] == "s3cret"


@pytest.mark.slow
async def test_output_is_read_on_behind_its_place_to_the_last_word(form: Form, work: Work) -> None:
    counting = 'for i in $(seq 1 60); do echo "$TOKEN" $i; sleep 0.05; done'
    line = f"trap 'echo bye; exit 0' TERM; {counting}; while :; do sleep 0.1; done"
    spec = form.script(line, env={"TOKEN": "s3cret\nof two lines"})
    await run(form, work, spec)
    places: dict[str, str] = {}
    told = ""

    async def look(*, ended: bool = False) -> str:
        nonlocal told
        behind = Behind(places=places, tail=100, ended=ended)
        for piece in await form.runtime.pieces(spec.release_id, behind, work.masked):
            assert (piece.process, piece.lost) == ("web", False)
            places["web"] = piece.place
            told += piece.text
        return told

    async def some_told() -> bool:
        return bool(await look())

    async def all_told() -> bool:
        return " 60\n" in await look()

    await until_async(some_told)
    await form.runtime.watch()
    moment = datetime.now(UTC)
    seen = len(await look())
    await until_async(all_told)
    (since,) = await form.runtime.pieces(spec.release_id, Behind(places={}, tail=100, since=moment), work.masked)
    assert told.endswith(since.text)
    assert len(told) - seen <= len(since.text) < len(told)
    counted = "".join(f"****** {number}\n" for number in range(1, 61))
    assert await look() == counted
    # The place before all that is kept is the empty one, and one process may be asked for alone.
    behind = Behind(places={"web": ""}, tail=1, process="web", timed=True)
    (alone,) = await form.runtime.pieces(spec.release_id, behind, work.masked)
    assert alone.text == counted
    assert all(abs(each.at - moment) < timedelta(seconds=60) for each in alone.times)
    assert await form.runtime.pieces(spec.release_id, dataclasses.replace(behind, process="worker"), work.masked) == []
    await form.runtime.stop(spec.release_id)
    last = (await look(ended=True)).removeprefix(counted)
    assert last.removeprefix("Terminated\n") == "bye\n"  # some shells tell of the sleep that was ended with them
    assert await form.runtime.pieces("never-there", Behind(places=places, tail=1), work.masked) == []


async def test_something_more_runs_inside_with_the_same_variables(form: Form, work: Work) -> None:
    spec = form.web(env={"AWKWARD": AWKWARD})
    await run(form, work, spec)
    match await form.runtime.inside(spec.release_id):
        case InFolder() as place:
            assert place.folder == spec.bundle.folder
            assert place.env["AWKWARD"] == AWKWARD
            assert "HEADWAY_RELEASE_ID" not in place.env, "the runtime would take it for a copy of its own"
        case InContainer() as place:
            assert place.pid is not None
            assert AWKWARD.encode() in procfs.initial_environment(place.pid)


async def test_there_is_no_inside_of_an_unknown_release(form: Form) -> None:
    with pytest.raises((UnknownRelease, NotRunning)):
        await form.runtime.inside("nobody")


async def test_what_was_released_before_is_kept_for_one_more_release_and_runs_again(form: Form, work: Work) -> None:
    old, new = form.web(), form.web()
    await run(form, work, old)
    assert await form.runtime.missing(old.artifact) is None

    again = await form.runtime.keep(old.artifact, new.app_name, new.release_id)
    assert await form.runtime.keep(old.artifact, new.app_name, new.release_id) == again
    await run(form, work, dataclasses.replace(new, artifact=again))

    assert fetch_json(new.port)["env"]["HEADWAY_RELEASE_ID"] == new.release_id
    await form.runtime.remove(old.release_id)
    await form.runtime.discard(old.release_id)
    assert await form.runtime.missing(again) is None


async def test_what_is_there_no_more_is_told_of(form: Form) -> None:
    assert "not on this machine any more" in (await form.runtime.missing(form.gone()) or "")
