"""Brings versions from registries into the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.toolchains import entries
from headway.drivers.buildplan.toolchains.inventory import Inventory
from headway.drivers.buildplan.toolchains.packages import Source, sources_of
from headway.drivers.buildplan.toolchains.registries import Package, Registry, ask, find_registry, list_versions
from headway.drivers.buildplan.toolchains.store import Store
from headway.drivers.buildplan.toolchains.tools import TOOLS
from headway.drivers.buildplan.toolchains.version_requests import VersionRequest, newest
from headway.infra.hosts.work import Work
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A version that a registry has, by the name of the tool's own versions."""

    version: str
    package: Package
    source: Source
    registry: Registry


async def offers(work: Work, store: Store, wish: VersionRequest, machine: Inventory) -> Mapping[str, Offer]:
    """What registries have of what is asked for, by version. Raises RegistryAway."""
    found = {}
    for source in sources_of(wish.need.tool, machine):
        if wish.exact is not None and not source.has(wish.exact):
            continue
        registry = await find_registry(work, store, source.form)
        listed = await list_versions(work, store, registry, source.name, wheel=source.wheel, needed=wish.exact)
        for version, package in listed.items():
            own = own_version(wish.need.tool, version)
            if source.has(own) and wish.holds(own):
                offer = Offer(version=own, package=package, source=_at(source, version), registry=registry)
                found[own] = offer
    return found


def best(tool: str, offered: Mapping[str, Offer], runs: Callable[[Package], bool]) -> Offer | None:
    """The newest of what is offered and runs on what is there."""
    version = newest(TOOLS[tool].form, (each for each, offer in offered.items() if runs(offer.package)))
    return None if version is None else offered[version]


async def fetch(work: Work, store: Store, tool: str, offer: Offer) -> None:
    """Fetches a version, unless another run has done so meanwhile. Raises BuildError; nothing of it stays then."""
    version = offer.version
    async with store.turns.of(work.host.host_id, tool, version):
        if await entries.is_there(work, store, tool, version):
            return
        await require_room(work, store)
        parts = [(offer.registry, offer.package)]
        if offer.source.beside is not None:
            more = await list_versions(work, store, offer.registry, offer.source.beside, needed=version)
            if version not in more:
                raise BuildError(f"{offer.registry.place} has no {offer.source.beside} {version}. Ask for another one.")
            parts.append((offer.registry, more[version]))
        beside = await entries.begin(work, store, tool, version, owner=store.account)
        asked = {
            "do": "fetch",
            "folder": beside,
            "most_bytes": store.most_bytes,
            "parts": [
                {"url": package.url, "proof": package.proof, "form": offer.source.form, "into": "package"}
                for _, package in parts
            ],
            "programs": dict(offer.source.programs),
            "scripts": dict(offer.source.scripts),
            **offer.registry.asked,
        }
        await ask(work, store, offer.registry, f"fetch {tool} {version}", asked, seconds=store.step_seconds)
        await entries.finish(
            work, store, tool, version, argv=() if TOOLS[tool].runs_on == "node" else (TOOLS[tool].asked,)
        )


async def require_room(work: Work, store: Store) -> None:
    """Raises BuildError where the disk is too full for a version more."""
    await work.host.make_folder(store.folder, mode=0o755)
    free = await work.host.free_bytes(store.folder)
    if free < store.least_free_bytes:
        raise BuildError(
            f"The disk of this machine has {free >> 20} MiB left, and languages are only fetched where there are "
            f"{store.least_free_bytes >> 20} MiB. Make room (headway disk clean), then deploy again."
        )


def own_version(tool: str, version: str) -> str:
    """The tool's version of a package's: that of Go's package may have a number more, its own."""
    return ".".join(version.split(".")[:3]) if tool == "go" else version


def _at(source: Source, version: str) -> Source:
    """The source, with the places of its programs as that version has them."""
    places = {name: place and place.format(version=version) for name, place in source.programs.items()}
    return replace(source, programs=places)
