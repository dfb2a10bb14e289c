"""What every host promises to a panel that comes after another: a run is found again, and has one master."""

from __future__ import annotations

import pytest

from headway.infra.hosts.base import (
    AnchorGone,
    AnchorSpec,
    Cause,
    EpochPassed,
    Exit,
    GoneReason,
    Host,
    StopMode,
)
from headway.kernel.errors import Conflict
from tests.contract.host_forms import Form, opened, written


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
