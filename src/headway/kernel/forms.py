"""How the values of settings are written by people: numbers, times, sizes, choices and names."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

_SECONDS_OF_UNIT = (("d", 86400.0), ("h", 3600.0), ("m", 60.0), ("ms", 0.001), ("s", 1.0), ("", 1.0))
_WIDEST: Mapping[int, int] = {4: 8, 6: 7}  # 10.0.0.0/8 and fd00::/8 in fc00::/7: the largest networks that are private
_BITS_OF_UNIT = (("T", 40), ("G", 30), ("M", 20), ("K", 10), ("", 0))


class YesNo(StrEnum):
    """What somebody has to say yes to."""

    YES = "yes"
    NO = "no"


class LogFormat(StrEnum):
    """How the panel's own log is written."""

    LOGFMT = "logfmt"
    JSON = "json"


class LogLevel(StrEnum):
    """How much the panel says about itself."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a value is written: ``accepts`` completes the sentence "it takes …", ``parse`` raises ValueError for what it
    does not take. A ``secret`` value is never shown.
    """

    accepts: str
    parse: Callable[[str], object]
    secret: bool = False

    def read(self, text: str, named: str) -> object:
        """What was written. Raises InvalidInput, which names where it was, and says what can be written there."""
        try:
            return self.parse(text)
        except TooWide as error:
            raise InvalidInput(f"{named}: {error}") from None
        except ValueError:
            shown = "its value" if self.secret else repr(text)
            raise InvalidInput(f"{named}: {shown} is not possible; it takes {self.accepts}.") from None


class TooWide(ValueError):
    """A network in which anybody can be."""

    def __init__(self, network: str) -> None:
        super().__init__(
            f"{network} is anybody, and whoever comes could say that they come from elsewhere, and by HTTPS. Write the"
            " proxy's own address, such as 10.0.0.5, or a network that nobody but proxies is in, such as 10.0.0.0/24."
        )


def whole(least: int, most: int | None = None) -> Form:
    """A whole number within bounds."""

    def parse(text: str) -> int:
        number = int(text) if re.fullmatch(r"[0-9]{1,18}", text) else -1
        if number < least or (most is not None and number > most):
            raise ValueError(text)
        return number

    bounds = f"a whole number, {least} or more" if most is None else f"a whole number from {least} to {most}"
    return Form(accepts=bounds, parse=parse)


def duration(least_seconds: float) -> Form:
    """A time with a unit; a bare number is seconds."""

    def parse(text: str) -> timedelta:
        found = re.fullmatch(r"([0-9]{1,7}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d|)", text.lower())
        seconds = float(found[1]) * dict(_SECONDS_OF_UNIT)[found[2]] if found else -1
        if seconds < least_seconds:
            raise ValueError(text)
        return timedelta(seconds=seconds)

    return Form(accepts=f"a time such as 90, 90s, 15m or 1h, not under {least_seconds:g} s", parse=parse)


def size(least_bytes: int) -> Form:
    """A number of bytes; K, M, G and T are powers of 1024."""

    def parse(text: str) -> int:
        found = re.fullmatch(r"([0-9]{1,18}) ?(?:([KMGT])(?:I?B)?|B?)", text.upper())
        number = int(found[1]) << dict(_BITS_OF_UNIT)[found[2] or ""] if found else -1
        if number < least_bytes:
            raise ValueError(text)
        return number

    return Form(accepts=f"a size such as 512M or 2GiB, not under {size_text(least_bytes)}", parse=parse)


def choice(choices: type[StrEnum]) -> Form:
    """One of a closed set of words."""
    return Form(accepts=" or ".join(choices), parse=lambda text: choices(text.lower()))


def matching(pattern: str, accepts: str, *, secret: bool = False) -> Form:
    """A text that a regular expression matches as a whole; a secret one becomes a Secret."""

    def parse(text: str) -> str | Secret:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(text)
        return Secret(text) if secret else text

    return Form(accepts=accepts, parse=parse, secret=secret)


def addresses() -> Form:
    """Addresses and networks with commas between them, none wider than those that are of nobody but their owner."""

    def parse(text: str) -> str:
        found = [ipaddress.ip_network(each.strip()) for each in text.split(",")]
        for each in found:
            if each.prefixlen < _WIDEST[each.version]:
                raise TooWide(str(each))
        return ",".join(str(each).removesuffix("/32").removesuffix("/128") for each in found)

    return Form(accepts="addresses or networks such as 10.0.0.5 or 10.0.0.0/24, with commas between", parse=parse)


def duration_text(value: timedelta) -> str:
    """A time in the largest unit that it is a whole number of, as ``duration`` reads it."""
    seconds = value.total_seconds()
    for unit, length in _SECONDS_OF_UNIT[:3]:
        if seconds and seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


def size_text(number: int) -> str:
    """A number of bytes in the largest unit that it is a whole number of, as ``size`` reads it."""
    for unit, bits in _BITS_OF_UNIT[:4]:
        if number and number % (1 << bits) == 0:
            return f"{number >> bits}{unit}iB"
    return f"{number}B"
