"""What of this panel's an engine has and nothing needs: names of releases that are no more, and images without one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from headway.core.deployments import store as deployments
from headway.domains.applications import store as applications
from headway.domains.disk import store
from headway.domains.disk.model import Freeing
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.docker.labels import APPLICATION, COMPOSE, PANEL
from headway.infra.docker.usage import EngineUsage, HeldImage
from headway.infra.panel.naming import is_own

_OF_RELEASE = re.compile(r"headway-(?P<panel>[^/]+)/(?P<app>[^/:]+):r-(?P<release>[A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A name of an image, or an image without one, with the name by which the panel is known where it was made for.
    ``whose`` is a service's name in the engine or, where there is no name, its id; that service may be no more.
    """

    reference: str
    panel: str
    whose: str
    is_named: bool

    @property
    def shown(self) -> str:
        """As people know it."""
        return self.reference if self.is_named else self.reference.removeprefix("sha256:")[:12]

    @property
    def why(self) -> str:
        """Why it may go."""
        return "its release is no more" if self.is_named else "it has no name any more"

    def gained(self, freeing: Freeing) -> int:
        """What is gained by it."""
        return freeing.name(self.reference) if self.is_named else freeing.image(self.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """Knows the panel by all its names: where an image is built it is named for the machine that it is released on."""

    db: Database
    panel_id: str

    async def of(self, engine: EngineUsage) -> list[Leftover]:
        """Those of an engine, as it was. What a deployment may have made since is none of them."""
        named = {
            name: match
            for image in engine.images
            for name in image.names
            if (match := _OF_RELEASE.fullmatch(name)) and is_own(self.panel_id, match["panel"])
        }
        releases = {match["release"] for match in named.values()}
        needed, busy = await self.db.read(lambda tx: (_needed(tx, releases), store.under_way(tx)))
        return [
            *(
                Leftover(reference=name, panel=match["panel"], whose=match["app"], is_named=True)
                for name, match in named.items()
                if match["release"] not in needed
            ),
            *(each for image in engine.images if (each := self._nameless(image)) and each.whose not in busy),
        ]

    def _nameless(self, image: HeldImage) -> Leftover | None:
        panel = image.labels.get(PANEL, "")
        if image.names or image.is_used or not is_own(self.panel_id, panel):
            return None
        whose = image.labels.get(COMPOSE) or image.labels.get(APPLICATION) or ""
        return Leftover(reference=image.image_id, panel=panel, whose=whose, is_named=False)


def _needed(tx: Tx, release_ids: Collection[str]) -> set[str]:
    """Those that have a row, or that a deployment is making which has not ended."""
    known = {release.release_id for release in applications.every_release(tx)}
    unknown = sorted(set(release_ids) - known)
    claims = deployments.claims(tx, unknown)
    return known | {
        release_id for release_id in unknown if release_id in claims and not claims[release_id].status.ended
    }
