"""Passwords: what one may be, and how it is kept."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import threading
import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from cryptography.exceptions import InvalidKey, UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from headway.kernel.errors import InvalidInput, Unavailable

T = TypeVar("T")
Fits = Callable[[str, str | None], Awaitable[bool]]

LEAST, MOST = 10, 1_024
_MOST_OF_A_NAME = 254
_LONGEST_TYPED = 1_024  # of a name before it is composed: to compose many marks takes the square of their time
_AT_ONCE, _WAITING = 2, 8
# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html: 19 MiB, two passes, one lane; and
# the same weight by scrypt where OpenSSL is older than 3.2 and has no Argon2.
_MEMORY_KIB, _PASSES, _LANES = 19_456, 2, 1
_SCRYPT = "$scrypt$"
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 1 << 15, 8, 3
_SALT_BYTES, _HASH_BYTES = 16, 32
_WORST = frozenset(
    {
        *(
            "0123456789",
            "1234567890",
            "12345678910",
            "123456789a",
            "0987654321",
            "1122334455",
            "1q2w3e4r5t",
            "a123456789",
        ),
        *("abcdefghij", "adminadmin", "administrator", "changeme123", "iloveyou123", "letmein123", "passw0rd123"),
        *("password01", "password1!", "password12", "password123", "password1234", "passwordpassword", "q1w2e3r4t5"),
        *("qazwsxedcr", "qwerty1234", "qwerty12345", "qwertyuiop", "qwertyuiop123", "headwayheadway", "headway123"),
        *("welcome123", "zxcvbnm123", "correcthorsebatterystaple"),
    }
)


class TooManyPasswords(Unavailable):
    """So many passwords wait to be looked at that one more would wait for long."""

    def __init__(self) -> None:
        super().__init__("Many people sign in at this moment. Try again shortly.")


def sign_in_name(text: str) -> str:
    """The one spelling of a name that somebody signs in with. Raises InvalidInput for what can be none."""
    name = _spelled(text) if len(text) <= _LONGEST_TYPED else ""
    if not 0 < len(name) <= _MOST_OF_A_NAME or not name.isprintable() or any(each.isspace() for each in name):
        raise InvalidInput(f"A name to sign in with is 1 to {_MOST_OF_A_NAME} characters without blanks.")
    return name


def looked_for(text: str) -> str:
    """The spelling by which a name is looked for that may be anything."""
    return _spelled(text)[:_MOST_OF_A_NAME]


def check_password(name: str, password: str) -> None:
    """Whether somebody of this sign-in name may have this password. Raises InvalidInput."""
    if len(password) > MOST:
        raise InvalidInput(f"A password has at most {MOST:,} characters.")
    given = unicodedata.normalize("NFC", password)
    if len(given) < LEAST:
        raise InvalidInput(f"A password has at least {LEAST} characters; this one has {len(given)}.")
    if given.lower() == name:
        raise InvalidInput("A password is not the name.")
    if given.lower() in _WORST or len(set(given)) == 1:
        raise InvalidInput("This password is one of the first that anybody would try. Take another one.")


class Passwords:
    """Makes and compares hashes, which takes a twentieth of a second and 19 MiB each, on two threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, "passwords")
        self._lock = threading.Lock()
        self._pending = 0

    async def hashed(self, password: str) -> str:
        """What is kept of a password. Raises TooManyPasswords."""
        with self._seat():
            return await self._work(lambda: _hash(_bytes(password)))

    async def fits(self, password: str, kept: str | None) -> bool:
        """Whether it is the password that this is kept of. With nothing kept it takes as long, and it is not. Raises
        TooManyPasswords, and Unavailable where this machine cannot tell.
        """
        with self.looking() as fits:
            return await fits(password, kept)

    @contextmanager
    def looking(self) -> Iterator[Fits]:
        """What ``fits`` does, by whoever has a place for one password already: a try that was counted before it is
        looked at is never sent away. Raises TooManyPasswords.
        """
        with self._seat():
            yield self._fits

    @contextmanager
    def _seat(self) -> Iterator[None]:
        with self._lock:
            if self._pending >= _AT_ONCE + _WAITING:
                raise TooManyPasswords
            self._pending += 1
        try:
            yield
        finally:
            with self._lock:
                self._pending -= 1

    async def _fits(self, password: str, kept: str | None) -> bool:
        if len(password) > MOST:
            password = ""  # it is nobody's, and is not what takes long
        return await self._work(lambda: _fits(_bytes(password), kept or _nobodys())) and kept is not None

    async def _work(self, work: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._threads.submit(work))


def _spelled(text: str) -> str:
    text = text.strip()[:_LONGEST_TYPED]
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def _bytes(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode(errors="surrogatepass")


def _hash(password: bytes) -> str:
    salt = secrets.token_bytes(_SALT_BYTES)
    try:
        maker = Argon2id(salt=salt, length=_HASH_BYTES, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY_KIB)
        return maker.derive_phc_encoded(password)
    except UnsupportedAlgorithm:
        return f"{_SCRYPT}{_text(salt)}${_text(_scrypt(password, salt))}"


def _fits(password: bytes, kept: str) -> bool:
    if kept.startswith(_SCRYPT):
        salt, wanted = (base64.b64decode(each) for each in kept.removeprefix(_SCRYPT).split("$"))
        return hmac.compare_digest(_scrypt(password, salt), wanted)
    try:
        Argon2id.verify_phc_encoded(password, kept)
    except InvalidKey:
        return False
    except UnsupportedAlgorithm as error:
        raise Unavailable(
            "This password was kept by Argon2id, which this machine's OpenSSL does not have: 'headway members "
            "reset-password' on the panel's machine makes a link to set it anew."
        ) from error
    return True


def _scrypt(password: bytes, salt: bytes) -> bytes:
    # It takes 128 * N * r bytes, and OpenSSL wants some more to be allowed.
    most = 128 * _SCRYPT_N * _SCRYPT_R * 2
    return hashlib.scrypt(password, salt=salt, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P, maxmem=most, dklen=_HASH_BYTES)


def _nobodys() -> str:
    """What would be kept of a password that nobody has."""
    salt, made = bytes(_SALT_BYTES), bytes(_HASH_BYTES)
    try:
        Argon2id(salt=salt, length=_HASH_BYTES, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY_KIB)
    except UnsupportedAlgorithm:
        return f"{_SCRYPT}{_text(salt)}${_text(made)}"
    whole = f"m={_MEMORY_KIB},t={_PASSES},p={_LANES}"
    return f"$argon2id$v=19${whole}${_text(salt).rstrip('=')}${_text(made).rstrip('=')}"


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
