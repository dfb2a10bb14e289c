"""Use cases of ssh keys, with which private repositories are fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

from headway.core.access import policy
from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.drivers.sources.remote import is_over_ssh
from headway.features.git import ssh_keys_store
from headway.features.git.ssh_keys_model import KeyPair, KeyType, SshKey, generate_pair, read_pair
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import new_id
from headway.kernel.secret import Secret
from headway.kernel.vault import Vault, VaultError

OpenKey = Callable[[Tx, str, str], Secret]


class SshKeyService:
    """An organisation's ssh keys. The private part is sealed at rest and never given back."""

    def __init__(self, db: Database, vault: Vault, forget: Callable[[Tx, str, str], None]) -> None:
        """``forget`` takes the name of an organisation's key out of whatever names it."""
        self._db = db
        self._vault = vault
        self._forget = forget

    async def create(
        self,
        actor: Actor,
        permission: Permission,
        *,
        name: str,
        description: str | None = None,
        private_key: Secret | None = None,
        public_key: str | None = None,
    ) -> SshKey:
        """Keeps a key; without a private one a new ed25519 pair is made, whose public half is then on the record.

        Raises InvalidInput when the private key cannot be used or the public one is not its other half, Forbidden.
        """
        policy.permit(actor, permission, actor.organization_id)
        pair = await asyncio.to_thread(_pair_of, private_key, public_key)
        sealed = self._vault.seal(pair.private_key.reveal())
        comment = f" {words[2]}" if public_key and len(words := public_key.split(None, 2)) > 2 else ""

        def write(tx: Tx) -> SshKey:
            key = SshKey(
                ssh_key_id=new_id(),
                organization_id=actor.organization_id,
                name=name,
                description=description,
                public_key=pair.public_key + comment.rstrip(),
                created_at=tx.now,
            )
            ssh_keys_store.add(tx, key, sealed)
            return key

        return await self._db.run(write)

    async def one(self, actor: Actor, permission: Permission, ssh_key_id: str) -> SshKey:
        """One key without its private part. Raises Missing, Forbidden."""
        return await self._db.read(lambda tx: _permitted(tx, actor, permission, ssh_key_id))

    async def all(self, actor: Actor, permission: Permission) -> list[SshKey]:
        """The organisation's keys, newest first, without their private parts. Raises Forbidden."""
        policy.permit(actor, permission, actor.organization_id)
        return await self._db.read(lambda tx: ssh_keys_store.of_organization(tx, actor.organization_id))

    async def update(
        self,
        actor: Actor,
        permission: Permission,
        ssh_key_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
    ) -> SshKey:
        """The key with what is given changed; None leaves a field as it is. Raises Missing, Forbidden."""

        def write(tx: Tx) -> SshKey:
            _permitted(tx, actor, permission, ssh_key_id)
            ssh_keys_store.change(tx, ssh_key_id, name=name, description=description)
            return ssh_keys_store.find(tx, ssh_key_id)

        return await self._db.run(write)

    async def remove(self, actor: Actor, permission: Permission, ssh_key_id: str) -> SshKey:
        """Forgets a key, also where it is named: what needs one is to be given another. Raises Missing, Forbidden."""

        def write(tx: Tx) -> SshKey:
            key = _permitted(tx, actor, permission, ssh_key_id)
            self._forget(tx, key.organization_id, ssh_key_id)
            ssh_keys_store.remove(tx, ssh_key_id)
            return key

        return await self._db.run(write)

    async def generate(self, actor: Actor, permission: Permission, type: KeyType) -> KeyPair:
        """A fresh pair for the caller, kept nowhere. Raises Forbidden."""
        policy.permit(actor, permission, actor.organization_id)
        return await asyncio.to_thread(generate_pair, type)

    def open(self, tx: Tx, ssh_key_id: str, organization_id: str) -> Secret:
        """The private part, for the command that fetches: read in the transaction that freezes a run's secrets.

        Raises Missing when the organisation has no such key.
        """
        return self._opened(ssh_keys_store.sealed_private_key(tx, ssh_key_id, organization_id))

    def open_all(self, tx: Tx, ssh_key_ids: Collection[str]) -> Mapping[tuple[str, str], Secret | None]:
        """The private parts of several keys, by their id and organisation, None where one cannot be opened; without
        those that are gone.
        """
        found: dict[tuple[str, str], Secret | None] = {}
        for key, private_key in ssh_keys_store.sealed_private_keys(tx, ssh_key_ids).items():
            try:
                found[key] = self._opened(private_key)
            except VaultError:  # it keeps no other from being opened
                found[key] = None
        return found

    def _opened(self, sealed: str) -> Secret:
        return Secret(str(self._vault.open(sealed)))


def key_of_source(
    tx: Tx, open_key: OpenKey, ssh_key_id: str | None, organization_id: str, url: str | None
) -> str | None:
    """The private part of the key that a repository is fetched with. Raises Missing where it is gone and is needed;
    without it a repository over HTTPS lacks at most its submodules over SSH.
    """
    if not ssh_key_id:
        return None
    try:
        return open_key(tx, ssh_key_id, organization_id).reveal()
    except policy.Missing:
        if url is not None and is_over_ssh(url):
            raise
        return None


def _permitted(tx: Tx, actor: Actor, permission: Permission, ssh_key_id: str) -> SshKey:
    key = ssh_keys_store.find(tx, ssh_key_id)
    policy.permit(actor, permission, key.organization_id)
    return key


def _pair_of(private_key: Secret | None, public_key: str | None) -> KeyPair:
    if private_key is None:
        if public_key is not None:
            raise InvalidInput("A public key alone opens nothing; give the private key too, or neither.")
        return generate_pair()
    pair = read_pair(private_key.reveal())
    if public_key is not None and public_key.split()[:2] != pair.public_key.split()[:2]:
        raise InvalidInput("The public key is not the other half of the private key; leave it out and it is derived.")
    return pair
