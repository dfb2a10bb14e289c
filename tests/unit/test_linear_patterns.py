"""Patterns that took quadratic time fit what they fitted, and take linear time.

A single search cannot be interrupted by another thread, and holds up the whole panel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from headway.cli import checkout
from headway.core.engine import explanations
from headway.drivers.buildplan import env_example, procfile
from headway.drivers.buildplan.providers import python_pins
from headway.drivers.edge import issuance
from headway.drivers.runtimes.compose import bounds
from headway.drivers.runtimes.container import refusals
from headway.features.notifications import apprise_policy
from headway.features.services.database import application_spec
from headway.http import ranges
from headway.infra.docker import dockerfiles, outward_registries
from headway.kernel.failures import line_choice
from tests.support.hostile_texts import slowest

LONGEST = 5  # pieces of a text
STRIPPED = (dockerfiles._DIRECTIVE, procfile._LINE)  # what is asked of lines without the blanks around them


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A pattern with what it was ``before``, what it is ``asked``, and of which pieces texts for it are made."""

    pattern: re.Pattern[Any]
    before: str
    asked: str
    pieces: str
    first: str = ""
    group: int | None = None


MENDED = {
    "a part of a file": Mended(
        pattern=ranges._RANGE,
        before=r"bytes\s*=\s*(?:(\d{1,18})\s*-\s*(\d{1,18})?|-\s*(\d{1,18}))\s*",
        asked="fullmatch",
        pieces="bytes Bytes blank = - 12",
    ),
    "addresses of a channel": Mended(
        pattern=apprise_policy._NEXT, before=r"[\s,;]+(?=[A-Za-z0-9]{1,32}://)", asked="split", pieces="a :// , ; blank"
    ),
    "the address of a database": Mended(
        pattern=application_spec._ADDRESS,
        before=r"[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:]+",
        asked="fullmatch",
        pieces=": 1 f . g 1.2.3.4",
    ),
    "a question at the end of an output": Mended(
        pattern=explanations._QUESTION,
        before=r"(\?|\[[yn]/[yn]\]|\([yn]/[yn]\)|\(yes/no\)|password:?|EOF when reading a line)\s*:?\s*\Z",
        asked="search",
        pieces="? [Y/n] password : blank a",
    ),
    "a directive of a Dockerfile": Mended(
        pattern=dockerfiles._DIRECTIVE,
        before=r"\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*\Z",
        asked="fullmatch",
        pieces="blank a1 = 2 # a",
    ),
    "what a registry wants": Mended(
        pattern=outward_registries._FIELD,
        before=r'(\w+)="([^"]*)"',
        asked="findall",
        pieces='a1 = " , blank ="',
    ),
    "a time of Compose's": Mended(
        pattern=bounds._PART_OF_DURATION,
        before=r"([0-9.]+)(h|ms|m|s|us|µs|ns)",
        asked="findall",
        pieces="1 .5 h ms m µ blank",
    ),
    "the port that an engine names": Mended(
        pattern=refusals._PORT,
        before=r"(?:[0-9.]+|\[[0-9a-f:]*\]):(\d+)",
        asked="search",
        pieces="1 . : [ ] a",
        group=1,
    ),
    "the program that an engine names": Mended(
        pattern=refusals._NO_PROGRAM,
        before=r'exec: "([^"]*)": (executable file not found|stat .*no such file|permission denied)',
        asked="search",
        pieces='exec:_" ":_ stat_ /a no_such_file permission_denied line',
    ),
    "where a repository is": Mended(
        pattern=checkout._SCP_FORM,
        before=r"[^/\s:]+@[^/\s:]+:.+|[^/\s:.]+(?:\.[^/\s:.]+)+:.+",
        asked="fullmatch",
        pieces="a @ : . / blank",
    ),
    "a line that only says where": Mended(
        pattern=line_choice._ONLY_A_PLACE,
        before=r"^(?:\W{1,4}|(?:npm|err|error|fatal|info|warn|warning|remote|at|in|see|log|log file)"
        r"(?![\w.@/\\-])[!:\]]{0,2} ?){0,6}"
        r"(?:(?:[a-z]:)?[~.]{0,2}[\\/]\S*|\w{2,10}://\S+|(?:[\w.@-]{1,100}[\\/]){1,20}[\w.@-]{1,100}\.\w{1,8}|[\w.@-]{1,100}\.log"
        r"|(?:(?:\d{1,3}\.){3}\d{1,3}|localhost)(?::\d{1,5})?(?:/\S*)?)(?::\d{1,6}){0,2}[.,;:)\]'\"]{0,3}$",
        asked="search",
        pieces="!!!!! ! : at blank / a.log",
    ),
    "a line of a Procfile": Mended(
        pattern=procfile._LINE, before=r"([A-Za-z0-9_-]{1,63})\s*:\s*(.+)", asked="fullmatch", pieces="a : blank = 1"
    ),
    "a value that only stands in": Mended(
        pattern=env_example._PLACEHOLDER,
        before=r"<.*>|\[.*\]|\{\{.*\}\}|x{3,}|\.{3}|\*{3,}|"
        r".*\b(?:your|change|replace|insert|todo|example|placeholder|sample|any)[\w .-]*",
        asked="fullmatch",
        pieces="any change - blank < > a",
    ),
    "names of a certificate": Mended(
        pattern=issuance._DOMAINS,
        before=r' domains=(?P<names>\["[^\]]*"\])',
        asked="search",
        pieces='a " , ] blank',  # and no bracket that opens, which no name has: there it looks no further now
        first=' domains=["',
    ),
    "whether a package is for developers": Mended(
        pattern=python_pins._FOR_DEVELOPERS,
        before=r'^category = "dev"|^groups = \[(?![^\]]*"main")',
        asked="search",
        pieces='"main" "dev" , ] line groups_=_',  # no bracket that opens, as above
        first="groups = [",
    ),
}


def texts(mended: Mended) -> Iterator[str]:
    """Every text of so many of the pieces."""
    named = {"blank": " ", "line": "\n"}
    pieces = [named.get(each, each.replace("_", " ")) for each in mended.pieces.split()]
    for count in range(LONGEST + 1):
        for each in product(pieces, repeat=count):
            yield mended.first + "".join(each)


def said(pattern: re.Pattern[Any], mended: Mended, text: str) -> object:
    """What the pattern says of a text."""
    given = text.encode() if isinstance(pattern.pattern, bytes) else text
    found = getattr(pattern, mended.asked)(given)
    if not isinstance(found, re.Match):
        return found
    return found[mended.group] if mended.group is not None else (found.span(), found.groups())


def differing(mended: Mended) -> Sequence[str]:
    before: Any = mended.before if isinstance(mended.pattern.pattern, str) else mended.before.encode()
    former = re.compile(before, mended.pattern.flags)
    given = {each.strip() for each in texts(mended)} if mended.pattern in STRIPPED else texts(mended)
    return [each for each in given if said(former, mended, each) != said(mended.pattern, mended, each)][:3]


def test_each_fits_what_it_fitted() -> None:
    assert {name: found for name, mended in MENDED.items() if (found := differing(mended))} == {}


def test_none_takes_quadratic_time() -> None:
    slow = {name: slowest(mended.pattern, {mended.asked}) for name, mended in MENDED.items()}
    assert slow == dict.fromkeys(MENDED)
