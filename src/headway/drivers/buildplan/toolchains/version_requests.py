"""What a repository asks of a tool's version: read from how its language writes it, and compared with what there is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from packaging.specifiers import InvalidSpecifier, Specifier
from packaging.version import InvalidVersion, Version

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.toolchains import releases, semver
from headway.drivers.buildplan.toolchains.tools import TOOLS, Form
from headway.kernel.dataclass import dataclass

_LONGEST = 256
_LATEST = frozenset({"", "*", "x", "latest", "stable", "current", "node", "system", "default", "any"})
_PLAIN = re.compile(r"(\d+)(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?")
_PYTHON = re.compile(r"(?:c?python)[-@=]*\s*(?=[\d<>=~^!])", re.IGNORECASE)
_GO = re.compile(r"(?:go)?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:(rc|beta)(\d+))?")
_CLAUSE = re.compile(r"[^\s,]+(?:\s+(?=\d))?[^\s,]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRequest:
    """``holds`` says whether a version is one that is asked for; ``exact`` is the only one that is (None: several),
    ``nearby`` whether another may take its place where it cannot be had. ``is_any`` where nothing is asked for.
    """

    need: Need
    holds: Callable[[str], bool]
    exact: str | None = None
    nearby: Callable[[str], bool] | None = None
    is_any: bool = False

    @property
    def reason(self) -> str:
        """Why it is asked for, to be added to what is used; "" where nobody asks."""
        source, wanted = self.need.source, self.need.wanted.strip().partition("+")[0]
        if not source:
            return ""
        return f", as {source} asks ({wanted[:80]})" if wanted else f", for {source}"


def read_wish(need: Need, today: date) -> VersionRequest:
    """The need of a tool that is in the table, as a wish. Raises BuildError for a version that is none."""
    text = need.wanted.strip()
    if len(text) > _LONGEST or not text.isprintable():
        raise _no_version(need)
    form = TOOLS[need.tool].form
    if need.tool == "node" and text.lower() not in _LATEST:
        text = releases.node_range(text, today) or text
    elif text.lower() in _LATEST:
        return VersionRequest(need=need, holds=_is_release(form), is_any=True)
    match form:
        case Form.NPM:
            return _of_npm(need, text)
        case Form.PYTHON:
            return _of_python(need, text)
        case Form.GO:
            return _of_go(need, text)


def newest(form: Form, versions: Iterable[str]) -> str | None:
    """The newest of these versions, None where there is none."""
    known = [(key, version) for version in versions if (key := sort_key(form, version)) is not None]
    return max(known)[1] if known else None


def sort_key(form: Form, version: str) -> Any:  # noqa: ANN401 - a key of one form is compared with its like only
    """By which versions of a form are sorted; None for what is no version."""
    match form:
        case Form.PYTHON:
            return _pep440(version)
        case Form.GO:
            return _go_key(version)
        case Form.NPM:
            parsed = semver.parse_version(version)
            return None if parsed is None else parsed.key


def _of_npm(need: Need, text: str) -> VersionRequest:
    wanted = semver.parse_range(text.partition("+")[0] if " " not in text else text)
    if wanted is None:
        raise _no_version(need)
    whole = semver.parse_version(text)

    def holds(version: str) -> bool:
        parsed = semver.parse_version(version)
        return parsed is not None and wanted.holds(parsed)

    return VersionRequest(need=need, holds=holds, exact=None if whole is None else str(whole))


def _of_python(need: Need, text: str) -> VersionRequest:
    text = _PYTHON.sub("", text, count=1).removesuffix("-dev")
    alternatives = [_clauses(each, need) for each in text.split("||")]

    def holds(version: str) -> bool:
        parsed = _pep440(version)
        return parsed is not None and any(all(clause(parsed) for clause in clauses) for clauses in alternatives)

    plain = re.fullmatch(r"(?:==)?\s*(\d+)\.(\d+)\.(\d+)", text)
    if plain is None or need.tool != "python":
        return VersionRequest(need=need, holds=holds, exact=plain[0].lstrip("= ") if plain else None)
    minor = (int(plain[1]), int(plain[2]))
    return VersionRequest(
        need=need,
        holds=holds,
        exact=".".join(plain.groups()),
        nearby=lambda version: (parsed := _pep440(version)) is not None and parsed.release[:2] == minor,
    )


def _clauses(text: str, need: Need) -> list[Callable[[Version], bool]]:
    parts = _CLAUSE.findall(text.strip())
    if not parts and text.strip():
        raise _no_version(need)
    return [_clause(part.replace(" ", ""), need) for part in parts]


def _clause(text: str, need: Need) -> Callable[[Version], bool]:
    """One condition: a bare version holds what it names still, ``^`` and ``~`` are Poetry's, others PEP 440's."""
    if text == "*":
        return lambda version: not version.is_prerelease
    caret = re.fullmatch(r"(\^|~(?!=))(\d+(?:\.\d+){0,2})", text)
    if caret:
        wanted = semver.parse_range(text)
        return lambda version: wanted is not None and wanted.holds(_as_semver(version))
    plain = _PLAIN.fullmatch(text)
    if plain:
        given = [int(part) for part in plain.groups() if part is not None and part.isdigit()]
        return lambda version: list(version.release[: len(given)]) == given and not version.is_prerelease
    try:
        specifier = Specifier(text)
    except InvalidSpecifier:
        whole = _pep440(text)
        if whole is None:
            raise _no_version(need) from None
        return lambda version: version == whole
    return specifier.contains


def _of_go(need: Need, text: str) -> VersionRequest:
    least = _go_key(text.removeprefix("v"))
    if least is None:
        wanted = semver.parse_range(text)
        if wanted is None:
            raise _no_version(need)

        def within(version: str) -> bool:
            key = _go_key(version)
            return key is not None and wanted.holds(semver.Version(key[0]))

        return VersionRequest(need=need, holds=within)
    match = _GO.fullmatch(text.removeprefix("v"))
    given = [] if match is None else [int(part) for part in match.groups()[:3] if part is not None]
    if len(given) == 3 or least[1] != _GO_RELEASE:
        return VersionRequest(need=need, holds=lambda version: _go_key(version) == least, exact=text.removeprefix("go"))

    def begins_so(version: str) -> bool:
        key = _go_key(version)
        return key is not None and key[1] == _GO_RELEASE and list(key[0][: len(given)]) == given

    return VersionRequest(need=need, holds=begins_so)


def _is_release(form: Form) -> Callable[[str], bool]:
    match form:
        case Form.PYTHON:
            return lambda version: (parsed := _pep440(version)) is not None and not parsed.is_prerelease
        case Form.GO:
            return lambda version: (key := _go_key(version)) is not None and key[1] == _GO_RELEASE
        case Form.NPM:
            return lambda version: (parsed := semver.parse_version(version)) is not None and not parsed.before


_GO_RELEASE = "~"  # sorts behind beta and rc


def _go_key(version: str) -> tuple[tuple[int, int, int], str, int] | None:
    match = _GO.fullmatch(version.strip())
    if match is None:
        return None
    numbers = (int(match[1]), int(match[2] or 0), int(match[3] or 0))
    return numbers, match[4] or _GO_RELEASE, int(match[5] or 0)


def _pep440(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _as_semver(version: Version) -> semver.Version:
    first, second, third = (*version.release, 0, 0, 0)[:3]
    return semver.Version((first, second, third), "0" if version.is_prerelease else "")


def _no_version(need: Need) -> BuildError:
    label = TOOLS[need.tool].label
    where = f" ({need.source})" if need.source else ""
    return BuildError(
        f"{need.wanted.strip()[:80]!r}{where} is no version of {label} that can be provided here. Write one such as "
        f"{releases.EXAMPLES[need.tool]}."
    )
