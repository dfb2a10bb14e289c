"""The second factor: six digits that an application of theirs makes anew every half minute, and codes for when it is
lost.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import string
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from sqlalchemy import delete, insert, or_, select, update

from headway.infra.db.tables.access import recovery_codes, second_factors
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

ISSUER = "Headway"
RECOVERY_CODES = 10
_DIGITS, _STEP_SECONDS = 6, 30
_SECRET_BYTES, _RECOVERY_BYTES = 20, 10
_WINDOW = (0, -1, 1)  # clocks of telephones are not the panel's, and typing takes time

_f, _r = second_factors.c, recovery_codes.c


class SecondFactors:
    """The second factors of users, whose secrets the vault seals."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def begin(self, tx: Tx, user_id: str) -> str:
        """A new secret, which counts once a code of it was given."""
        secret = base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        remove(tx, user_id)
        tx.execute(insert(second_factors).values(user_id=user_id, secret=self._vault.seal(secret)))
        return secret

    def confirm(self, tx: Tx, user_id: str, code: str) -> bool:
        """Whether this is a code of the secret that was begun, which counts from now on."""
        if not self._is_of(tx, user_id, code, confirmed=False):
            return False
        tx.execute(update(second_factors).where(_f.user_id == user_id).values(confirmed_at=tx.now))
        return True

    def takes(self, tx: Tx, user_id: str, code: str) -> bool:
        """Whether this is a code of the second factor or a recovery code, each of which is good once."""
        return self.takes_code(tx, user_id, code) or _takes_recovery_code(tx, user_id, code)

    def takes_code(self, tx: Tx, user_id: str, code: str) -> bool:
        """Whether this is a code of the second factor, which is good once."""
        return self._is_of(tx, user_id, code, confirmed=True)

    def _is_of(self, tx: Tx, user_id: str, code: str, *, confirmed: bool) -> bool:
        given = digits_of(code)
        mine = _f.user_id == user_id, (_f.confirmed_at.is_not(None) if confirmed else _f.confirmed_at.is_(None))
        sealed = tx.scalar(select(_f.secret).where(*mine))
        if given is None or sealed is None:
            return False
        made = HOTP(base64.b32decode(self._vault.open(sealed)), _DIGITS, SHA1())  # noqa: S303 - as RFC 6238 has it
        now = int(tx.now.timestamp()) // _STEP_SECONDS
        found = [now + each for each in _WINDOW if hmac.compare_digest(made.generate(now + each), given)]
        if not found:
            return False
        later = or_(_f.last_counter.is_(None), _f.last_counter < found[0])
        return tx.execute(update(second_factors).where(*mine, later).values(last_counter=found[0])).rowcount > 0


def digits_of(code: str) -> bytes | None:
    """The six digits of a code as it was typed; None where it is none."""
    plain = "".join(code.split())
    is_code = len(plain) == _DIGITS and all(each in string.digits for each in plain)
    return plain.encode() if is_code else None


def is_set(tx: Tx, user_id: str) -> bool:
    """Whether somebody has to give a code when they sign in."""
    return tx.scalar(select(_f.user_id).where(_f.user_id == user_id, _f.confirmed_at.is_not(None))) is not None


def remove(tx: Tx, user_id: str) -> None:
    """There is no second factor any more, nor are its recovery codes."""
    tx.execute(delete(recovery_codes).where(_r.user_id == user_id))
    tx.execute(delete(second_factors).where(_f.user_id == user_id))


def make_recovery_codes(tx: Tx, user_id: str) -> list[str]:
    """New ones in place of all that there were. They are shown this once."""
    tx.execute(delete(recovery_codes).where(_r.user_id == user_id))
    codes = [_grouped(secrets.token_bytes(_RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
    tx.execute(insert(recovery_codes), [{"user_id": user_id, "digest": _digest(each)} for each in codes])
    return codes


def recovery_codes_left(tx: Tx, user_id: str) -> int:
    """How many were not used so far."""
    left = select(_r.digest).where(_r.user_id == user_id, _r.used_at.is_(None))
    return len(tx.execute(left).all())


def address_of(secret: str, sign_in_name: str) -> str:
    """What an application of codes takes, as a picture or a link."""
    facts = {"secret": secret, "issuer": ISSUER, "digits": _DIGITS, "period": _STEP_SECONDS}
    return f"otpauth://totp/{quote(f'{ISSUER}:{sign_in_name}', safe=':')}?{urlencode(facts)}"


def _takes_recovery_code(tx: Tx, user_id: str, code: str) -> bool:
    unused = _r.user_id == user_id, _r.digest == _digest(code), _r.used_at.is_(None)
    return tx.execute(update(recovery_codes).where(*unused).values(used_at=tx.now)).rowcount > 0


def _grouped(value: bytes) -> str:
    text = base64.b32encode(value).decode().lower()
    return "-".join(text[each : each + 4] for each in range(0, len(text), 4))


def _digest(code: str) -> str:
    """Of a recovery code however it was typed. It is long and random, so a slow hash would protect nothing more."""
    plain = "".join(each for each in code.lower() if each.isascii() and each.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
