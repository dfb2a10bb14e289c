"""Seats for what holds much memory: few in all, and fewer for each token, address and organisation, so that nobody
takes all.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_network

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many may sit at a time, and how long somebody waits for a seat before being sent away."""

    in_all: int
    of_token: int
    of_address: int
    wait_seconds: float


class Seats:
    """Whoever has no seat waits, and is sent away after a while. ``what`` names those who wait, in the plural."""

    def __init__(self, bounds: Bounds, what: str) -> None:
        self._bounds = bounds
        self._what = what
        self._taken: Counter[str] = Counter()
        self._news = asyncio.Condition()

    @asynccontextmanager
    async def one(self, token: str, address: str, organization_id: str | None = None) -> AsyncIterator[None]:
        """A seat; of an organisation, where one is named, as long as that has fewer than it leaves to the others.
        Raises Unavailable.
        """
        places = self._places(token, address, organization_id)
        try:
            async with asyncio.timeout(self._bounds.wait_seconds), self._news:
                await self._news.wait_for(lambda: self._has_room(places, organization_id))
                self._taken.update(places.keys())
        except TimeoutError:
            raise Unavailable(f"Too many {self._what} come at once; send this one again.") from None
        try:
            yield
        finally:
            self._taken.subtract(places.keys())
            self._taken += Counter()  # of those who have left nothing is kept
            async with self._news:
                self._news.notify_all()

    def _places(self, token: str, address: str, organization_id: str | None) -> dict[str, int]:
        places = {"": self._bounds.in_all, f"token {token}": self._bounds.of_token}
        if not _is_of_a_proxy(address):
            places[f"address {address}"] = self._bounds.of_address
        if organization_id is not None:
            places[_place_of(organization_id)] = self._bounds.in_all
        return places

    def _has_room(self, places: Mapping[str, int], organization_id: str | None) -> bool:
        if any(self._taken[place] >= most for place, most in places.items()):
            return False
        left = self._bounds.in_all - self._taken[""]
        # However many organisations take all that they get, one more gets some.
        return organization_id is None or self._taken[_place_of(organization_id)] < left


def _place_of(organization_id: str) -> str:
    return f"organization {organization_id}"


def _is_of_a_proxy(address: str) -> bool:
    """Whether everybody may come from there: a proxy on this machine has one address for all. A network, which is one
    place of IPv6, is somebody's.
    """
    try:
        return ip_network(address, strict=False).is_loopback
    except ValueError:
        return True
