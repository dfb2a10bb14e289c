"""What is written down of releases for whoever goes back to one; the same for those of every kind of service."""

from __future__ import annotations

from sqlalchemy import Table, update

from headway.infra.db.transaction import Tx


def rolled_back(tx: Tx, releases: Table, release_id: str, by: str) -> None:
    """A release has given way to an earlier one, by this deployment."""
    mine = update(releases).where(releases.c.release_id == release_id)
    tx.execute(mine.values(rolled_back_at=tx.now, rolled_back_by=by))


def seen(tx: Tx, releases: Table, release_id: str, missing: str | None) -> None:
    """What keeps anybody from going back to a release, as it was just looked at."""
    tx.execute(update(releases).where(releases.c.release_id == release_id).values(missing=missing))
