"""How the service of a volume is stopped for a run and started again whatever happens, on the machine that it is on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from headway.core.deployments.run import Json, Undo, UndoContext
from headway.features.backups.volume.machine import UNDO_THERE, VolumeMachine, known_host, undo_there
from headway.features.backups.volume.plan import UNDO_STOPPED, VolumeBackupPlan
from headway.features.backups.volume.services import Origin, VolumeServices
from headway.kernel.phrase import phrase


async def stop(where: VolumeMachine, services: VolumeServices, plan: VolumeBackupPlan) -> None:
    """Stops the service; whoever ends the run starts it again."""

    async def down() -> Json:
        await where.run.undo(UNDO_STOPPED, plan.origin.dump())
        return await take_down(where, services, plan)

    await where.run.step("stop the service", down)


async def take_down(where: VolumeMachine, services: VolumeServices, plan: VolumeBackupPlan) -> Json:
    """Stops the service, if it is up, and holds it down."""
    if await where.run.write(lambda tx: services.hold(tx, plan.origin)):
        await where.run.say(phrase("Stopping {}.", plan.app_name))
    async with where.fence():
        await services.bring_in_line(plan.origin)
    return None


async def start_again(where: VolumeMachine, services: VolumeServices, plan: VolumeBackupPlan) -> None:
    """Starts the service that the run has stopped."""
    run = where.run

    async def up() -> Json:
        await run.write(lambda tx: services.let_go(tx, plan.origin))
        async with where.fence():
            is_up = await services.bring_in_line(plan.origin)
        await run.say(
            phrase("{} is started again.", plan.app_name)
            if is_up
            else phrase("{} is stopped, and stays so.", plan.app_name)
        )
        return None

    await run.step("start the service again", up)


def undos_of_service(services: VolumeServices) -> Mapping[str, Undo]:
    """What starts the service again that a run has stopped, and ends what it has started beside it."""

    async def stopped(undoing: UndoContext, data: Json) -> None:
        origin = Origin.load(data)
        if known_host(services.hosts, origin.host_id) is not None:
            await let_up(undoing, services, origin)

    return {UNDO_STOPPED: stopped, UNDO_THERE: partial(undo_there, services.hosts)}


async def let_up(undoing: UndoContext, services: VolumeServices, origin: Origin) -> None:
    """Starts the service that was held down, if there is one still. Raises HostUnreachable: it is repeated when the
    server answers.
    """
    if await undoing.write(lambda tx: services.let_go(tx, origin)):
        async with undoing.fence(services.hosts[origin.host_id]):
            await services.bring_in_line(origin)
