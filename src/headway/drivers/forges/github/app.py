"""A GitHub app: what is known of it, and the token with which it says who it is."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from headway.drivers.forges.base import ForgeConnection, ForgeRefused
from headway.drivers.forges.client import Json
from headway.drivers.forges.forge import check_token
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

_JWT_LIFE = timedelta(minutes=9)  # GitHub takes ten at most
_CLOCKS_DIFFER = timedelta(seconds=60)
_NUMBER = re.compile(r"[0-9]{1,20}")
_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_IDS = ("app_id", "installation_id")


def check_app(facts: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    """What is wrong with what opens GitHub, an app or a token. Raises InvalidInput, ForgeRefused."""
    if not any(facts.get(each) for each in _IDS):
        check_token(facts, secrets)
        return
    if not all(facts.get(each) for each in _IDS) or not secrets.get("private_key"):
        raise InvalidInput(
            "A GitHub app is known by its id, the id of its installation and its private key: give all three."
        )
    if not _CLIENT_ID.fullmatch(facts["app_id"]) or not _NUMBER.fullmatch(facts["installation_id"]):
        raise InvalidInput("The ids of a GitHub app and of its installation are numbers.")
    _key(secrets["private_key"])


def app_token(connection: ForgeConnection) -> Secret:
    """A JSON web token that says who the app is, signed with its key (RS256)."""
    key = _key(connection.private_key.reveal() if connection.private_key else "")
    now = datetime.now(UTC)
    claims = {
        "iat": int((now - _CLOCKS_DIFFER).timestamp()),
        "exp": int((now + _JWT_LIFE).timestamp()),
        "iss": connection.app_id,
    }
    signed = f"{_encoded({'alg': 'RS256', 'typ': 'JWT'})}.{_encoded(claims)}"
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return Secret(f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")


def _key(text: str) -> rsa.RSAPrivateKey:
    try:
        found = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, rsa.RSAPrivateKey):
        raise ForgeRefused("The private key of a GitHub app is an RSA key in PEM, as GitHub gives it for download.")
    return found


def _encoded(value: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()
