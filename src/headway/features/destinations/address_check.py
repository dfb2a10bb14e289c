"""What a run asks of an address right before it is used: whether that leads to the internet now."""

from __future__ import annotations

from headway.core.deployments.run import RunFailed
from headway.core.deployments.status import Reason
from headway.drivers.storages.base import Storage, StorageRefused
from headway.drivers.storages.queries import Storages
from headway.infra import outward_connections


async def require_outward_now(address: str) -> None:
    """Raises RunFailed (refused) where the host of an address leads to this machine or a private network. One that
    cannot be found is left to who asks it.
    """
    try:
        await outward_connections.require_outward((address,))
    except outward_connections.LeadsNear as near:
        raise RunFailed(near.message, Reason.REFUSED) from near
    except (OSError, TimeoutError):
        return


async def require_outward_storage(storages: Storages, storage: Storage) -> None:
    """Whether a storage leads where it may, right before it is used. Raises RunFailed."""
    try:
        await storages.require_outward(storage)
    except StorageRefused as refused:
        raise RunFailed(refused.message) from refused
