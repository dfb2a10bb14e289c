"""Secrets at rest: authenticated encryption of texts and records with the panel's own key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from headway.kernel.errors import HeadwayError


class VaultError(HeadwayError):
    """A stored secret cannot be opened with this key."""


class Vault:
    """Seals and opens texts and JSON values; the key is 32 bytes in URL-safe base64 (Fernet)."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)
        self._key = key

    @staticmethod
    def new_key() -> bytes:
        """A fresh random key."""
        return Fernet.generate_key()

    def derived(self, purpose: str) -> str:
        """A secret text, the same each time for a purpose; it tells nothing of the key or of another purpose's."""
        found = hmac.digest(self._key, f"derived {purpose}".encode(), hashlib.sha384)
        return base64.urlsafe_b64encode(found).decode()

    def seal(self, value: Any) -> str:  # noqa: ANN401 - any JSON value
        """The JSON form of ``value``, encrypted and authenticated, as ASCII text."""
        return self._fernet.encrypt(json.dumps(value).encode()).decode()

    def open(self, sealed: str) -> Any:  # noqa: ANN401 - any JSON value
        """The value that ``seal`` was given.

        Raises VaultError when the text was sealed with another key or was changed.
        """
        try:
            return json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken as error:
            raise VaultError(
                "A stored secret cannot be opened: the key file in the data directory is not the one "
                "it was written with. Restore vault.key from the backup of this data directory."
            ) from error
