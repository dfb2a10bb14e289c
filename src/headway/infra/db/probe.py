"""Whether a database answers, and whether the vault key of a data directory is the one that it was written with."""

from __future__ import annotations

from sqlalchemy import insert, select

from headway.infra.db.engine import DatabaseAway, DatabaseDamaged, SqlDatabase
from headway.infra.db.tables.deployments import installation
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError
from headway.kernel.vault import Vault, VaultError

_PROBE = "headway"


class OtherKey(HeadwayError):
    """The secrets in the database were sealed with another key."""

    def __init__(self) -> None:
        super().__init__(
            "The secrets in this database were written with another vault.key than the one in the data directory. "
            "Restore vault.key from the backup of the data directory that belongs to the database."
        )


def check_key(tx: Tx, vault: Vault) -> None:
    """Whether secrets of this database can be opened; the first start seals the probe. Raises OtherKey."""
    sealed = tx.scalar(select(installation.c.probe))
    if sealed is None:
        tx.execute(insert(installation).values(number=1, probe=vault.seal(_PROBE)))
        return
    try:
        vault.open(sealed)
    except VaultError as error:
        raise OtherKey from error


async def why_away(db: SqlDatabase) -> str | None:
    """None when the database answers and nobody has met damage in its file, else why not."""
    try:
        await db.read(lambda tx: tx.scalar(select(installation.c.number)))
    except DatabaseAway as away:
        return away.message
    except DatabaseDamaged:
        pass
    return db.damage or None
