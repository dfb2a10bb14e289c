"""Private SSH keys, as users paste them."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from headway.drivers.sources.ssh_key import tidy_ssh_key
from headway.kernel.errors import InvalidInput

LOCKED = BestAvailableEncryption(b"hunter2")


OPENSSH_LOCKED = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    + base64.b64encode(b"openssh-key-v1\0\0\0\0\x0aaes256-ctr\0\0\0\x06bcrypt").decode()
    + "\n-----END OPENSSH PRIVATE KEY-----\n"
)


def openssh() -> str:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def pem(form: PrivateFormat, encryption: KeySerializationEncryption) -> str:
    return generate_private_key(65537, 2048).private_bytes(Encoding.PEM, form, encryption).decode()


KEYS = [
    openssh(),
    pem(PrivateFormat.PKCS8, NoEncryption()),
    pem(PrivateFormat.TraditionalOpenSSL, NoEncryption()),
]


@pytest.mark.parametrize("key", KEYS, ids=["openssh", "pkcs8", "pem"])
def test_keys_without_a_passphrase(key: str) -> None:
    assert tidy_ssh_key(key) == key
    assert tidy_ssh_key("\n  " + key.strip().replace("\n", " \r\n") + "\r\n\r\n") == key


@pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_keys_with_a_passphrase(form: PrivateFormat) -> None:
    key = OPENSSH_LOCKED if form is PrivateFormat.OpenSSH else pem(form, LOCKED)
    with pytest.raises(InvalidInput, match="passphrase"):
        tidy_ssh_key(key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519 AAAA me",
        KEYS[0].partition("-----END")[0],
        KEYS[0].partition("\n")[2],
        KEYS[0].replace("-----END OPENSSH", "-----END RSA"),
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        KEYS[0].replace("\n", "\n" * 40_000),
    ],
)
def test_what_is_no_private_key(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a private key"):
        tidy_ssh_key(text)


@pytest.mark.parametrize("body", ["!!!", "AAA", base64.b64encode(b"something else").decode()])
def test_what_is_not_whole(body: str) -> None:
    with pytest.raises(InvalidInput, match="not whole"):
        tidy_ssh_key(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n")
