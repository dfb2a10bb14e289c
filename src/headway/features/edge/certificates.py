"""Use cases of certificates that are brought along: kept with a sealed key, shown by the edge to who asks by name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from headway.core.access import policy
from headway.core.access.machine import require_machine
from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.engine.troubles import Troubles
from headway.features.edge import certificates_store
from headway.features.edge.certificates_model import Certificate, covers, reserved_in
from headway.features.edge.domains_model import EdgeFacts
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import KeyPair
from headway.kernel.errors import Conflict, HeadwayError
from headway.kernel.ids import new_id
from headway.kernel.secret import Secret
from headway.kernel.vault import Vault, VaultError

log = logging.getLogger(__name__)

_LOCK = "certificates"
_LOOP = "certificates"
_CLOSED = "Its key cannot be opened with this panel's vault.key: it is not shown. Update or remove the certificate."


class CertificateEdge(Protocol):
    """The edge, as far as it shows certificates."""

    async def set_certificates(self, pairs: Sequence[KeyPair]) -> None:
        """Shows these and no others, by the names in them, from now on."""
        ...

    async def shown(self, host: str, certificate: bytes) -> None:
        """Returns once who asks for the host is shown the certificate. Raises HeadwayError after a deadline."""
        ...


class CertificateService:
    """An organisation's certificates. The private key is sealed at rest and never given back."""

    def __init__(self, db: Database, vault: Vault, edge: CertificateEdge, facts: EdgeFacts, troubles: Troubles) -> None:
        """``troubles`` has those whose keys cannot be opened; the others are shown without them."""
        self._db = db
        self._vault = vault
        self._edge = edge
        self._facts = facts
        self._troubles = troubles
        self._turn = asyncio.Lock()

    async def create(
        self,
        actor: Actor,
        permission: Permission,
        *,
        name: str,
        pem: str,
        private_key: Secret,
        auto_renew: bool | None = None,
    ) -> Certificate:
        """Keeps a certificate, which is shown when this returns. Raises InvalidInput, Conflict, Forbidden."""
        from headway.features.edge.certificate_parser import check_pair  # noqa: PLC0415 - few bring a certificate along

        policy.permit(actor, permission, actor.organization_id)
        check_pair(pem, private_key)

        def write(tx: Tx) -> Certificate:
            certificate = Certificate(
                certificate_id=new_id(),
                organization_id=actor.organization_id,
                name=name,
                pem=pem,
                auto_renew=auto_renew,
                created_at=tx.now,
            )
            tx.lock(_LOCK)
            certificates_store.add(tx, certificate, self._vault.seal(private_key.reveal()))
            self._require_shown(tx, actor, certificate)
            return certificate

        return await self._shown(await self._db.run(write))

    async def update(
        self,
        actor: Actor,
        permission: Permission,
        certificate_id: str,
        *,
        name: str | None = None,
        pem: str | None = None,
        private_key: Secret | None = None,
    ) -> Certificate:
        """Renames or renews a certificate, which is shown when this returns. Raises InvalidInput, Conflict, Missing."""
        from headway.features.edge.certificate_parser import check_pair  # noqa: PLC0415 - as above

        def write(tx: Tx) -> Certificate:
            found = _permitted(tx, actor, permission, certificate_id)
            key = private_key or Secret(str(self._vault.open(certificates_store.sealed_key(tx, certificate_id))))
            changed = replace(found, name=name or found.name, pem=pem or found.pem)
            check_pair(changed.pem, key)
            tx.lock(_LOCK)
            sealed = self._vault.seal(key.reveal())
            certificates_store.change(
                tx, certificate_id, name=changed.name, certificate=changed.pem, private_key=sealed
            )
            self._require_shown(tx, actor, changed)
            return changed

        return await self._shown(await self._db.run(write))

    async def remove(self, actor: Actor, permission: Permission, certificate_id: str) -> Certificate:
        """Forgets a certificate; the edge's own is shown in its place. Raises Missing."""

        def write(tx: Tx) -> Certificate:
            found = _permitted(tx, actor, permission, certificate_id)
            certificates_store.remove(tx, certificate_id)
            return found

        removed = await self._db.run(write)
        await self.settle()
        return removed

    async def one(self, actor: Actor, permission: Permission, certificate_id: str) -> Certificate:
        """One certificate without its key. Raises Missing."""
        return await self._db.read(lambda tx: _permitted(tx, actor, permission, certificate_id))

    async def all(self, actor: Actor, permission: Permission) -> list[Certificate]:
        """The organisation's certificates, the newest first, without their keys."""
        policy.permit(actor, permission, actor.organization_id)
        return await self._db.read(lambda tx: certificates_store.of_organization(tx, actor.organization_id))

    async def of_server(self, server_id: str) -> list[KeyPair]:
        """What the edge of a server is to show: those for a name of something that is there. No other key goes there,
        and none where no edge speaks HTTPS.
        """
        if self._facts.https is None:
            return []
        pairs = await self._db.read(lambda tx: self._pairs_there(tx, server_id))
        return [each for each in pairs.values() if each is not None]

    async def settle(self) -> None:
        """Makes the edge show what the rows say: called whenever certificates or the hosts of organisations change."""
        async with self._turn:
            pairs = await self._db.read(self._pairs)
            await self._edge.set_certificates([each for each in pairs.values() if each is not None])
            closed = {each for each, pair in pairs.items() if pair is None}
            self._troubles.forget_others(_LOOP, closed)
            for certificate_id in closed:
                self._troubles.note(_LOOP, certificate_id, _CLOSED)

    async def settle_quietly(self) -> None:
        """``settle`` for whoever has done something else; what goes wrong is logged."""
        try:
            await self.settle()
        except HeadwayError as error:
            log.warning("the edge does not show the certificates as they are kept: %s", error.message)

    async def _shown(self, certificate: Certificate) -> Certificate:
        from headway.features.edge.certificate_parser import fingerprint  # noqa: PLC0415 - as above

        await self.settle()
        if self._facts.https is not None:
            host = certificate.hosts[0].replace("*", "headway", 1)
            await self._edge.shown(host, fingerprint(certificate.pem))
        return certificate

    def _require_shown(self, tx: Tx, actor: Actor, certificate: Certificate) -> None:
        reserved = reserved_in(certificate, self._facts.reserved)
        if reserved is not None:
            require_machine(actor, f"A certificate for {reserved}")
        if certificate.certificate_id not in {each.certificate_id for each, _ in self._showable(tx)}:
            raise Conflict(
                f"{', '.join(certificate.hosts)}: another certificate is there for such a name, or the name is not "
                "yours. Update or remove the other certificate."
            )

    def _pairs(self, tx: Tx) -> Mapping[str, KeyPair | None]:
        return self._opened(self._showable(tx))

    def _pairs_there(self, tx: Tx, server_id: str) -> Mapping[str, KeyPair | None]:
        found = self._showable(tx)
        named = (
            [self._facts.generated_host(name) for name in certificates_store.named_there(tx, server_id)]
            if found
            else []
        )
        hosts = [*named, *(certificates_store.hosts_there(tx, server_id) if found else ())]
        return self._opened([each for each in found if any(covers(each[0], host) for host in hosts)])

    def _opened(self, found: Sequence[tuple[Certificate, str]]) -> Mapping[str, KeyPair | None]:
        """By the ids of certificates; None for one whose key cannot be opened."""
        return {certificate.certificate_id: self._pair(certificate, sealed) for certificate, sealed in found}

    def _pair(self, certificate: Certificate, sealed: str) -> KeyPair | None:
        try:
            key = Secret(str(self._vault.open(sealed)))
        except VaultError:
            return None
        return KeyPair(name=certificate.certificate_id, certificate=certificate.pem, key=key)

    def _showable(self, tx: Tx) -> list[tuple[Certificate, str]]:
        keys = {each.certificate_id: (each, sealed) for each, sealed in certificates_store.every(tx)}
        found = certificates_store.showable_of(tx, [each for each, _ in keys.values()], self._facts)
        return [keys[each.certificate_id] for each in found]


def _permitted(tx: Tx, actor: Actor, permission: Permission, certificate_id: str) -> Certificate:
    certificate = certificates_store.find(tx, certificate_id)
    policy.permit(actor, permission, certificate.organization_id)
    return certificate
