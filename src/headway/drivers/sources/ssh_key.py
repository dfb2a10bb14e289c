"""What can be told of a private SSH key by looking at it."""

from __future__ import annotations

import base64
import binascii

from headway.kernel.errors import InvalidInput

_LONGEST = 32_768
_OPENSSH = "-----BEGIN OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"
_PLAIN = b"\0\0\0\x04none"  # the name of the cipher that encrypts nothing, after its length


def tidy_ssh_key(text: str) -> str:
    """The key as ssh reads it: one kind of line end, the last one too. Raises InvalidInput for what ssh cannot use
    where nobody types: no private key, one that is not whole, one with a passphrase.
    """
    lines = [line.strip() for line in text.strip().splitlines()]
    if len(text) > _LONGEST or len(lines) < 3 or not _is_frame(lines):
        raise InvalidInput(
            "The SSH key is not a private key. It has a first line that says BEGIN … PRIVATE KEY, and a last one "
            "that says END … PRIVATE KEY."
        )
    if _is_locked(lines):
        raise InvalidInput("The SSH key has a passphrase, which nobody can type here. Give a key without one.")
    return "\n".join(lines) + "\n"


def _is_frame(lines: list[str]) -> bool:
    first, last = lines[0], lines[-1]
    return first.startswith("-----BEGIN ") and last == first.replace("BEGIN", "END", 1) and "PRIVATE KEY-----" in first


def _is_locked(lines: list[str]) -> bool:
    if lines[0] != _OPENSSH:
        return "ENCRYPTED" in lines[0] or any(line.startswith("Proc-Type:") and "ENCRYPTED" in line for line in lines)
    try:
        data = base64.b64decode("".join(lines[1:-1]), validate=True)
    except binascii.Error as error:
        raise InvalidInput("The SSH key is not whole, or was changed while it was copied. Copy it again.") from error
    if not data.startswith(_MAGIC):
        raise InvalidInput("The SSH key is not whole, or was changed while it was copied. Copy it again.")
    return not data.startswith(_MAGIC + _PLAIN)
