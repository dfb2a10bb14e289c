"""Clears away what nobody needs, and nothing else: never a volume, a kept release, or what is not Headway's."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from headway.core.deployments import store as deployments
from headway.core.deployments.model import SubjectType
from headway.domains.applications import store as applications
from headway.domains.applications.keeping import is_shared
from headway.domains.applications.model import Release
from headway.domains.applications.operate import Operating as Applications
from headway.domains.catalog.kept import KeptReleases
from headway.domains.composes.operate import Operating as Composes
from headway.domains.disk import store
from headway.domains.disk.measuring import Measuring
from headway.domains.disk.model import Freeing, Held, Kind, Waste, beyond_bound, longest_unused
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.docker import images
from headway.infra.docker.api import DockerApi, EngineRefused
from headway.infra.docker.labels import PANEL
from headway.infra.docker.usage import EngineUsage
from headway.infra.hosts.measure import bytes_of
from headway.kernel.errors import NotFound, Unavailable

_OF_RELEASE = re.compile(r"headway-(?P<panel>[^/]+)/[^/:]+:r-(?P<release>[A-Za-z0-9_-]+)")
_GONE = ".gone-"

Chosen = Callable[[Held], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """``cache_bound`` is what is kept of builds: of the engine's, and as much of those without one."""

    db: Database
    api: DockerApi
    panel_id: str
    measuring: Measuring
    applications: Applications
    composes: Composes
    cache_bound: int

    async def clean(self, chosen: Chosen, *, dry: bool) -> list[Waste]:
        """Removes what can go of the chosen services, and of what belongs to none; with ``dry`` only says what. What an
        engine that is away keeps from going is left to the next time.
        """
        services = [each for each in await self.db.read(store.services) if chosen(each)]
        engine = await self.measuring.engine()
        freeing = Freeing(engine) if engine is not None else None
        found = [each async for each in self._releases(services, freeing, dry=dry)]
        found += [each async for each in self._caches(services, dry=dry)]
        if engine is not None and freeing is not None:
            with suppress(Unavailable):
                found += [each async for each in self._images(services, engine, freeing, dry=dry)]
                found += await self._build_cache(engine, dry=dry)
        return found

    async def _releases(self, services: Iterable[Held], freeing: Freeing | None, *, dry: bool) -> AsyncIterator[Waste]:
        for service in services:
            with suppress(NotFound, Unavailable):  # it has gone meanwhile, or the engine has
                if service.service_type is SubjectType.COMPOSE:
                    async for each in self._of_compose(service, freeing, dry=dry):
                        yield each
                else:
                    async for each in self._of_application(service, freeing, dry=dry):
                        yield each

    async def _of_application(self, service: Held, freeing: Freeing | None, *, dry: bool) -> AsyncIterator[Waste]:
        async with self.applications.turn(service.service_id):
            keep, not_kept = await self.applications.beyond(service.service_id)
            for release in not_kept:
                yield _release(service, release.release_id, await self._size(service, release, freeing), keep)
                if not dry:
                    await self.applications.let_go(release)

    async def _size(self, service: Held, release: Release, freeing: Freeing | None) -> int | None:
        """What goes with a release: nothing where another has the same files."""
        if release.runtime != "native" and freeing is not None:
            return freeing.name(images.release_name(self.panel_id, service.app_name, release.release_id))
        return 0 if await self.db.read(lambda tx: is_shared(tx, release)) else release.bytes

    async def _of_compose(self, service: Held, freeing: Freeing | None, *, dry: bool) -> AsyncIterator[Waste]:
        compose_id = service.service_id
        async with self.composes.turn(compose_id):
            keep, not_kept = await self.composes.beyond(compose_id)
            sizes = await bytes_of(folder for _, folder in not_kept)
            for release_id, folder in not_kept:
                yield _release(service, release_id, sizes.get(folder, 0), keep)
            if freeing is not None:
                for name in await self.composes.needless_images(compose_id):
                    why = "no release that is kept has it"
                    yield Waste(kind=Kind.IMAGE, service_id=compose_id, name=name, why=why, bytes=freeing.name(name))
            if not dry and (not_kept or freeing is not None):
                await self.composes.clear(compose_id)

    async def _images(
        self, services: Iterable[Held], engine: EngineUsage, freeing: Freeing, *, dry: bool
    ) -> AsyncIterator[Waste]:
        """Names of releases that are no more, and images without a name that carry this panel's label."""
        by_name = {each.app_name: each.service_id for each in services}
        names = {
            name: match["release"]
            for image in engine.images
            for name in image.names
            if (match := _OF_RELEASE.fullmatch(name)) and match["panel"] == self.panel_id
        }
        needed = await self.db.read(lambda tx: _needed(tx, set(names.values())))
        for name, release_id in names.items():
            service_id = by_name.get(name.partition("/")[2].partition(":")[0])
            if release_id not in needed and service_id is not None:
                why = "its release is no more"
                yield Waste(kind=Kind.IMAGE, service_id=service_id, name=name, why=why, bytes=freeing.name(name))
                if not dry:
                    await images.let_go(self.api, name)
        for image in engine.images:
            if not image.names and not image.is_used and image.labels.get(PANEL) == self.panel_id:
                short = image.image_id.removeprefix("sha256:")[:12]
                gained = freeing.image(image.image_id)
                yield Waste(kind=Kind.IMAGE, service_id=None, name=short, why="it has no name any more", bytes=gained)
                if not dry:
                    await images.let_go(self.api, image.image_id)

    async def _build_cache(self, engine: EngineUsage, *, dry: bool) -> list[Waste]:
        more = beyond_bound(engine.cache, self.cache_bound)
        if not more:
            return []
        if not dry:
            with suppress(EngineRefused):  # it is being cleaned by somebody else
                await images.bound_cache(self.api, self.cache_bound)
        why = f"it is beyond HEADWAY_BUILD_CACHE ({self.cache_bound >> 20} MiB)"
        return [Waste(kind=Kind.BUILD_CACHE, service_id=None, name="what was used longest ago", why=why, bytes=more)]

    async def _caches(self, services: Iterable[Held], *, dry: bool) -> AsyncIterator[Waste]:
        """Caches of builds without an engine: that of an application goes as a whole, the longest unused first."""
        folders = {
            self.applications.tools.folders.cache(each.service_id): each
            for each in services
            if each.service_type is SubjectType.APPLICATION
        }
        used = await asyncio.to_thread(_used_at, folders)
        sizes = await bytes_of(used)
        known = {path: (size, used[path]) for path, size in sizes.items()}
        for path in longest_unused(known, self.cache_bound):
            service = folders[path]
            async with self.applications.turn(service.service_id):
                resting = await self.db.read(lambda tx, id_=service.service_id: applications.is_at_rest(tx, id_))  # type: ignore[misc]
                if not resting:
                    continue
                why = f"all caches together are beyond HEADWAY_BUILD_CACHE ({self.cache_bound >> 20} MiB)"
                yield Waste(
                    kind=Kind.CACHE, service_id=service.service_id, name=service.name, why=why, bytes=sizes[path]
                )
                if not dry:
                    await asyncio.to_thread(_remove, Path(path))


def _release(service: Held, release_id: str, size: int | None, keep: KeptReleases) -> Waste:
    why = f"it is not among {keep}"
    return Waste(kind=Kind.RELEASE, service_id=service.service_id, name=release_id, why=why, bytes=size)


def _needed(tx: Tx, release_ids: set[str]) -> set[str]:
    """Those that have a row, or that a deployment is making which has not ended."""
    known = {release.release_id for release in applications.every_release(tx)}
    unknown = sorted(release_ids - known)
    claims = deployments.claims(tx, unknown)
    return known | {
        release_id for release_id in unknown if release_id in claims and not claims[release_id].status.ended
    }


def _used_at(folders: Iterable[str]) -> dict[str, float]:
    """When each cache was last written to, as far as its upper folders tell."""
    found = {}
    for path in folders:
        with suppress(OSError):
            within = [Path(path), *Path(path).iterdir()]
            found[path] = max(each.stat().st_mtime for each in within)
    return found


def _remove(folder: Path) -> None:
    """At once for whoever begins to build, whatever the time that it takes."""
    gone = folder.with_name(f"{_GONE}{folder.name}")
    shutil.rmtree(gone, ignore_errors=True)
    with suppress(FileNotFoundError):
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
