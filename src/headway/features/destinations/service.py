"""Use cases of destinations, where backups lie."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from headway.core.access import accounts_store, allowances, policy
from headway.core.access.machine import may_use_the_machine, require_need
from headway.core.access.model import Actor
from headway.core.access.outward_addresses import require_outward
from headway.core.access.policy import Permission
from headway.drivers.storages.base import PARTIAL, Listed, Storage, StorageRefused
from headway.drivers.storages.queries import Storages
from headway.drivers.storages.rclone_policy import LOCAL
from headway.features.destinations import store, stored_backup_store
from headway.features.destinations.model import Destination, StorageConfig, judged_reach, needs_of, storage_of
from headway.features.destinations.stored_backup_model import KeptFile, checked_path
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.hosts.command import Account, led
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, InvalidInput, PasswordForgotten
from headway.kernel.ids import new_id
from headway.kernel.secret import Secret
from headway.kernel.service_names import check_name
from headway.kernel.vault import Vault

LOCAL_NAME = "This machine"
_MOST_LISTED = 1_000
_WHOSE = "A destination's"


class ConnectionFailed(InvalidInput):
    """A destination does not do what backups need; the sentence says what it answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationService:
    """An organisation's destinations. They are sealed at rest, and their secrets are never given back. ``folder`` is
    what the local ones lie below, each in a folder of its own; ``uid_base`` is where the accounts begin, None where
    there are none, and ``trials`` the account that tries what is not kept yet; ``outward`` is the group of what reaches
    the internet only.
    """

    db: Database
    vault: Vault
    storages: Storages
    folder: Path
    uid_base: int | None = None
    trials: Account | None = None
    outward: int | None = None

    async def create(self, actor: Actor, permission: Permission, name: str, reach: StorageConfig) -> Destination:
        """Keeps a destination. Raises Forbidden, InvalidInput."""
        policy.permit(actor, permission, actor.organization_id)
        check_name(name, _WHOSE)
        wanted = judged_reach(reach)
        wanted = _whose(actor, wanted, None)
        return await self.db.run(lambda tx: self._add(tx, actor, name, wanted))

    async def one(self, actor: Actor, permission: Permission, destination_id: str) -> Destination:
        """One destination, to be shown or reached. Raises Missing, Forbidden."""

        def read(tx: Tx) -> Destination:
            self.permitted(tx, actor, permission, destination_id)
            return store.find_to_reach(tx, destination_id, self.vault)

        return await self.db.read(read)

    async def all(self, actor: Actor, permission: Permission) -> list[Destination]:
        """The organisation's destinations, newest first. Raises Forbidden."""
        policy.permit(actor, permission, actor.organization_id)
        return await self.db.read(lambda tx: store.of_organization(tx, actor.organization_id, self.vault))

    async def update(
        self, actor: Actor, permission: Permission, destination_id: str, name: str, reach: StorageConfig | None
    ) -> Destination:
        """Changes a destination, without ``reach`` its name alone; a secret that is not given stays. Raises Missing,
        Forbidden, InvalidInput.
        """
        check_name(name, _WHOSE)

        def write(tx: Tx) -> Destination:
            current = self.permitted(tx, actor, permission, destination_id)
            wanted = _with_secrets(current.reach if reach is None else reach, current.reach)
            wanted = _whose(actor, wanted, current.reach)
            if wanted.is_local is not current.reach.is_local:
                raise InvalidInput("A folder of this machine cannot become a storage elsewhere: make another one.")
            store.change(tx, destination_id, name, wanted, self.vault)
            allowances.save(tx, actor, destination_id, needs_of(wanted))
            return store.find(tx, destination_id, self.vault)

        return await self.db.run(write)

    async def remove(self, actor: Actor, permission: Permission, destination_id: str) -> Destination:
        """Forgets a destination; what lies there stays. Raises Missing, Forbidden, Conflict while backups go there."""

        def write(tx: Tx) -> Destination:
            destination = self.permitted(tx, actor, permission, destination_id)
            if store.is_used(tx, destination_id):
                raise Conflict("Backups go to this destination: give them another one, or remove them, first.")
            store.remove(tx, destination_id)
            stored_backup_store.forget_destination(tx, destination_id)
            return destination

        return await self.db.run(write)

    async def test(
        self, actor: Actor, permission: Permission, reach: StorageConfig, destination_id: str | None = None
    ) -> None:
        """Returns once something was written there, read back, found the same and deleted; with a ``destination_id``,
        with its secrets where none are given. Raises Missing, Forbidden, InvalidInput, ConnectionFailed.
        """
        policy.permit(actor, permission, actor.organization_id)
        current = await self.one(actor, permission, destination_id) if destination_id else None
        reach = judged_reach(reach) if current is None else _with_secrets(reach, current.reach)
        reach = _whose(actor, reach, None if current is None else current.reach)
        # What is tried as it is kept was judged when it was saved.
        for need in set(needs_of(reach)) - set(() if current is None else needs_of(current.reach)):
            require_need(actor, need)
        folder = self.folder / (destination_id or f"test-{new_id()}")
        try:
            known = self.trials if current is None else current.account_of(self.uid_base, None)
            account = led(known, self.outward if reach.guarded else None)
            await self.storages.prove(storage_of(reach, folder, account=account))
        except StorageRefused as refused:
            raise ConnectionFailed(refused.message) from refused
        finally:
            with suppress(OSError):  # there is none, or something lies there
                folder.rmdir()

    async def listing(
        self, actor: Actor, permission: Permission, destination_id: str, search: str
    ) -> list[tuple[Listed, KeptFile | None]]:
        """What lies there, with what is known of it: in the folder that ``search`` begins with, what has the rest of it
        in its name; nothing that was never finished. Raises Missing, Forbidden, ConnectionFailed.
        """
        destination = await self.one(actor, permission, destination_id)
        folder, _, wanted = search.lstrip("/").rpartition("/")
        if folder:
            checked_path(folder)
        try:
            found = await self.storages.list(self.storage(destination), folder)
        except StorageRefused as refused:
            raise ConnectionFailed(refused.message) from refused
        mine = [each for each in found if wanted in each.name and not each.name.endswith(PARTIAL)][:_MOST_LISTED]
        known = await self.db.read(
            lambda tx: stored_backup_store.known(tx, destination_id, [each.path for each in mine])
        )
        return [(each, known.get(each.path)) for each in mine]

    def permitted(self, tx: Tx, actor: Actor, permission: Permission, destination_id: str) -> Destination:
        """The destination, asked of the policy. Raises Missing, Forbidden."""
        destination = store.find(tx, destination_id, self.vault)
        policy.permit(actor, permission, destination.organization_id, noun=policy.Noun.DESTINATION)
        return destination

    def local(self, tx: Tx, actor: Actor) -> Destination:
        """The organisation's oldest folder of this machine; one is made where it has none. Raises MachineRefused."""
        every = store.of_organization(tx, actor.organization_id, self.vault)
        found = [each for each in every if each.reach.is_local]
        return found[-1] if found else self._add(tx, actor, LOCAL_NAME, StorageConfig(provider=LOCAL))

    def storage(self, destination: Destination, password: Secret | None = None) -> Storage:
        """The storage that a destination is."""
        folder = self.folder / destination.destination_id
        return storage_of(destination.reach, folder, password, destination.account_of(self.uid_base, self.outward))

    def _add(self, tx: Tx, actor: Actor, name: str, reach: StorageConfig) -> Destination:
        destination = Destination(
            destination_id=new_id(),
            organization_id=actor.organization_id,
            name=name,
            reach=reach,
            created_at=tx.now,
            account=accounts_store.new(tx, "destination"),
        )
        store.add(tx, destination, self.vault)
        allowances.save(tx, actor, destination.destination_id, needs_of(reach))
        return destination


