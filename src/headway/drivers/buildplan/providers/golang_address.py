"""Where a program in Go listens that does not read PORT: by which variable or option of its own it is led there, or
the number that it has for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from headway.drivers.buildplan.providers import golang_variables
from headway.drivers.buildplan.providers.golang_variables import PLACE, spelled, variables
from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.kernel.dataclass import dataclass

_FLAG = re.compile(
    r"\bflag\.(?:String|Int|Uint)(?:Var)?\([ \t]*(?:&[\w.]+[ \t]*,[ \t]*)?"
    r'"([a-z][\w-]*)"[ \t]*,[ \t]*("[^"\n]{0,60}"|\d{2,5})[ \t]*,'
)
# An option of Cobra's: of the command that is carried out, or of the one that all are below.
_ROOTS: Final = ("root", "rootCmd", "rootCommand", "RootCmd", "RootCommand")
_COBRA: Final = (
    r"\.(?:String|U?[iI]nt(?:16|32)?)(?:Var)?P?\([ \t]*(?:&[\w.]+[ \t]*,[ \t]*)?"
    r'"([a-z][\w-]*)"[ \t]*,[ \t]*(?:"\w?"[ \t]*,[ \t]*)?("[^"\n]{0,60}"|\d{2,5})[ \t]*,'
)
_NAMES = re.compile(r"(?:^|_|-)(?:listen(?:er)?|addr(?:ess)?|bind|port|http)(?:$|_|-)", re.IGNORECASE)
_OF_OTHERS = re.compile(
    r"(?:^|_|-)(?:db|database|sql|pg|postgres|mysql|redis|mongo|smtp|mail|ftp|sftp|ssh|dns|proxy|nats|kafka|amqp|ldap"
    r"|debug|pprof|metrics?|prometheus|grpc|admin|tls|ssl|https|remote|upstream|target|statsd|cluster|raft|gossip)(?:$|_|-)",
    re.IGNORECASE,
)
_HERE: Final = r"(?:0\.0\.0\.0|127\.0\.0\.1|localhost)?:(\d{4,5})"
_VALUE: Final = (
    rf"(?:\"{_HERE}\"|\":\"[ \t]*\+[ \t]*(\w+)|fmt\.Sprintf\([ \t]*\":%[dsv]\"[ \t]*,[ \t]*(\w+)[ \t]*\)|(\w+))"
)
_SERVES = re.compile(
    rf"\.(?P<call>Listen(?:TLS)?|Start(?:TLS)?|Run(?:TLS)?|ListenAndServe(?:TLS)?)\(\s*{_VALUE}\s*[,)]"
    rf"|\bhttp\.Server\{{[^{{}}]{{0,300}}?\bAddr[ \t]*:[ \t]*{_VALUE}"
)
_HANDS_ON = re.compile(r"\.(?:ListenAndServe(?:TLS)?|Serve(?:TLS)?|Listen)\(")
# What serves itself to those who look after it, mostly at an address of its own.
_ASIDE = re.compile(r"net/http/pprof|/promhttp\"|expvar\"")
# As the page of net/http/pprof has it: a server beside, of what nobody else has a handler for, at the loopback or at a
# port that is used for nothing else.
_PROFILES = re.compile(
    r"\bgo[ \t]+(?:func\(\)[ \t]*\{\s*)?(?:[\w.]{1,40}\(\s*|(?:if[ \t]+)?\w{1,20}[ \t]*:?=[ \t]*)?"
    r"http\.ListenAndServe\(\s*\"(?:(?:localhost|127\.0\.0\.1|\[::1\]):\d{4,5}|(?:0\.0\.0\.0)?:606\d)\"\s*,\s*nil\s*\)"
)
_MOST_CALLS: Final = 50
_MOST_ALIASES: Final = 4
_LEAST, _MOST = 1024, 65535  # what any account may listen on


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What stands ``before`` and ``after`` a program so that it listens on PORT, and by what (``reason``)."""

    before: str = ""
    after: str = ""
    reason: str


def own_address(texts: Sequence[str], command: str = "") -> Address | None:
    """How the program is led to PORT; None where it reads that itself, or nothing tells. ``command`` is what its source
    calls the command of it that is carried out.
    """
    texts = spelled(texts)
    named = _own_variable(texts)
    if golang_variables.reads_port(texts, is_told=named is not None):
        return None
    if named is not None:
        name, at = named
        return Address(before=f'env {name}="${{{name}:-{at}}}" ', reason=f"which listens where {name} says")
    for dashes, name, value in options(texts, command):
        if (led := _led(value, name)) and _is_its_own(name):
            return Address(after=f" {dashes}{name} {led}", reason=f"which listens where its option {dashes}{name} says")
    return None


