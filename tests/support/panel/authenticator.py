"""A device that keeps passkeys, without a browser: it signs as WebAuthn has it, with keys of its own."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

LOCAL = "http://localhost:3000"
FLAG = AuthenticatorData.FLAG
SEEN = FLAG.UP | FLAG.UV


@dataclass(frozen=True, kw_only=True)
class Faults:
    """How an answer differs from that of an honest device and browser; each by itself."""

    type: str | None = None
    origin: str | None = None
    challenge: str | None = None
    host: str | None = None
    flags: AuthenticatorData.FLAG = SEEN
    cross_origin: bool = False
    algorithm: int | None = None
    signature: bytes | None = None
    user_handle: bytes | None = None
    foreign_key: bool = False


HONEST = Faults()


@dataclass(kw_only=True)
class Kept:
    """A passkey on the device."""

    credential_id: bytes
    key: ec.EllipticCurvePrivateKey
    host: str
    user_handle: bytes
    counter: int = 0


@dataclass(kw_only=True)
class Authenticator:
    """One that ``counts`` says with each signature how often it has signed; others say nothing, as synced ones do."""

    origin: str = LOCAL
    counts: bool = True
    synced: bool = False
    kept: list[Kept] = field(default_factory=list)

    def make(self, options: str, faults: Faults = HONEST) -> str:
        """The answer to what a browser was asked for a new passkey."""
        asked = json.loads(options)
        excluded = {each["id"] for each in asked.get("excludeCredentials", [])}
        if excluded & {websafe_encode(each.credential_id) for each in self.kept}:
            raise AssertionError("the browser would say InvalidStateError")
        made = Kept(
            credential_id=secrets.token_bytes(32),
            key=ec.generate_private_key(ec.SECP256R1()),
            host=asked["rp"]["id"],
            user_handle=websafe_decode(asked["user"]["id"]),
        )
        self.kept.append(made)
        public: ES256 = ES256.from_cryptography_key(made.key.public_key())  # type: ignore[no-untyped-call]
        if faults.algorithm is not None:
            public = type(public)({**public, 3: faults.algorithm})
        attested = AttestedCredentialData.create(Aaguid.NONE, made.credential_id, public)
        said = self._said(made, faults, attested)
        attestation = AttestationObject.create("none", said, {})
        client = self._client(faults.type or "webauthn.create", asked["challenge"], faults)
        return _answer(made, {"clientDataJSON": client, "attestationObject": attestation})

    def show(self, options: str, faults: Faults = HONEST, *, which: int = -1) -> str:
        """The answer to what a browser was asked to show a passkey."""
        asked = json.loads(options)
        kept = self.kept[which]
        if self.counts:
            kept.counter += 1
        client = self._client(faults.type or "webauthn.get", asked["challenge"], faults)
        said = self._said(kept, faults, None)
        key = ec.generate_private_key(ec.SECP256R1()) if faults.foreign_key else kept.key
        signed = key.sign(bytes(said) + client.hash, ec.ECDSA(SHA256()))
        handle = kept.user_handle if faults.user_handle is None else faults.user_handle
        signature = signed if faults.signature is None else faults.signature
        response = {"clientDataJSON": client, "authenticatorData": said, "signature": signature}
        return _answer(kept, {**response, **({"userHandle": handle} if handle else {})})

    def copy(self) -> Authenticator:
        """Another device with the same keys, which has counted as far."""
        return replace(self, kept=[replace(each) for each in self.kept])

    def _client(self, type_: str, challenge: str, faults: Faults) -> CollectedClientData:
        return CollectedClientData.create(
            type_, faults.challenge or challenge, faults.origin or self.origin, faults.cross_origin
        )

    def _said(self, kept: Kept, faults: Faults, attested: AttestedCredentialData | None) -> AuthenticatorData:
        digest = hashlib.sha256((faults.host or kept.host).encode()).digest()
        flags = faults.flags | (FLAG.BE | FLAG.BS if self.synced else 0) | (FLAG.AT if attested else 0)
        said: AuthenticatorData = AuthenticatorData.create(digest, FLAG(flags), kept.counter, attested or b"")
        return said


def _answer(kept: Kept, response: Mapping[str, bytes]) -> str:
    id_ = websafe_encode(kept.credential_id)
    told: Mapping[str, Any] = {name: websafe_encode(value) for name, value in response.items()}
    return json.dumps({"id": id_, "rawId": id_, "type": "public-key", "response": told, "clientExtensionResults": {}})
