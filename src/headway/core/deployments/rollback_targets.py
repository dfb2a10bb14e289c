"""What a deployment left that one can go back to, as lists show it beside its row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from headway.infra.db.transaction import Tx


class Left(NamedTuple):
    """The release of a deployment that was done. ``version`` counts those of its service, ``image`` names what it was
    made of (None: no one image), ``obstacle`` is what keeps anybody from going back to it now, as a sentence (None:
    nothing does), ``rolled_back_by`` the deployment by which it gave way to an earlier one. Times are microseconds
    since 1970.
    """

    release_id: str
    deployment_id: str
    version: int
    image: str | None
    created_at: int
    serves: bool
    obstacle: str | None
    rolled_back_at: int | None
    rolled_back_by: str | None


LeftBy = Callable[[Tx, Sequence[str]], Mapping[str, Left]]
