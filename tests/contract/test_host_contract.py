"""What every host promises: the same for this machine, for one behind SSH and for the one of a simulation."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from headway.infra.hosts.base import (
    Anchor,
    AnchorGone,
    AnchorSpec,
    Cause,
    EpochPassed,
    Exit,
    FileFailed,
    GateShut,
    GoneReason,
    Host,
    LeadsOutside,
    StopMode,
)
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.processes import is_alive
from headway.kernel.errors import Conflict
from headway.kernel.ids import new_id
from tests.local_hosts import PATH, local_host, shell, until
from tests.simulation.border import Border
from tests.simulation.host import SimHost
from tests.simulation.machine import Machine


class Form(Protocol):
    """A kind of host under test, and the commands that it understands."""

    host: Host
    folder: Path

    def prints(self, text: str, status: int = 0, **options: object) -> Command:
        """Writes the text and ends with the status."""
        ...

    def lasts(self, text: str, **options: object) -> Command:
        """Writes the text and goes on until it is ended from outside."""
        ...

    def notes(self, path: Path) -> Command:
        """Adds a line to a file each time it runs."""
        ...

    def pipe(self, *statuses: int) -> Command:
        """Stages joined by pipes that end with these statuses."""
        ...

    async def kill_anchor(self, anchor: Anchor) -> None:
        """Ends the anchor's process as if the machine had done it."""
        ...

    def restart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Makes the host say that it was started again."""
        ...


class Local:
    """This machine."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self.folder = folder

    def prints(self, text: str, status: int = 0, **options: object) -> Command:
        return shell(f"echo {text}; exit {status}", None, **options)

    def lasts(self, text: str, **options: object) -> Command:
        return shell(f"echo {text}; exec sleep 1000", None, **options)

    def notes(self, path: Path) -> Command:
        return shell(f"echo ran >> {path}")

    def pipe(self, *statuses: int) -> Command:
        stages = [Stage(argv=("/bin/sh", "-c", f"cat; exit {status}")) for status in statuses]
        return Command(stages=tuple(stages), env={"PATH": PATH})

    async def kill_anchor(self, anchor: Anchor) -> None:
        os.kill(anchor.handle.pid, 9)
        await until(lambda: not is_alive(anchor.handle.pid, anchor.handle.start_time))

    def restart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        other = self.folder / "boot_id"
        other.write_text("another-boot\n")
        monkeypatch.setenv("HEADWAY_BOOT_ID_FILE", str(other))


@asynccontextmanager
async def _local(folder: Path) -> AsyncIterator[Form]:
    async with local_host(folder / "host") as host:
        yield Local(host, folder)


