"""The header that lets a call start its work only once."""

from __future__ import annotations

from collections.abc import Mapping


def key_in(headers: Mapping[bytes, bytes]) -> str | None:
    """The Idempotency-Key, None where there is none."""
    key = headers.get(b"idempotency-key")
    return None if key is None else key.decode("latin-1").strip()
