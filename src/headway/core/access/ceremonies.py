"""The ceremonies of WebAuthn by fido2: what a browser is asked, and what its answer shows. Loaded with the first."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationConveyancePreference,
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from headway.core.access.passkeys import CHALLENGE_SECONDS, NewCredential, NotShown, PasskeyHost, Use

T = TypeVar("T")

_PANEL = "Headway"
_REQUIRED = UserVerificationRequirement.REQUIRED
_LONGEST_ID = 1_023  # bytes, as WebAuthn has it
_OF_ANSWER = ("id", "rawId", "type")
_OF_RESPONSE = ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle")
_NO_HANDLE = ("userHandle", None)  # an authenticator may have none, and browsers say so
_TIMEOUT: Mapping[str, int] = {"timeout": round(CHALLENGE_SECONDS * 1000)}


def creation_options(
    host: PasskeyHost, user_id: str, sign_in_name: str, known: Sequence[str], challenge: bytes
) -> dict[str, Any]:
    """What a browser is asked for a new passkey, as JSON has it. What is ``known`` already is not made again."""
    options, _ = _server(host).register_begin(
        PublicKeyCredentialUserEntity(id=user_id.encode(), name=sign_in_name, display_name=sign_in_name),
        [_descriptor(websafe_decode(each)) for each in known],
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=_REQUIRED,
        challenge=challenge,
    )
    return {**options.public_key, **_TIMEOUT}


def request_options(host: PasskeyHost, allowed: Sequence[bytes] | None, challenge: bytes) -> dict[str, Any]:
    """What a browser is asked to show a passkey: one of these, or any that it has for the panel."""
    descriptors = None if allowed is None else [_descriptor(each) for each in allowed]
    options, _ = _server(host).authenticate_begin(descriptors, user_verification=_REQUIRED, challenge=challenge)
    return {**options.public_key, **_TIMEOUT}


def registered(host: PasskeyHost, challenge: bytes, answer: str) -> NewCredential:
    """The passkey that was made for this challenge. Raises NotShown."""

    def read() -> NewCredential:
        found, server = RegistrationResponse.from_dict(_record(answer)), _server(host)
        _require_own_frame(found.response.client_data)
        _, state = server.authenticate_begin(user_verification=_REQUIRED, challenge=challenge)
        made = server.register_complete(state, found)
        if made.credential_data is None or made.credential_data.credential_id != found.raw_id:
            raise NotShown("the credential is another than its id")
        if made.credential_data.public_key.ALGORITHM not in CoseKey.supported_algorithms():
            raise NotShown("its algorithm was not offered")
        if not 0 < len(found.raw_id) <= _LONGEST_ID:
            raise NotShown("its id is too long")
        return NewCredential(
            credential_id=websafe_encode(found.raw_id),
            credential=websafe_encode(made.credential_data),
            counter=made.counter,
            synced=_is_synced(made),
        )

    return _read(read)


def credential_id_of(answer: str) -> str:
    """Which passkey an answer says that it shows. Raises NotShown."""
    return _read(lambda: websafe_encode(AuthenticationResponse.from_dict(_record(answer)).raw_id))


def shown(host: PasskeyHost, challenge: bytes, credential: str, answer: str) -> Use:
    """What the passkey with this public half says for this challenge. Raises NotShown."""

    def read() -> Use:
        found, server = AuthenticationResponse.from_dict(_record(answer)), _server(host)
        _require_own_frame(found.response.client_data)
        _, state = server.authenticate_begin(user_verification=_REQUIRED, challenge=challenge)
        server.authenticate_complete(state, [AttestedCredentialData(websafe_decode(credential))], found)
        said = found.response.authenticator_data
        return Use(counter=said.counter, synced=_is_synced(said), user_handle=found.response.user_handle)

    return _read(read)


def _server(host: PasskeyHost) -> Fido2Server:
    """One whose pages have exactly this origin: the library's own look lets every port and every name below in."""
    return Fido2Server(
        PublicKeyCredentialRpEntity(name=_PANEL, id=host.name),
        attestation=AttestationConveyancePreference.NONE,
        verify_origin=lambda origin: origin == host.origin,
    )


def _descriptor(credential_id: bytes) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=credential_id)


def _require_own_frame(client_data: CollectedClientData) -> None:
    """Raises NotShown where a page of somebody else has the panel's within it."""
    if client_data.cross_origin:
        raise NotShown("another page had this one within it")


def _is_synced(said: AuthenticatorData) -> bool:
    return said.is_backed_up()


def _record(answer: str) -> Mapping[str, Any]:
    """What is looked at of an answer, all of it text: of a number fido2 makes as many bytes, were it all memory."""
    found = json.loads(answer)
    response = found.get("response") if isinstance(found, dict) else None
    if not isinstance(response, dict):
        raise NotShown("the answer is no object")
    return {**_texts(found, _OF_ANSWER), "response": _texts(response, _OF_RESPONSE)}


def _texts(record: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    taken = {name: record[name] for name in names if name in record and (name, record[name]) != _NO_HANDLE}
    if wrong := [name for name, value in taken.items() if not isinstance(value, str)]:
        raise NotShown(f"{wrong[0]} is no text")
    return taken


def _read(read: Callable[[], T]) -> T:
    try:
        return read()
    except NotShown:
        raise
    except Exception as error:
        raise NotShown(f"{type(error).__name__}: {error}"[:300]) from error