class Simulated:
    """The host of the simulation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._machine = Machine()
        self._machine.effect = lambda name: _add_line(Path(name))
        self.host: Host = SimHost(self._machine, Border())

    def prints(self, text: str, status: int = 0, **options: object) -> Command:
        return Command(stages=(Stage(argv=("sim", f"print {text}", f"exit {status}")),), **options)  # type: ignore[arg-type]

    def lasts(self, text: str, **options: object) -> Command:
        return Command(stages=(Stage(argv=("sim", f"print {text}", "last")),), **options)  # type: ignore[arg-type]

    def notes(self, path: Path) -> Command:
        return Command(stages=(Stage(argv=("sim", f"effect {path}")),))

    def pipe(self, *statuses: int) -> Command:
        return Command(stages=tuple(Stage(argv=("sim", f"exit {status}")) for status in statuses))

    async def kill_anchor(self, anchor: Anchor) -> None:
        self._machine.runs[anchor.handle.deployment_id, anchor.handle.epoch].die()

    def restart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(self._machine, "boot", 2)


def _add_line(path: Path) -> None:
    with path.open("a") as file:
        file.write("ran\n")


@asynccontextmanager
async def _simulated(folder: Path) -> AsyncIterator[Form]:
    yield Simulated(folder)


FORMS: dict[str, Callable[[Path], AbstractAsyncContextManager[Form]]] = {"local": _local, "simulated": _simulated}


@pytest.fixture(params=FORMS)
async def form(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Form]:
    async with FORMS[request.param](tmp_path) as form:
        yield form


@pytest.fixture
def host(form: Form) -> Host:
    return form.host


async def opened(host: Host, epoch: int = 1, deployment_id: str | None = None, total_seconds: float = 100) -> Anchor:
    spec = AnchorSpec(deployment_id=deployment_id or new_id(), epoch=epoch, total_seconds=total_seconds)
    anchor = await host.open_anchor(spec)
    await anchor.go()
    return anchor


async def written(anchor: Anchor) -> str:
    return (await anchor.read(0, 1 << 20)).decode()


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


# --- found again


async def test_a_run_is_found_again_by_its_handle(form: Form, host: Host) -> None:
    first = await opened(host)
    await first.start("build", form.lasts("x"))
    await first.changed(0)
    again = await host.attach(first.handle, 1)
    assert again.handle == first.handle
    assert await written(again) == "x\n"
    await again.stop(StopMode.KILL)
    assert (await first.wait("build")).cause is Cause.KILLED


async def test_a_later_epoch_refuses_everything_that_an_earlier_one_asks(form: Form, host: Host) -> None:
    anchor = await opened(host)
    await anchor.start("build", form.lasts("x"))
    await host.raise_epoch(anchor.handle.deployment_id, 2)
    for ask in (
        lambda: anchor.start("next", form.prints("x")),
        lambda: anchor.start("build", form.prints("x")),
        lambda: anchor.wait("build"),
        lambda: anchor.say("1", "x"),
        lambda: anchor.stop(StopMode.KILL),
        lambda: anchor.read(0, 1),
        lambda: anchor.changed(0),
        anchor.close,
        lambda: host.attach(anchor.handle, 1),
        lambda: host.raise_epoch(anchor.handle.deployment_id, 1),
    ):
        with pytest.raises(EpochPassed):
            await ask()
    with pytest.raises(EpochPassed):
        async with host.fence(anchor.handle.deployment_id, 1):
            pytest.fail("the fence let an earlier epoch in")
    later = await host.attach(anchor.handle, 2)
    assert await host.exits(later.handle) == {}
    await later.stop(StopMode.KILL)
    assert (await later.wait("build")).cause is Cause.KILLED


async def test_a_go_ahead_of_an_earlier_epoch_starts_nothing(host: Host) -> None:
    anchor = await host.open_anchor(AnchorSpec(deployment_id="abc", epoch=1, total_seconds=10))
    await host.raise_epoch("abc", 2)
    with pytest.raises(EpochPassed):
        await anchor.go()
    with pytest.raises(AnchorGone) as gone:
        await host.attach(anchor.handle, 2)
    assert gone.value.reason is GoneReason.NEVER_STARTED


async def test_whoever_asks_for_an_anchor_without_a_go_ahead_at_a_later_epoch_ends_it(host: Host) -> None:
    anchor = await host.open_anchor(AnchorSpec(deployment_id="abc", epoch=1, total_seconds=10))
    await host.raise_epoch("abc", 2)
    with pytest.raises(AnchorGone) as gone:
        await host.attach(anchor.handle, 2)
    assert gone.value.reason is GoneReason.NEVER_STARTED
    await host.sweep(anchor.handle)


async def test_an_anchor_of_an_earlier_epoch_cannot_be_opened(host: Host) -> None:
    await host.raise_epoch("abc", 2)
    with pytest.raises(EpochPassed):
        await host.open_anchor(AnchorSpec(deployment_id="abc", epoch=1, total_seconds=10))
    assert await host.remaining() == []


async def test_a_run_has_one_anchor(host: Host) -> None:
    await opened(host, deployment_id="abc")
    with pytest.raises(Conflict):
        await opened(host, deployment_id="abc")


async def test_a_fence_holds_the_epoch_still(host: Host) -> None:
    await host.raise_epoch("abc", 1)
    async with host.fence("abc", 1), host.fence("abc", 1):
        pass
    async with host.fence("abc", 7):
        pass


async def test_a_dead_anchor_is_told_from_one_that_never_started_anything(form: Form, host: Host) -> None:
    idle, busy = await opened(host), await opened(host)
    await busy.start("build", form.prints("x"))
    await busy.wait("build")
    reasons = []
    for anchor in (idle, busy):
        await form.kill_anchor(anchor)
        with pytest.raises(AnchorGone) as gone:
            await host.attach(anchor.handle, 1)
        reasons.append(gone.value.reason)
    assert reasons == [GoneReason.NEVER_STARTED, GoneReason.GONE]


async def test_what_an_anchor_kept_outlives_it(form: Form, host: Host) -> None:
    anchor = await opened(host)
    await anchor.start("build", form.prints("x", status=5))
    await anchor.wait("build")
    await anchor.start("long", form.lasts("y"))
    await anchor.changed(2)
    await form.kill_anchor(anchor)
    assert await anchor.wait("build") == Exit(statuses=(5,))
    assert await host.exits(anchor.handle) == {"build": Exit(statuses=(5,))}
    assert await host.read_output(anchor.handle, 0, 100) == b"x\ny\n"
    for ask in (
        lambda: anchor.wait("long"),
        lambda: anchor.start("next", form.prints("x")),
        lambda: anchor.say("1", "x"),
        lambda: anchor.stop(StopMode.KILL),
        lambda: anchor.changed(4),
    ):
        with pytest.raises(AnchorGone):
            await ask()
    await host.sweep(anchor.handle)


async def test_a_restart_of_the_machine_is_recognised(form: Form, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    anchor = await opened(host)
    await anchor.start("build", form.prints("x"))
    await anchor.wait("build")
    with monkeypatch.context() as patch:
        form.restart(patch)
        assert await host.boot_id() != anchor.handle.boot_id
        with pytest.raises(AnchorGone) as gone:
            await host.attach(anchor.handle, 1)
        assert gone.value.reason is GoneReason.OTHER_BOOT
    assert (await host.attach(anchor.handle, 1)).handle == anchor.handle


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


# --- files


async def test_files_are_written_read_moved_and_removed(form: Form, host: Host) -> None:
    folder = str(form.folder / "a/b/c")
    await host.make_folder(folder)
    await host.make_folder(folder)
    await host.write_file(f"{folder}/one", b"first")
    await host.write_file(f"{folder}/one", b"second\0")
    assert await host.read_file(f"{folder}/one") == b"second\0"
    assert await host.read_file(f"{folder}/one", 3) == b"sec"
    assert await host.read_file(f"{folder}/two") is None
    assert await host.read_file(f"{folder}/one/two") is None
    assert await host.read_file(folder) is None
    await host.rename(folder, f"{form.folder}/moved")
    assert await host.read_file(f"{form.folder}/moved/one") == b"second\0"
    await host.remove_tree(f"{form.folder}/moved")
    await host.remove_tree(f"{form.folder}/moved")
    assert await host.read_file(f"{form.folder}/moved/one") is None
    assert await host.free_bytes(str(form.folder)) > 0


async def test_nothing_is_moved_over_something(form: Form, host: Host) -> None:
    await host.make_folder(f"{form.folder}/old")
    await host.make_folder(f"{form.folder}/new")
    with pytest.raises(Conflict, match="exists already"):
        await host.rename(f"{form.folder}/new", f"{form.folder}/old")


async def test_a_file_that_cannot_be_written_says_which_and_why(form: Form, host: Host) -> None:
    with pytest.raises(FileFailed, match=r"Cannot write .*/missing/file: No such file or directory\."):
        await host.write_file(f"{form.folder}/missing/file", b"x")


async def test_reading_below_a_folder_is_not_led_outside(form: Form, host: Host) -> None:
    top = form.folder / "workspace"
    (top / "sub").mkdir(parents=True)
    (form.folder / "key").write_text("secret")
    (top / "file").write_text("plain")
    (top / "inside").symlink_to("sub/../file")
    (top / "whole").symlink_to(top / "file")
    (top / "sub/up").symlink_to("../../key")
    (top / "outside").symlink_to(form.folder / "key")
    (top / "out").symlink_to("..")
    (top / "loop").symlink_to("loop")
    for name in ("file", "inside", "whole", "sub/../file"):
        assert await host.read_file(f"{top}/{name}", below=str(top)) == b"plain"
    for name in ("sub/up", "outside", "out/key", "../key", "loop"):
        with pytest.raises(LeadsOutside):
            await host.read_file(f"{top}/{name}", below=str(top))
    assert await host.read_file(f"{top}/missing", below=str(top)) is None
    assert await host.read_file(f"{top}/sub", below=str(top)) is None
