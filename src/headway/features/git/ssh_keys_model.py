"""Ssh keys as records, and making or reading a pair of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

_RSA_BITS = 4096
_OPENSSH_MARK = "-----BEGIN OPENSSH PRIVATE KEY-----"


class KeyType(StrEnum):
    """The kinds of key that can be made here."""

    ED25519 = "ed25519"
    RSA = "rsa"


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKey:
    """A key as lists show it; its private part stays sealed and is opened only for the command that needs it."""

    ssh_key_id: str
    organization_id: str
    name: str
    description: str | None
    public_key: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """Both halves in OpenSSH's own formats."""

    private_key: Secret
    public_key: str


def generate_pair(type: KeyType = KeyType.ED25519) -> KeyPair:
    """A fresh pair. RSA takes a second or so of computing: not on the event loop."""
    if type is KeyType.RSA:
        return _pair(rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS))
    return _pair(ed25519.Ed25519PrivateKey.generate())


def read_pair(private_key: str) -> KeyPair:
    """The pair that a private key's text stands for, rewritten in OpenSSH's format.

    Raises InvalidInput when it is no private key or asks for a passphrase, which nobody would be there to type.
    """
    text = private_key.replace("\r\n", "\n").strip() + "\n"
    load = load_ssh_private_key if text.startswith(_OPENSSH_MARK) else load_pem_private_key
    try:
        return _pair(load(text.encode(), password=None))
    except TypeError as error:
        raise InvalidInput("The private key is locked by a passphrase; give one without.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(
            "The private key cannot be read; give the whole text of an OpenSSH or PEM private key."
        ) from error


def _pair(key: object) -> KeyPair:
    if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise InvalidInput("ssh cannot use a private key of this kind; give an ed25519, ECDSA or RSA key.")
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return KeyPair(private_key=Secret(private.decode()), public_key=public.decode())