def _whose(actor: Actor, wanted: StorageConfig, before: StorageConfig | None) -> StorageConfig:
    """The same, which says whose word it is where it is: what is newly said leads where the caller may. Raises
    NearRefused.
    """
    known = {} if before is None else before.places
    new = {name: value for name, value in wanted.places.items() if value and value != known.get(name)}
    for name, address in new.items():
        require_outward(actor, address, f"The {name} of the destination")
    if before is None or new or (wanted.type, wanted.provider) != (before.type, before.provider):
        return replace(wanted, guarded=not may_use_the_machine(actor))
    return replace(wanted, guarded=before.guarded)


def _with_secrets(wanted: StorageConfig, current: StorageConfig) -> StorageConfig:
    """What is wanted, judged, with the secrets that are kept where none are given: at their own address only. Raises
    InvalidInput.
    """
    whole = replace(
        wanted,
        type=wanted.type or current.type,
        secret_access_key=wanted.secret_access_key or current.secret_access_key,
        options=wanted.options or current.options,
    )
    whole = judged_reach(whole)
    kept = (not wanted.secret_access_key and current.secret_access_key) or (not wanted.options and current.options)
    if kept and not whole.is_local and whole.address != current.address:
        raise PasswordForgotten("the destination", "secret key or options")
    return whole