def options(texts: Sequence[str], command: str = "") -> Iterator[tuple[str, str, str]]:
    """The options of a program, or of a command of it, with what stands before their names, and their own values."""
    for match in (match for text in texts if "flag.NewFlagSet" not in text for match in _FLAG.finditer(text)):
        yield "-", match[1], match[2].strip('"')
    owners = "|".join((*_ROOTS, *([re.escape(command)] if command else [])))
    for match in (match for text in texts for match in _options(text, owners)):
        yield "--", match[1], match[2].strip('"')


def _options(text: str, owners: str) -> Iterator[re.Match[str]]:
    """The options of these commands, also by what a source calls all of one command's."""
    of_flags = rf"\b(?:{owners})\.(?:Persistent)?Flags\(\)"
    yield from re.finditer(of_flags + _COBRA, text)
    for alias in re.findall(rf"\b(\w+)[ \t]*:=[ \t]*{of_flags}[ \t]*\n", text)[:_MOST_ALIASES]:
        yield from re.finditer(rf"\b{alias}{_COBRA}", text)


def reads_port(texts: Sequence[str]) -> bool:
    """Whether it asks PORT where it listens."""
    texts = spelled(texts)
    return golang_variables.reads_port(texts, is_told=_own_variable(texts) is not None)


def _own_variable(texts: Sequence[str]) -> tuple[str, str] | None:
    """The variable that says where it listens, and what that is to be."""
    found = ((name, _led(value, name)) for name, value in variables(texts) if name != "PORT" and _is_its_own(name))
    return next(((name, led) for name, led in found if led is not None), None)


def own_port(texts: Mapping[str, str]) -> tuple[int, str] | None:
    """The port that the program listens on whatever PORT says, with the file that has it; ``texts`` are those of all
    that was read of it, by file. None where it reads PORT, has a second server, or nothing is sure.
    """
    codes = {name: without_comments(text) for name, text in texts.items()}
    asides = {word for text in texts.values() for word in _ASIDE.findall(text)}
    if asides == {"net/http/pprof"} and sum(len(_PROFILES.findall(code)) for code in codes.values()) == 1:
        codes, asides = {name: _PROFILES.sub("", code) for name, code in codes.items()}, set()
    if asides or reads_port(list(texts.values())):
        return None
    found = [(port, name) for name, code in codes.items() for port in _ports(code)]
    if len(found) != 1 or not _LEAST <= found[0][0] <= _MOST:
        return None
    return found[0]


def _ports(text: str) -> Iterator[int]:
    """The port of each server; 0 for one whose address is said elsewhere."""
    is_known = False
    for match in islice(_SERVES.finditer(text), _MOST_CALLS):
        digits, *names = match.groups()[1:5] if match["call"] else match.groups()[5:9]
        name = next((each for each in names if each), None)
        value = digits or (_assigned(text, name) if name is not None else None)
        if value is None and (match["call"] is None or not match["call"].startswith("Listen")):
            continue  # what is started or run is most often no server
        is_known = True
        yield int(value or 0)
    if not is_known and _HANDS_ON.search(text):
        yield 0


def _assigned(text: str, name: str) -> str | None:
    """The port in what a name stands for, where that is written once."""
    typed = r"(?:[ \t]+(?:string|u?int(?:16)?))?"
    value = rf'"?(?:{_HERE}|(\d{{4,5}}))"?'
    found = re.findall(rf"(?<![\w.]){name}{typed}[ \t]*:?=[ \t]*{value}[ \t]*(?:\n|;|\Z)", text)
    return "".join(found[0]) if len(found) == 1 else None


def _led(value: str, name: str) -> str | None:
    """A value of the same form that names PORT; None where it is none of an address to listen on."""
    if PLACE.fullmatch(value):
        return "127.0.0.1:$PORT"
    return "$PORT" if value.isdecimal() and len(value) > 1 and "port" in name.lower() else None


def _is_its_own(name: str) -> bool:
    return _NAMES.search(name) is not None and _OF_OTHERS.search(name) is None
