"""The ports of native releases in the database: each is one release's, and no two hold the same."""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from headway.infra.db.tables.services import ports, releases
from headway.infra.db.transaction import Tx

FIRST_PORT = 20_000
LAST_PORT = 29_999


def take_port(tx: Tx, host_id: str, application_id: str, release_id: str, port: int) -> bool:
    """Gives a port to a release; one that another release of the same application holds is handed over. False when
    another application holds it.
    """
    mine = (ports.c.host_id == host_id, ports.c.port == port, ports.c.service_id == application_id)
    if tx.execute(update(ports).where(*mine).values(release_id=release_id)).rowcount:
        return True
    values = {"host_id": host_id, "port": port, "release_id": release_id, "service_id": application_id}
    try:
        with tx.connection.begin_nested():
            tx.execute(insert(ports).values(**values))
    except IntegrityError:
        return False
    return True


def hand_back_port(tx: Tx, application_id: str, release_id: str, port: int) -> None:
    """Gives a handed-over port back to the release that had it."""
    mine = (ports.c.service_id == application_id, ports.c.port == port)
    tx.execute(update(ports).where(*mine).values(release_id=release_id))


def leading_to_containers(tx: Tx, host_id: str) -> list[int]:
    """The ports of a host that lead to what is no process of an application's account."""
    mine = select(ports.c.port).join(releases, releases.c.release_id == ports.c.release_id)
    return list(tx.execute(mine.where(ports.c.host_id == host_id, releases.c.runtime != "native")).scalars())


def free_ports(tx: Tx, host_id: str) -> list[int]:
    """The ports of the range that no release holds."""
    held = set(tx.execute(select(ports.c.port).where(ports.c.host_id == host_id)).scalars())
    return [port for port in range(FIRST_PORT, LAST_PORT + 1) if port not in held]
