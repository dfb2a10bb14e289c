"""How a kept volume is restored into a new one, or beside the same one, which it is exchanged with while the service is
stopped.
"""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.deployments.run import Json, RunFailed, Undo, UndoContext
from headway.core.deployments.status import Reason
from headway.drivers.dumps.base import TAR
from headway.features.backups.volume.exchange import ExchangeMove, Exchanging
from headway.features.backups.volume.machine import VolumeMachine, known_host
from headway.features.backups.volume.plan import UNDO_SWAP, VolumeBackupPlan
from headway.features.backups.volume.service_pause import let_up, start_again, take_down
from headway.features.backups.volume.services import Origin, VolumeServices
from headway.features.destinations.transfer import BackupTransfer
from headway.infra.hosts.command import Account
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict
from headway.kernel.phrase import phrase

UNDO_VOLUME = "new volume"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRestore:
    """One restore, on the machine that the volume lies on."""

    where: VolumeMachine
    plan: VolumeBackupPlan
    transfer: BackupTransfer
    services: VolumeServices

    async def announce(self) -> None:
        """Says what will be overwritten."""
        plan, run = self.plan, self.where.run
        if plan.target:
            new = f"the new volume {plan.target}{plan.at}"
            await run.say(phrase("Restoring {} into {}; nothing is overwritten.", plan.place.path, new))
        else:
            await run.say(
                phrase(
                    "Restoring {} into the volume {} of {}{}: all that is in it is replaced. It is kept until the "
                    "restored one is in use.",
                    plan.place.path,
                    plan.volume,
                    plan.app_name,
                    plan.at,
                )
            )

    async def into_new(self) -> str:
        """Fills a folder beside a volume that is made for it, and puts it in its place; the volume."""
        run, plan = self.where.run, self.plan
        name = self.services.new_name(plan.origin, plan.app_name, plan.target)

        async def make() -> Json:
            await run.undo(UNDO_VOLUME, {**plan.origin.dump(), "name": name})
            return await self.services.make_volume(plan.origin, name, run.deployment.deployment_id)

        try:
            folder: str = await run.step("make the volume", make)
        except Conflict as error:
            raise RunFailed(error.message, Reason.REFUSED) from error
        # Not in the volume itself, which somebody may have in a container by now, and lead a path elsewhere.
        beside = Exchanging(host=self.where.host, place=folder, by=run)
        await run.step("make a folder beside it", lambda: _moved(beside, ExchangeMove.BEGIN))
        await self._extract(beside.fresh, None)
        moves = (ExchangeMove.EXCHANGE, ExchangeMove.SETTLE, ExchangeMove.CLEAR)
        await run.step("put it in place", lambda: _moved(beside, *moves))
        return f"the new volume {name}{plan.at}."

    async def into_same(self) -> str:
        """Fills a folder beside the volume's, and exchanges the two while the service is stopped; the volume."""
        where, plan, run = self.where, self.plan, self.where.run
        folder, uid = await run.step("find the volume", self._folder)
        owner = None if uid is None else Account(uid=uid, gid=uid)
        beside = Exchanging(host=where.host, place=folder, by=run)

        async def make() -> Json:
            await run.undo(UNDO_SWAP, {**plan.origin.dump(), "folder": folder})
            await beside.make(ExchangeMove.BEGIN)
            if owner is not None:
                await where.host.make_folder(beside.fresh, owner=owner)
            return None

        await run.step("make a folder beside it", make)
        await self._extract(beside.fresh, owner)
        await run.step("stop the service", lambda: take_down(where, self.services, plan))
        await run.step("exchange the folders", lambda: _moved(beside, ExchangeMove.EXCHANGE))
        await start_again(where, self.services, plan)
        await run.step("remove the old one", lambda: _moved(beside, ExchangeMove.SETTLE, ExchangeMove.CLEAR))
        return f"the volume {plan.volume}{plan.at}, which is in use."

    async def _folder(self) -> Json:
        """The folder, and the account that all of it belongs to, None where it is a container's."""
        plan = self.plan
        folder = await self.services.folder(plan.origin, plan.app_name, plan.volume)
        return folder, await self.services.data_uid(plan.origin, plan.volume)

    async def _extract(self, folder: str, owner: Account | None) -> None:
        where = self.where
        await where.begin()
        await self.transfer.fetch(where.run, "extract", self.plan.place, TAR, where.fills(folder, owner))
        if owner is not None:
            await where.tame(folder, owner)
        await where.sync(folder)


def undos_of_restore(services: VolumeServices) -> Mapping[str, Undo]:
    """What removes the volume that a restore has made, and puts back the one that it has exchanged."""

    async def remove_volume(undoing: UndoContext, data: Mapping[str, Json]) -> None:
        origin = Origin.load(data)
        if known_host(services.hosts, origin.host_id) is not None:
            await services.remove_volume(origin, data["name"], undoing.deployment.deployment_id)

    async def swap_back(undoing: UndoContext, data: Mapping[str, Json]) -> None:
        """The old folder is in its place again, if it was moved and is wanted still; its service is stopped meanwhile,
        and started again in any case: nobody else knows that it was.
        """
        origin = Origin.load(data)
        host = known_host(services.hosts, origin.host_id)
        if host is None:
            return
        beside = Exchanging(host=host, place=data["folder"], by=undoing)
        if await undoing.write(lambda tx: services.whose(tx, origin.service_type, origin.service_id)) is not None:
            if await beside.make(ExchangeMove.LOOK):
                await undoing.write(lambda tx: services.hold(tx, origin))
            async with undoing.fence(host):
                await services.bring_in_line(origin)
        await beside.make(ExchangeMove.PUT_BACK)
        await let_up(undoing, services, origin)
        await beside.make(ExchangeMove.CLEAR)

    return {UNDO_VOLUME: remove_volume, UNDO_SWAP: swap_back}


async def _moved(beside: Exchanging, *moves: ExchangeMove) -> Json:
    for move in moves:
        await beside.make(move)
    return None
