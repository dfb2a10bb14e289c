"""How often passwords and codes may be tried: those who try in vain wait, and nobody else does."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from headway.infra.db.tables.access import sign_in_failures, sign_in_places
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import TooManyRequests

_c, _p = sign_in_failures.c, sign_in_places.c
_FREE = 5  # failures from one place before anybody has to wait
_LONGEST_WAIT = timedelta(seconds=60)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_KNOWN_FOR = timedelta(days=30)
_PER_MINUTE, _MINUTE = 30, 60.0
_ADDRESSES = 4_096


class TooManyTries(TooManyRequests):
    """Somebody tries too often."""

    def __init__(self, seconds: float) -> None:
        left = max(1, math.ceil(seconds))
        super().__init__(f"Too many tries. Try again in {left} second{'' if left == 1 else 's'}.", left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is tried: the password or a code of whom, and the bound over all places, of which so many in vain are free
    within an hour; then it is asked once in each ``pause``.
    """

    what: str
    whose: str
    free: int
    pause: timedelta

    def wait_after(self, number: int) -> timedelta:
        """For how long the next try waits after so many in vain, wherever they came from."""
        return self.pause if number > self.free else timedelta(0)

    @classmethod
    def of_password(cls, sign_in_name: str) -> Trial:
        """A name and a password."""
        return cls(what="password", whose=sign_in_name, free=100, pause=timedelta(seconds=10))

    @classmethod
    def of_confirming(cls, user_id: str) -> Trial:
        """A password or code once more, by whoever has the session."""
        return cls(what="confirming", whose=user_id, free=100, pause=timedelta(seconds=10))

    @classmethod
    def of_code(cls, user_id: str) -> Trial:
        """A code, by somebody who has the password: there are a million of them."""
        return cls(what="code", whose=user_id, free=20, pause=timedelta(seconds=60))


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A try that was counted, and until when others wait because of it: here, and everywhere."""

    here: datetime
    everywhere: datetime


@dataclass(slots=True)
class _Window:
    ends: float
    tries: int


class Throttle:
    """Counts what is tried. A try counts as one in vain until it has succeeded: whoever tries much at the same time, or
    while the power fails, gains nothing by that. Of whom it is the database keeps digests with a secret.
    """

    def __init__(self, secret: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._secret = secret.encode()
        self._monotonic = monotonic
        self._windows: dict[str, _Window] = {}

    def admit(self, address: str) -> None:
        """Notes a try from this address. Raises TooManyTries after thirty within a minute."""
        now, place = self._monotonic(), place_of(address)
        window = self._windows.pop(place, None)
        if window is None or window.ends <= now:
            window = _Window(now + _MINUTE, 0)
        while len(self._windows) >= _ADDRESSES:
            del self._windows[next(iter(self._windows))]
        self._windows[place] = window
        if window.tries >= _PER_MINUTE:
            raise TooManyTries(window.ends - now)
        window.tries += 1

    def begin(self, tx: Tx, trial: Trial, address: str, *, known: bool) -> Begun:
        """Counts a try. From an address that is ``known`` to be theirs nobody waits for what others try. Raises
        TooManyTries, and counts nothing then.
        """
        here, everywhere = self._keys(trial, address)
        _, until_here = self._count(tx, here, _DAY, _wait_after)
        _, until_everywhere = self._count(tx, everywhere, _HOUR, trial.wait_after, known=known)
        return Begun(here=until_here, everywhere=until_everywhere)

    def fail(self, tx: Tx, trial: Trial, address: str) -> None:
        """The try was in vain: the wait begins now. It is written for everybody, so that all answers take as long."""
        here, _ = self._keys(trial, address)
        tx.lock(_lock(here))  # else a try that is counted meanwhile would have its wait overwritten
        number: int | None = tx.scalar(select(_c.number).where(_c.key == here))
        until = tx.now + _wait_after(number or 0)
        tx.execute(update(sign_in_failures).where(_c.key == here).values(until=until))

    def succeed(self, tx: Tx, trial: Trial, address: str) -> None:
        """The try was not in vain."""
        here, everywhere = self._keys(trial, address)
        tx.execute(delete(sign_in_failures).where(_c.key == here))
        tx.execute(update(sign_in_failures).where(_c.key == everywhere, _c.number > 0).values(number=_c.number - 1))

    def take_back(self, tx: Tx, trial: Trial, address: str, begun: Begun) -> None:
        """The try was not looked at: it counts as none, and nobody waits for it. Who waits for another try goes on."""
        for key, until in zip(self._keys(trial, address), (begun.here, begun.everywhere), strict=True):
            tx.lock(_lock(key))  # in the order in which tries are counted: who holds the one may wait for the other
            tx.execute(update(sign_in_failures).where(_c.key == key, _c.number > 0).values(number=_c.number - 1))
            tx.execute(update(sign_in_failures).where(_c.key == key, _c.until == until).values(until=tx.now))

    def is_known(self, tx: Tx, user_id: str, address: str) -> bool:
        """Whether this person has signed in from there lately, be it that they have signed out since."""
        here = _p.key == self._key("place", user_id, place_of(address)), _p.until > tx.now
        return tx.scalar(select(_p.key).where(*here)) is not None

    def know(self, tx: Tx, user_id: str, address: str) -> None:
        """This person has signed in from there, wholly."""
        key = self._key("place", user_id, place_of(address))
        tx.execute(delete(sign_in_places).where(_p.key == key))
        tx.execute(insert(sign_in_places).values(key=key, user_id=user_id, until=tx.now + _KNOWN_FOR))

    def number_of(self, tx: Tx, what: str, whose: str) -> int:
        """Counts a try of what has an end of its own; how many there were."""
        return self._count(tx, self._key(what, whose), _DAY, lambda _number: timedelta(0))[0]

    def _keys(self, trial: Trial, address: str) -> tuple[str, str]:
        return self._key(trial.what, trial.whose, place_of(address)), self._key(trial.what, trial.whose)

    def _key(self, *parts: str) -> str:
        told = "\0".join(parts).encode(errors="surrogatepass")
        return hmac.digest(self._secret, told, hashlib.sha256).hex()

    def _count(
        self, tx: Tx, key: str, lasting: timedelta, wait: Callable[[int], timedelta], *, known: bool = False
    ) -> tuple[int, datetime]:
        """How many there were with this one, and until when the next one waits."""
        tx.lock(_lock(key))
        row = tx.execute(select(sign_in_failures).where(_c.key == key)).one_or_none()
        # Nobody waits for longer than that: where it seems so, the clock was ahead when it was written down.
        longest = tx.now + _LONGEST_WAIT
        if row is not None and tx.now < row.until <= longest and not known:
            raise TooManyTries((row.until - tx.now).total_seconds())
        if row is None or tx.now - row.since > lasting:
            until = tx.now + wait(1)
            tx.execute(delete(sign_in_failures).where(_c.key == key))
            tx.execute(insert(sign_in_failures).values(key=key, number=1, since=tx.now, until=until))
            return 1, until
        number: int = row.number + 1
        # From where they are known nobody waits for others, nor does anybody wait for their tries.
        until = min(max(row.until, tx.now), longest) if known else tx.now + wait(number)
        tx.execute(update(sign_in_failures).where(_c.key == key).values(number=number, until=until))
        return number, until


def remove_over(tx: Tx) -> None:
    """Forgets what was tried in vain a day ago, what was tried a few times only after an hour, and places where nobody
    has signed in for long.
    """
    tx.execute(delete(sign_in_places).where(_p.until <= tx.now))
    few = (_c.number <= _FREE) & (_c.until <= tx.now - _HOUR)
    tx.execute(delete(sign_in_failures).where(few | (_c.until <= tx.now - _DAY)))


def _lock(key: str) -> str:
    return f"access.sign_in.{key}"


def place_of(address: str) -> str:
    """Where an address is: an IPv6 network of 64 bits is one place, for whoever has it has all of it."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _wait_after(number: int) -> timedelta:
    """For how long the next try from one place waits after so many in vain."""
    if number <= _FREE:
        return timedelta(0)
    return min(_LONGEST_WAIT, timedelta(seconds=2 ** min(number - _FREE - 1, 10)))
