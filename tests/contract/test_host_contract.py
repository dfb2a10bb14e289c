"""What every host promises about a run: the same for this machine, for one behind SSH and for one of a simulation."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.infra.hosts.base import (
    AnchorGone,
    AnchorSpec,
    Cause,
    Exit,
    GateShut,
    Host,
    StopMode,
)
from tests.contract.host_forms import Form, opened, written

# --- a run


async def test_a_handle_says_where_the_anchor_is(host: Host) -> None:
    anchor = await host.open_anchor(AnchorSpec(deployment_id="abc", epoch=3, total_seconds=10))
    handle = anchor.handle
    assert (handle.host_id, handle.deployment_id, handle.epoch) == (host.host_id, "abc", 3)
    assert handle.boot_id == await host.boot_id()
    assert type(handle).load(handle.dump()) == handle


async def test_a_command_runs_and_its_output_and_end_are_kept(form: Form, host: Host) -> None:
    anchor = await opened(host)
    await anchor.start("build", form.prints("hello", status=7))
    assert await anchor.wait("build") == Exit(statuses=(7,))
    assert await anchor.wait("build") == Exit(statuses=(7,))
    assert await written(anchor) == "hello\n"
    assert await anchor.read(2, 2) == b"ll"
    assert await anchor.read(600, 10) == b""


async def test_what_comes_after_a_command_begins_a_line_of_its_own(form: Form, host: Host) -> None:
    anchor = await opened(host)
    await anchor.start("first", form.writes("no-line-end"))
    await anchor.wait("first")
    assert (await written(anchor), anchor.told) == ("no-line-end\0\n", 13)  # the mark of a line that was cut off
    await anchor.start("second", form.prints("next"))
    await anchor.wait("second")
    assert (await written(anchor), anchor.told) == ("no-line-end\0\nnext\n", 18)


async def test_whoever_goes_on_with_a_run_knows_how_much_it_has_said(form: Form, host: Host) -> None:
    anchor = await opened(host)
    await anchor.start("build", form.prints("hello"))
    await anchor.wait("build")
    assert (await host.attach(anchor.handle, anchor.handle.epoch)).told == 6


async def test_a_name_is_started_once(form: Form, host: Host, tmp_path: Path) -> None:
    anchor = await opened(host)
    for _ in range(3):
        await anchor.start("release", form.notes(tmp_path / "notes"))
        assert (await anchor.wait("release")).succeeded
    assert (tmp_path / "notes").read_text() == "ran\n"


async def test_several_commands_run_at_once(form: Form, host: Host) -> None:
    anchor = await opened(host)
    await anchor.start("long", form.lasts("long"))
    await anchor.start("short", form.prints("short"))
    assert (await anchor.wait("short")).succeeded


async def test_a_pipe_succeeds_only_when_all_its_stages_do(form: Form, host: Host) -> None:
    anchor = await opened(host)
    for name, statuses in {"good": (0, 0), "producer": (3, 0), "consumer": (0, 4)}.items():
        await anchor.start(name, form.pipe(*statuses))
        ended = await anchor.wait(name)
        assert ended.statuses == statuses
        assert ended.succeeded == (name == "good")


async def test_captured_output_is_the_result_and_not_in_the_log(form: Form, host: Host) -> None:
    anchor = await opened(host)
    await anchor.start("ask", form.prints("answer", capture=True))
    assert (await anchor.wait("ask")).output == b"answer\n"
    assert await written(anchor) == ""


async def test_a_line_of_our_own_is_said_once_per_key(host: Host) -> None:
    anchor = await opened(host)
    await anchor.say("1", "Cloning")
    await anchor.say("1", "Cloning")
    await anchor.say("2", "Cloning")
    assert await written(anchor) == "Cloning\nCloning\n"


async def test_growth_of_the_output_is_told(form: Form, host: Host) -> None:
    anchor = await opened(host)
    await anchor.start("build", form.lasts("x"))
    await anchor.changed(0)
    assert await written(anchor) == "x\n"
    await anchor.say("1", "more")
    await anchor.changed(2)
    assert (await anchor.read(2, 100)) == b"more\n"


# --- ends


async def test_a_kill_ends_what_runs_and_shuts_the_gate_for_all_but_undos(form: Form, host: Host) -> None:
    anchor = await opened(host)
    await anchor.start("build", form.lasts("x"))
    await anchor.changed(0)
    await anchor.stop(StopMode.KILL)
    assert await anchor.wait("build") == Exit(statuses=(-9,), cause=Cause.KILLED)
    with pytest.raises(GateShut):
        await anchor.start("next", form.prints("x"))
    await anchor.start("undo", form.prints("undone"), undo=True)
    assert (await anchor.wait("undo")).succeeded
    await anchor.start("build", form.prints("x"))  # was started before: no news


async def test_an_undo_is_not_ended_by_a_stop(form: Form, host: Host) -> None:
    anchor = await opened(host)
    await anchor.start("undo", form.lasts("x"), undo=True)
    await anchor.changed(0)
    await anchor.start("build", form.lasts("x"))
    await anchor.stop(StopMode.KILL)
    assert (await anchor.wait("build")).cause is Cause.KILLED
    assert set(await host.exits(anchor.handle)) == {"build"}


async def test_a_stop_changes_nothing_about_what_has_ended(form: Form, host: Host) -> None:
    anchor = await opened(host)
    await anchor.start("build", form.prints("x"))
    await anchor.wait("build")
    await anchor.stop(StopMode.KILL)
    await anchor.stop(StopMode.CANCEL)
    assert await anchor.wait("build") == Exit(statuses=(0,))


async def test_a_cancel_lets_a_command_end_by_itself(form: Form, host: Host) -> None:
    anchor = await opened(host)
    await anchor.start("build", form.lasts("x"))
    await anchor.changed(0)
    await anchor.stop(StopMode.CANCEL, grace_seconds=30)
    assert await anchor.wait("build") == Exit(statuses=(-15,), cause=Cause.CANCELLED)


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"step_seconds": 0.2}, Cause.STEP_TIMEOUT),
        ({"inactivity_seconds": 0.2}, Cause.INACTIVITY_TIMEOUT),
    ],
)
async def test_a_deadline_ends_a_command(form: Form, host: Host, options: dict[str, float], cause: Cause) -> None:
    anchor = await opened(host)
    await anchor.start("build", form.lasts("x", **options))
    assert await anchor.wait("build") == Exit(statuses=(-9,), cause=cause)
    await anchor.start("next", form.prints("x"))
    assert (await anchor.wait("next")).succeeded


async def test_the_deadline_of_the_run_ends_this_command_and_those_after_it_but_undos(form: Form, host: Host) -> None:
    anchor = await opened(host, total_seconds=0.2)
    await anchor.start("build", form.lasts("x"))
    assert await anchor.wait("build") == Exit(statuses=(-9,), cause=Cause.TOTAL_TIMEOUT)
    await anchor.start("next", form.pipe(0, 0))
    assert await anchor.wait("next") == Exit(statuses=(-9, -9), cause=Cause.TOTAL_TIMEOUT)
    await anchor.start("undo", form.prints("x"), undo=True)
    assert (await anchor.wait("undo")).succeeded


# --- the end of a run


async def test_closing_leaves_nothing(form: Form, host: Host) -> None:
    anchor = await opened(host)
    await anchor.start("build", form.lasts("x"), undo=True)
    await anchor.close()
    assert await host.remaining() == []
    assert await host.read_output(anchor.handle, 0, 10) == b""
    assert await host.exits(anchor.handle) == {}
    with pytest.raises(AnchorGone):
        await host.attach(anchor.handle, 1)
    await host.forget(anchor.handle)


async def test_an_anchor_without_a_go_ahead_can_be_closed(host: Host) -> None:
    anchor = await host.open_anchor(AnchorSpec(deployment_id="abc", epoch=1, total_seconds=10))
    await anchor.close()
    assert await host.remaining() == []


@pytest.mark.parametrize("state", ["waiting", "running", "dead"])
async def test_what_remains_is_listed_and_forgotten(form: Form, host: Host, state: str) -> None:
    anchor = await host.open_anchor(AnchorSpec(deployment_id="a-b_c", epoch=12, total_seconds=10))
    if state != "waiting":
        await anchor.go()
        await anchor.start("build", form.lasts("x"))
    if state == "dead":
        await form.kill_anchor(anchor)
    assert await host.remaining() == [anchor.handle]
    await host.raise_epoch("a-b_c", 13)
    await host.forget(anchor.handle)
    assert await host.remaining() == []
    await host.forget(anchor.handle)
