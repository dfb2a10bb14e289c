"""How a volume backup is made and restored: its service stopped or running, by choice, and started again whatever
happens.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Json, Run, RunFailed, Success, Undoing
from headway.core.deployments.status import Reason
from headway.domains.catalog import kept_store
from headway.domains.catalog.keeping import Keeping, Kept, Stream, kept_file
from headway.domains.volume_backups.exchange import Exchange
from headway.domains.volume_backups.model import ServiceType
from headway.domains.volume_backups.plan import Plan, Planning
from headway.domains.volume_backups.services import Services, new_name
from headway.infra.db.transaction import Tx
from headway.infra.hosts.command import Command, Stage
from headway.kernel.errors import Conflict
from headway.seams.dumps import trees
from headway.seams.dumps.base import TAR, Whole

KIND, RESTORE = "volumeBackup", "volumeBackup.restore"
VERSION = 4  # raised with every change to the steps below: a run of another version is not resumed
UNDO_STOPPED, UNDO_VOLUME, UNDO_SWAP = "stopped service", "new volume", "exchanged folder"
_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBackupKind:
    """Makes a volume backup; fits ``core.deployments.run.Kind``."""

    planning: Planning
    keeping: Keeping
    services: Services
    name: str = KIND
    version: int = VERSION
    repeatable_until: str | None = None

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The volume backup as it is now. Raises RunFailed (refused) where it is gone."""
        return self.planning.backup(tx, deployment)

    async def perform(self, run: Run) -> Success:
        """Stops the service where that is wanted, reads the volume, starts it again, then proves the object."""
        _require_root()
        plan = Plan.load(run.plan)
        folder = await run.step("find the volume", lambda: self._folder(run, plan))
        stopping = plan.turn_off and plan.was_up
        if stopping:
            await stop(run, self.services, plan)
        # A file that changes while it is read is a fault of a stopped service only.
        tolerated = frozenset() if plan.turn_off else frozenset({trees.CHANGED})
        stream = Stream(programs=(trees.read(folder),), env=trees.ENV, engine=TAR, whole=_whole(), tolerated=tolerated)
        changed = await self.keeping.upload(run, plan.place, stream)
        if stopping:
            await start_again(run, self.services, plan)
        kept = await self.keeping.prove(run, plan.place, stream, tolerated=changed)
        await self.keeping.close_folder(run)
        return Success(message=_told(plan, kept), settle=lambda tx: _settle(tx, run, plan, kept))

    async def undo(self, undoing: Undoing, name: str, data: Json) -> None:
        """Takes back one effect."""
        if not await undo_stopped(undoing, self.services, name, data):
            await self.keeping.undo(undoing, name, data)

    async def _folder(self, run: Run, plan: Plan) -> Json:
        folder = await self.services.folder(plan.service_type, plan.service_id, plan.app_name, plan.volume)
        how = "stopped meanwhile" if plan.turn_off and plan.was_up else "running" if plan.was_up else "not running"
        await run.say(f"Backing up the volume {plan.volume} of {plan.app_name} ({how}).")
        return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRestoreKind:
    """Restores a kept file into a new volume or the same one; fits ``core.deployments.run.Kind``."""

    planning: Planning
    keeping: Keeping
    services: Services
    name: str = RESTORE
    version: int = VERSION
    repeatable_until: str | None = None

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The volume backup as it is now, and what is to be restored of it. Raises RunFailed (refused)."""
        return self.planning.restore(tx, deployment)

    async def perform(self, run: Run) -> Success:
        """Proves the file, fills a new volume or a folder beside the old one, and exchanges the two."""
        _require_root()
        plan = Plan.load(run.plan)
        await run.step("open a folder", lambda: self._open(run, plan))
        await self.keeping.fetch(run, "prove the file", plan.place, TAR, _whole())
        if plan.target:
            name = await self._into_new(run, plan)
            await self.keeping.close_folder(run)
            return Success(message=f"{plan.place.path} is restored into the new volume {name}.")
        await self._into_same(run, plan)
        await self.keeping.close_folder(run)
        return Success(message=f"{plan.place.path} is restored into the volume {plan.volume}, which is in use.")

    async def undo(self, undoing: Undoing, name: str, data: Json) -> None:
        """Takes back one effect."""
        match name:
            case str() if name == UNDO_VOLUME:
                service = ServiceType(data["service_type"])
                await self.services.remove_volume(service, data["service_id"], data["name"])
            case str() if name == UNDO_SWAP:
                await _swap_back(undoing, self.services, data)
            case _:
                if not await undo_stopped(undoing, self.services, name, data):
                    await self.keeping.undo(undoing, name, data)

    async def _open(self, run: Run, plan: Plan) -> Json:
        if plan.target:
            await run.say(f"Restoring {plan.place.path} into the new volume {plan.target}; nothing is overwritten.")
        else:
            await run.say(
                f"Restoring {plan.place.path} into the volume {plan.volume} of {plan.app_name}: all that is in it is"
                " replaced. It is kept until the restored one is in use."
            )
        await self.keeping.open_folder(run)
        return None

    async def _into_new(self, run: Run, plan: Plan) -> str:
        async def make() -> Json:
            name = new_name(plan.service_type, plan.app_name, plan.target)
            await run.undo(UNDO_VOLUME, {**plan.service, "name": name})
            return await self.services.make_volume(plan.service_type, plan.service_id, plan.app_name, plan.target)

        try:
            name, folder = await run.step("make the volume", make)
        except Conflict as error:
            raise RunFailed(error.message, Reason.REFUSED) from error
        await self._extract(run, plan, folder)
        return str(name)

    async def _into_same(self, run: Run, plan: Plan) -> None:
        folder: str = await run.step("find the volume", lambda: self._folder(plan))
        beside = Exchange(Path(folder), run.deployment.deployment_id)

        async def make() -> Json:
            await run.undo(UNDO_SWAP, {**plan.service, "folder": folder})
            await asyncio.to_thread(beside.begin)
            return None

        async def swap() -> Json:
            async with run.fence():
                await asyncio.to_thread(beside.exchange)
            return None

        async def settle() -> Json:
            async with run.fence():
                await asyncio.to_thread(beside.settle)
            return None

        await run.step("make a folder beside it", make)
        await self._extract(run, plan, str(beside.fresh))
        await run.step("stop the service", lambda: take_down(run, self.services, plan))
        await run.step("exchange the folders", swap)
        await start_again(run, self.services, plan)
        await run.step("remove the old one", settle)

    async def _folder(self, plan: Plan) -> Json:
        return await self.services.folder(plan.service_type, plan.service_id, plan.app_name, plan.volume)

    async def _extract(self, run: Run, plan: Plan, folder: str) -> None:
        consumer = Whole(programs=(trees.write(folder),), env=trees.ENV)
        await self.keeping.fetch(run, "extract", plan.place, TAR, consumer)
        await run.command("sync", Command(stages=(Stage(argv=("sync", "--file-system", folder)),), env=trees.ENV))


async def stop(run: Run, services: Services, plan: Plan) -> None:
    """Stops the service; whoever ends the run starts it again."""

    async def down() -> Json:
        await run.undo(UNDO_STOPPED, plan.service)
        return await take_down(run, services, plan)

    await run.step("stop the service", down)


async def take_down(run: Run, services: Services, plan: Plan) -> Json:
    """Stops the service, if it is up, and holds it down."""
    if await run.write(lambda tx: services.hold(tx, plan.service_type, plan.service_id)):
        await run.say(f"Stopping {plan.app_name}.")
    async with run.fence():
        await services.bring_in_line(plan.service_type, plan.service_id)
    return None


async def start_again(run: Run, services: Services, plan: Plan) -> None:
    """Starts the service that the run has stopped."""

    async def up() -> Json:
        await run.write(lambda tx: services.let_go(tx, plan.service_type, plan.service_id))
        async with run.fence():
            is_up = await services.bring_in_line(plan.service_type, plan.service_id)
        await run.say(f"{plan.app_name} is started again." if is_up else f"{plan.app_name} is stopped, and stays so.")
        return None

    await run.step("start the service again", up)


async def undo_stopped(undoing: Undoing, services: Services, name: str, data: Mapping[str, Json]) -> bool:
    """Starts the service again that a run has stopped, if the undo is this one."""
    if name != UNDO_STOPPED:
        return False
    service, service_id = ServiceType(data["service_type"]), data["service_id"]
    if await undoing.write(lambda tx: services.let_go(tx, service, service_id)):
        async with undoing.fence():
            await services.bring_in_line(service, service_id)
    return True


async def _swap_back(undoing: Undoing, services: Services, data: Mapping[str, Json]) -> None:
    """The old folder is in its place again, if it was moved and is wanted still; its service is stopped meanwhile, and
    started again in any case: nobody else knows that it was.
    """
    beside = Exchange(Path(data["folder"]), undoing.deployment.deployment_id)
    service, service_id = ServiceType(data["service_type"]), data["service_id"]
    if await undoing.write(lambda tx: services.whose(tx, service, service_id)) is None:
        async with undoing.fence():
            await asyncio.to_thread(beside.put_back)
        return
    if beside.is_out_of_place:
        await undoing.write(lambda tx: services.hold(tx, service, service_id))
    async with undoing.fence():
        await services.bring_in_line(service, service_id)
        await asyncio.to_thread(beside.put_back)
    await undoing.write(lambda tx: services.let_go(tx, service, service_id))
    async with undoing.fence():
        await services.bring_in_line(service, service_id)


def _whole() -> Whole:
    return Whole(programs=trees.list_names(), env=trees.ENV)


def _told(plan: Plan, kept: Kept) -> str:
    changed = " Files changed while they were read: it is not of one moment." if kept.tolerated else ""
    size = f"{kept.bytes / _MIB:.1f} MiB ({kept.contents / _MIB:.1f} MiB unpacked, {kept.said} entries)"
    return f"{plan.place.path}: {size}, sha256 {kept.sha256}; read back and found whole.{changed}"


def _settle(tx: Tx, run: Run, plan: Plan, kept: Kept) -> None:
    kept_store.add(tx, kept_file(tx, run, plan.place, kept))


def _require_root() -> None:
    if os.geteuid() != 0:
        raise RunFailed(
            "Volumes hold files of many accounts, which only a panel that runs as root can read and restore.",
            Reason.REFUSED,
        )
