"""How a kept volume is restored: proven first, then into a new volume, or beside the same one, which it is exchanged
with while the service is stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Json, Run, RunFailed, Success, Undo, Undoing
from headway.core.deployments.status import Reason
from headway.drivers.dumps import trees
from headway.drivers.dumps.base import TAR, Whole
from headway.features.backups.volume.exchange import ExchangeMove, Exchanging
from headway.features.backups.volume.plan import UNDO_SWAP, VolumeBackupPlan, VolumeBackupPlanner
from headway.features.backups.volume.run import VERSION, require_root, whole
from headway.features.backups.volume.service_pause import let_up, start_again, take_down, undos_of_service
from headway.features.backups.volume.services import Origin, VolumeServices, new_name
from headway.features.backups.volume.where import VolumeMachine, known_host, open_way
from headway.features.destinations.transfer import BackupTransfer
from headway.infra.db.transaction import Tx
from headway.infra.hosts.command import Account
from headway.kernel.errors import Conflict
from headway.kernel.phrase import phrase

RESTORE = "volumeBackup.restore"
UNDO_VOLUME = "new volume"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRestoreKind:
    """Restores a kept file into a new volume or the same one; fits ``core.deployments.run.Kind``."""

    planner: VolumeBackupPlanner
    keeping: BackupTransfer
    services: VolumeServices
    name: str = RESTORE
    version: int = VERSION
    repeatable_until: str | None = None

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The volume backup as it is now, and what is to be restored of it. Raises RunFailed (refused)."""
        return self.planner.restore(tx, deployment)

    async def perform(self, run: Run) -> Success:
        """Proves the file, fills a new volume or a folder beside the old one, and exchanges the two."""
        plan = VolumeBackupPlan.load(run.plan)
        require_root(plan)
        where = await open_way(run, self.services.hosts, self.keeping, plan, reads=False)
        await run.step("open a folder", lambda: self._open(run, plan))
        await self.keeping.fetch(run, "prove the file", plan.place, TAR, _without_devices(plan))
        if plan.target:
            name = await self._into_new(where, plan)
            await self.keeping.close_folder(run)
            return Success(message=f"{plan.place.path} is restored into the new volume {name}{plan.at}.")
        await self._into_same(where, plan)
        await self.keeping.close_folder(run)
        return Success(
            message=f"{plan.place.path} is restored into the volume {plan.volume}{plan.at}, which is in use."
        )

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect."""
        mine: Mapping[str, Undo] = {UNDO_VOLUME: self._remove_volume, UNDO_SWAP: self._swap_back}
        return {**self.keeping.undos, **undos_of_service(self.services), **mine}

    async def _open(self, run: Run, plan: VolumeBackupPlan) -> Json:
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
        await self.keeping.open_folder(run)
        return None

    async def _into_new(self, where: VolumeMachine, plan: VolumeBackupPlan) -> str:
        name = new_name(plan.service_type, plan.app_name, plan.target)

        async def make() -> Json:
            await where.run.undo(UNDO_VOLUME, {**plan.origin.dump(), "name": name})
            return await self.services.make_volume(plan.origin, name, where.run.deployment.deployment_id)

        try:
            folder: str = await where.run.step("make the volume", make)
        except Conflict as error:
            raise RunFailed(error.message, Reason.REFUSED) from error
        # Not in the volume itself, which somebody may have in a container by now, and lead a path elsewhere.
        beside = Exchanging(host=where.host, place=folder, by=where.run)
        await where.run.step("make a folder beside it", lambda: _moved(beside, ExchangeMove.BEGIN))
        await self._extract(where, plan, beside.fresh, None)
        moves = (ExchangeMove.EXCHANGE, ExchangeMove.SETTLE, ExchangeMove.CLEAR)
        await where.run.step("put it in place", lambda: _moved(beside, *moves))
        return name

    async def _into_same(self, where: VolumeMachine, plan: VolumeBackupPlan) -> None:
        run = where.run
        folder, uid = await run.step("find the volume", lambda: self._folder(plan))
        owner = None if uid is None else Account(uid=uid, gid=uid)
        beside = Exchanging(host=where.host, place=folder, by=run)

        async def make() -> Json:
            await run.undo(UNDO_SWAP, {**plan.origin.dump(), "folder": folder})
            await beside.make(ExchangeMove.BEGIN)
            if owner is not None:
                await where.host.make_folder(beside.fresh, owner=owner)
            return None

        await run.step("make a folder beside it", make)
        await self._extract(where, plan, beside.fresh, owner)
        await run.step("stop the service", lambda: take_down(where, self.services, plan))
        await run.step("exchange the folders", lambda: _moved(beside, ExchangeMove.EXCHANGE))
        await start_again(where, self.services, plan)
        await run.step("remove the old one", lambda: _moved(beside, ExchangeMove.SETTLE, ExchangeMove.CLEAR))

    async def _folder(self, plan: VolumeBackupPlan) -> Json:
        """The folder, and the account that all of it belongs to, None where it is a container's."""
        folder = await self.services.folder(plan.origin, plan.app_name, plan.volume)
        return folder, await self.services.data_uid(plan.origin, plan.volume)

    async def _extract(self, where: VolumeMachine, plan: VolumeBackupPlan, folder: str, owner: Account | None) -> None:
        await where.begin()
        await self.keeping.fetch(where.run, "extract", plan.place, TAR, where.fills(folder, owner))
        if owner is not None:
            await where.tame(folder, owner)
        await where.sync(folder)

    async def _remove_volume(self, undoing: Undoing, data: Mapping[str, Json]) -> None:
        origin = Origin.load(data)
        if known_host(self.services.hosts, origin.host_id) is not None:
            await self.services.remove_volume(origin, data["name"], undoing.deployment.deployment_id)

    async def _swap_back(self, undoing: Undoing, data: Mapping[str, Json]) -> None:
        """The old folder is in its place again, if it was moved and is wanted still; its service is stopped meanwhile,
        and started again in any case: nobody else knows that it was.
        """
        services, origin = self.services, Origin.load(data)
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


async def _moved(beside: Exchanging, *moves: ExchangeMove) -> Json:
    for move in moves:
        await beside.make(move)
    return None


def _without_devices(plan: VolumeBackupPlan) -> Whole:
    """How it is proven that a restore may begin."""
    return replace(whole(plan), programs=trees.judge())
