"""Two uploads to one application at the same time: what its settings name in the end is there to be deployed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import field, fields, replace
from pathlib import Path

from headway.features.services.uploads import Archives
from headway.kernel.dataclass import dataclass
from headway.kernel.uploads import Upload
from tests.integration.http.world import KEYS, World
from tests.integration.sources.archives import FILES, zipped
from tests.support.panel.permissions import permission

LONG_ENOUGH = 1.0  # for a drop that nothing keeps waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowToSweep(Archives):
    """The archives, whose sweep takes as long as the test wants."""

    sweeping: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def sweep(self, service_id: str, keep: Collection[str]) -> None:
        """Begins, and ends once it may."""
        self.sweeping.set()
        await self.go_on.wait()
        await Archives.sweep(self, service_id, keep)


async def test_no_sweep_takes_what_another_upload_has_just_brought(world: World, tmp_path: Path) -> None:
    actor = await world.services.access.authenticate(KEYS["owner"])
    assert actor is not None
    application_id = await world.application()
    own = world.services.drops
    kept = own.intake.archives
    archives = SlowToSweep(**{each.name: getattr(kept, each.name) for each in fields(kept)})
    drops = replace(own, intake=replace(own.intake, archives=archives))

    async with asyncio.timeout(30), asyncio.TaskGroup() as both:
        both.create_task(
            drops.drop(actor, permission("application.dropDeployment"), application_id, upload(tmp_path, "first"))
        )
        await archives.sweeping.wait()
        second = both.create_task(
            drops.drop(actor, permission("application.dropDeployment"), application_id, upload(tmp_path, "second"))
        )
        await asyncio.wait({second}, timeout=LONG_ENOUGH)
        archives.go_on.set()

    named = (await world.get("application.one", applicationId=application_id))["archive"]["digest"]
    assert named == "second"
    assert (Path(archives.folders.archives(application_id)) / "second.tar").exists()


def upload(folder: Path, digest: str) -> Upload:
    """An upload as it lies on disk, known by this digest."""
    path = zipped(folder / f"{digest}.zip", FILES)
    return Upload(path=path, name=path.name, bytes=path.stat().st_size, digest=digest)
