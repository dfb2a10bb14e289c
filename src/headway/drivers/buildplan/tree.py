"""A repository as detection sees it: the names of its files, and the contents of those few that say what it is."""

from __future__ import annotations

import fnmatch
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from headway.drivers.builders.base import BuildError
from headway.kernel.dataclass import dataclass

_MOST_PARTS = 500
# No person writes such a line, and no search of a pattern goes through it: none can be interrupted.
_LONGEST_LINE = 2_000
_BLANKS = re.compile(r"(?<!\s)\s{200,}+")
_MOST_BLANKS = 199


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files below the build path. ``names`` are their relative paths, without those of ``.git`` and of installed
    packages; ``contents`` those that were read, by name, cut where they were longer than is read of any; ``is_cut``
    says that there are more names than are looked at.
    """

    names: frozenset[str]
    contents: Mapping[str, bytes] = field(default_factory=dict)
    is_cut: bool = False
    _texts: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def matching(self, pattern: str) -> tuple[str, ...]:
        """The names that match, the shallowest first and then by name. ``*`` does not pass a ``/``, ``**/`` does."""
        depth = pattern.count("/") if "**" not in pattern else None
        plain = pattern.replace("**/", "*")
        found = (name for name in self.names if depth is None or name.count("/") == depth)
        return tuple(sorted((name for name in found if fnmatch.fnmatchcase(name, plain)), key=_depth_first))

    def text(self, name: str) -> str:
        """The contents as text to be searched, "" where the file is not there or was not read. A line of more than some
        thousand characters goes on in the next one, and of hundreds of blanks in a row the first and the last stay.
        """
        if (known := self._texts.get(name)) is not None:  # some are asked for a hundred times
            return known
        text = _BLANKS.sub(_fewer, self.whole(name))
        lines = text.split("\n")
        if max(map(len, lines)) > _LONGEST_LINE:
            text = "\n".join(part for line in lines for part in _parts(line))
        self._texts[name] = text
        return text

    def whole(self, name: str) -> str:
        """The contents as they are, for what is parsed and searched by no pattern that could take long."""
        return self.contents.get(name, b"").decode("utf-8-sig", errors="replace")

    def json(self, name: str) -> dict[str, Any]:
        """The object in a JSON file; empty where there is no such file. Raises BuildError for one that holds none."""
        return _object(name, self.whole(name), json.loads) if name in self.contents else {}

    def toml(self, name: str) -> dict[str, Any]:
        """The table in a TOML file; empty where there is no such file. Raises BuildError for one that is broken."""
        return _object(name, self.whole(name), parse_toml) if name in self.contents else {}

    def below(self, folder: str) -> Tree:
        """The part of the tree in a folder, as a tree of its own."""
        head = f"{folder}/"
        return Tree(
            names=frozenset(name.removeprefix(head) for name in self.names if name.startswith(head)),
            contents={name.removeprefix(head): data for name, data in self.contents.items() if name.startswith(head)},
            is_cut=self.is_cut,
        )


def tree_of(files: Mapping[str, str | bytes], more: Iterable[str] = ()) -> Tree:
    """A tree of these files, and of ``more`` whose contents nobody reads."""
    contents = {name: data.encode() if isinstance(data, str) else data for name, data in files.items()}
    return Tree(names=frozenset((*contents, *more)), contents=contents)


def parse_toml(text: str) -> dict[str, Any]:
    """As tomllib reads it, but for names of so many parts that it takes quadratic time. Raises TOMLDecodeError."""
    if any(line.count(".") > _MOST_PARTS for line in text.splitlines()):
        msg = f"a line has more than {_MOST_PARTS} dots"
        raise tomllib.TOMLDecodeError(msg)
    return tomllib.loads(text)


def _fewer(blanks: re.Match[str]) -> str:
    before, line_end, after = blanks[0].rpartition("\n")
    return f"{before[:_MOST_BLANKS]}{line_end}{after[:_MOST_BLANKS]}"


def _parts(line: str) -> Iterable[str]:
    return (line[at : at + _LONGEST_LINE] for at in range(0, len(line) or 1, _LONGEST_LINE))


def _depth_first(name: str) -> tuple[int, str]:
    return name.count("/"), name


def _object(name: str, text: str, read: Any) -> dict[str, Any]:  # noqa: ANN401 - json.loads or tomllib.loads
    try:
        found = read(text)
    except (ValueError, RecursionError) as error:
        raise BuildError(f"{name} cannot be read: {str(error)[:300]}. Correct it and commit it.") from error
    if not isinstance(found, dict):
        raise BuildError(f"{name} holds no object. Correct it and commit it.")
    return found
