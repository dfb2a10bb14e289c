"""What of this panel's an engine has and nothing needs: names of releases that are no more, and images without one."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

from headway.core.deployments import store as deployments
from headway.features.disk import store
from headway.features.disk.model import Freeing
from headway.features.services.application import store as applications
from headway.features.services.model import Release
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.docker.labels import APPLICATION, COMPOSE, PANEL
from headway.infra.docker.usage import EngineUsage, HeldImage
from headway.infra.panel.names import is_own
from headway.kernel.dataclass import dataclass

_OF_RELEASE = re.compile(r"headway-(?P<panel>[^/]+)/(?P<app>[^/:]+):r-(?P<release>[A-Za-z0-9_-]+)")


EngineOf = Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A name of an image, or an image without one, with the name by which the panel is known where it was made for.
    ``whose`` is a service's name in the engine or, where there is no name, its id; that service may be no more.
    """

    reference: str
    panel: str
    whose: str
    why: str
    is_named: bool

    @property
    def shown(self) -> str:
        """As people know it."""
        return self.reference if self.is_named else self.reference.removeprefix("sha256:")[:12]

    def gained(self, freeing: Freeing) -> int:
        """What is gained by it."""
        return freeing.name(self.reference) if self.is_named else freeing.image(self.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """Knows the panel by all its names: where an image is built it is named for the machine that it is released on.
    ``engine_of`` tells which engine a host has now, None where that is not known.
    """

    db: Database
    panel_id: str
    engine_of: EngineOf

    async def of(self, engine: EngineUsage, host_id: str) -> list[Leftover]:
        """Those of the engine of a host, as it was. What a deployment may have made since is none of them."""
        names = [name for image in engine.images for name in image.names]
        named = [match for name in names if (match := _OF_RELEASE.fullmatch(name))]
        mine = [match for match in named if is_own(self.panel_id, match["panel"])]
        release_ids = {match["release"] for match in mine}
        known = await self.db.read(lambda tx: _known(tx, release_ids))
        engines = {each: await self.engine_of(each) for each in _elsewhere(mine, known, host_id)}
        found = [
            Leftover(reference=match[0], panel=match["panel"], whose=match["app"], why=why, is_named=True)
            for match in mine
            if (why := _why(match["release"], known, engines, engine.engine_id))
        ]
        nameless = [each for image in engine.images if (each := self._nameless(image))]
        return [*found, *(each for each in nameless if each.whose not in known.busy)]

    def _nameless(self, image: HeldImage) -> Leftover | None:
        panel = image.labels.get(PANEL, "")
        if image.names or image.is_used or not is_own(self.panel_id, panel):
            return None
        whose = image.labels.get(COMPOSE) or image.labels.get(APPLICATION) or ""
        why = "it has no name any more"
        return Leftover(reference=image.image_id, panel=panel, whose=whose, why=why, is_named=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Every release, those that are being made, and all to which something is being deployed."""

    releases: Mapping[str, Release]
    being_made: Collection[str]
    busy: Collection[str]


def _known(tx: Tx, release_ids: Collection[str]) -> Known:
    releases = {release.release_id: release for release in applications.every_release(tx)}
    claims = deployments.claims(tx, sorted(release_ids))
    being_made = {release_id for release_id, claim in claims.items() if not claim.status.ended}
    return Known(releases=releases, being_made=being_made, busy=store.under_way(tx))


def _elsewhere(mine: Iterable[re.Match[str]], known: Known, host_id: str) -> set[str]:
    """The other hosts on which releases of these images are."""
    releases = (known.releases.get(match["release"]) for match in mine)
    return {each.host_id for each in releases if each is not None} - {host_id}


def _why(release_id: str, known: Known, engines: Mapping[str, str | None], engine_id: str) -> str | None:
    """Why the image of a release may go from an engine; None where it stays, or it is not known that it may go."""
    if release_id in known.being_made:
        return None
    release = known.releases.get(release_id)
    if release is None:
        return "its release is no more"
    # It was built here and is released elsewhere, where it has been moved to.
    is_elsewhere = engines.get(release.host_id) not in {None, engine_id}
    return "its release is on another machine" if is_elsewhere and release.service_id not in known.busy else None
