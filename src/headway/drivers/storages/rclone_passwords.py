"""Passwords as rclone takes them by its environment: hidden from a glance, and no more than that."""

from __future__ import annotations

import base64
import secrets

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

_BLOCK = 16
# rclone's own, which everybody knows: https://github.com/rclone/rclone/blob/master/fs/config/obscure/obscure.go
_KEY = bytes.fromhex("9c935b48730a554d6bfd7c63c886a92bd390198eb8128afbf4de162b8b95f638")


def obscured(password: str) -> str:
    """The password in rclone's form; another one each time."""
    start = secrets.token_bytes(_BLOCK)
    cipher = Cipher(AES(_KEY), CTR(start)).encryptor()
    return base64.urlsafe_b64encode(start + cipher.update(password.encode()) + cipher.finalize()).rstrip(b"=").decode()
