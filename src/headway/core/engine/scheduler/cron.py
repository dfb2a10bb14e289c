"""When something is due: a cron expression in a time zone, with the hours that daylight saving skips and repeats."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from itertools import takewhile
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

_NAMED: Mapping[str, str] = MappingProxyType(
    {
        "@hourly": "0 * * * *",
        "@daily": "0 0 * * *",
        "@midnight": "0 0 * * *",
        "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *",
        "@yearly": "0 0 1 1 *",
        "@annually": "0 0 1 1 *",
    }
)
_LONGEST = 256
_UNREADABLE = (CronSimError, AssertionError, TypeError)  # the others for what it never thought of, such as 1L/2
_FIRST_WINDOW = timedelta(hours=1)
_FAR = timedelta(days=366 * 50)
_FARTHER = timedelta(days=2)
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENOMEM, errno.EINTR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """An expression of five fields (minute, hour, day of month, month, day of week), of six with the seconds first, or
    a name such as ``@daily``; ``timezone`` is one of the IANA's. As Debian's cron has it: a time that daylight saving
    skips is due at the end of the gap, one that it repeats is due once; where minute or hour is a ``*``, it is due by
    the time that passes.
    """

    expression: str
    timezone: str = "UTC"

    def check(self, now: datetime) -> None:
        """Raises InvalidInput for what nobody can read, for an unknown time zone, and for what is never due."""
        self._zone()
        try:
            nothing_comes = self.after(now) is None
        except _UNREADABLE as error:
            raise InvalidInput(
                f"The cron expression {self.expression!r} cannot be read, or is never due{_named(error)}. It has "
                "five fields: minute, hour, day of month, month and day of week, such as 30 4 * * 1-5."
            ) from error
        if nothing_comes:
            raise InvalidInput(f"The cron expression {self.expression!r} is never due: no such day comes.")

    def after(self, moment: datetime) -> datetime | None:
        """The first time after ``moment`` at which it is due, in UTC; None when there is none in fifty years."""
        return next(self._from(moment), None)

    def newest(self, after: datetime, until: datetime, most: int) -> tuple[list[datetime], bool]:
        """The times at which it was due after ``after`` and not after ``until``, the oldest first; of more than
        ``most`` the newest, and whether there are more. It takes as long as it gives, however long ago ``after`` is.
        """
        window = _FIRST_WINDOW
        while True:
            begin = max(after, until - window)
            found = list(takewhile(lambda due: due <= until, self._from(begin)))
            if len(found) > most or begin == after:
                return found[-most:], len(found) > most
            window *= 4

    def _from(self, moment: datetime) -> Iterator[datetime]:
        """Every due time after ``moment``, each later than the one before: several that fall into one gap are one."""
        last = moment.astimezone(UTC)
        for local in self._found(last):
            due = local.astimezone(UTC)
            if due > last:
                last = due
                yield due

    def _found(self, moment: datetime) -> Iterator[datetime]:
        expression, zone = _NAMED.get(self.expression.lower(), self.expression), self._zone()
        fields = expression.split()
        if any(field.startswith("*") for field in fields[-5:-3]):
            yield from _by_passing(expression, moment, zone)
        elif len(fields) == 6:  # CronSim knows what a gap is with five fields alone
            for local in CronSim(expression, moment.astimezone(zone).replace(tzinfo=None)):
                yield _after_gap(local, zone)
        else:
            yield from CronSim(expression, moment.astimezone(zone))

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            if isinstance(error, OSError) and error.errno in _PASSING:
                raise  # a zone that is there, and cannot be read now
            raise InvalidInput(
                f"There is no time zone {self.timezone!r}. Give one by its name, such as Europe/Berlin or UTC."
            ) from error


def checked(expression: str, timezone: str | None, now: datetime) -> Cron:
    """The expression in that time zone (None: UTC). Raises InvalidInput, see ``Cron.check``."""
    if len(expression) > _LONGEST:
        raise InvalidInput(f"A cron expression has at most {_LONGEST} characters.")
    cron = Cron(expression=" ".join(expression.split()), timezone=timezone or "UTC")
    cron.check(now)
    return cron


def _named(error: Exception) -> str:
    return f": {str(error).lower()}" if isinstance(error, CronSimError) else ""


def _by_passing(expression: str, moment: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Due times by the time that passes, one stretch of a constant offset after the other: CronSim steps by hours, and
    goes past due times where a change is of half an hour.
    """
    begin = moment
    while begin < moment + _FAR:
        offset, end = begin.astimezone(zone).utcoffset() or timedelta(), _next_change(begin, zone)
        for local in CronSim(expression, begin.astimezone(timezone(offset))):
            if local >= end:
                break
            yield local
        else:
            return
        begin = end - timedelta(seconds=1)
        if local - begin > _FARTHER:  # whatever the offset is then, nothing is due a day before
            begin = local - timedelta(days=1)
            continue
        # The second before the change has the old offset; what is due at the change itself has the new one.
        offset = end.astimezone(zone).utcoffset() or timedelta()
        if next(CronSim(expression, begin.astimezone(timezone(offset))), None) == end:
            yield end
        begin = end


def _after_gap(local: datetime, zone: ZoneInfo) -> datetime:
    """A time of the clock as a moment: the first of two that are called so, and the end of the gap that it is in."""
    found = local.replace(tzinfo=zone).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == local:
        return found
    return _next_change(found - timedelta(days=1), zone)


def _next_change(moment: datetime, zone: ZoneInfo) -> datetime:
    """When the offset of a zone is another one next, to the second; at the latest in a year."""
    offset = moment.astimezone(zone).utcoffset()
    before = moment
    for _ in range(366):
        after = before + timedelta(days=1)
        if after.astimezone(zone).utcoffset() != offset:
            break
        before = after
    else:
        return before
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after.replace(microsecond=0)
