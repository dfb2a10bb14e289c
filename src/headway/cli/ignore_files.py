"""What a folder's own ignore files leave out of an upload."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from headway.kernel.errors import InvalidInput

OWN, OF_GIT, OF_DOCKER = ".headwayignore", ".gitignore", ".dockerignore"

# Docker reads these whatever its ignore file says.
_READ_BY_DOCKER = re.compile(r"(.+\.)?Dockerfile(\..+)?|.*\.dockerignore", re.IGNORECASE)


class Ignored:
    """What the ignore files of a folder and of those within it say. ``.gitignore`` and ``.headwayignore`` hold for the
    folder that they lie in, ``.dockerignore`` for the whole; ``.headwayignore`` has the last word, and ``!NAME`` in it
    takes along what the others leave out.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._of_git: dict[str, GitIgnoreSpec] = {}
        self._own: dict[str, GitIgnoreSpec] = {}
        self._of_docker = GitIgnoreSpec(())
        if (text := self._text(".", OF_DOCKER)) is not None:
            self._of_docker = GitIgnoreSpec.from_lines(_as_of_git(text.splitlines()))

    def enter(self, path: str) -> None:
        """Reads what a folder says of what is in it; "" is the whole one. Raises InvalidInput for what is no list."""
        for name, rules in ((OF_GIT, self._of_git), (OWN, self._own)):
            if (text := self._text(path, name)) is not None:
                rules[path] = _parsed(text, posixpath.join(path, name))

    def holds(self, path: str, *, is_folder: bool) -> bool:
        """Whether a file, or a folder with all that is in it, is left out, by the rules of the folders that were
        entered.
        """
        shown = f"{path}/" if is_folder else path
        own = _verdict(self._own, shown)
        if own is not None:
            return own
        left_out = bool(_verdict(self._of_git, shown)) or self._is_left_out_by_docker(shown)
        return left_out and not (is_folder and self._takes_some_along())

    def _takes_some_along(self) -> bool:
        """Whether something in a folder that is left out may be taken along all the same."""
        specs = (self._of_docker, *self._own.values())
        return any(pattern.include is False for spec in specs for pattern in spec.patterns)

    def _is_left_out_by_docker(self, path: str) -> bool:
        if _READ_BY_DOCKER.fullmatch(PurePosixPath(path).name):
            return False
        return bool(self._of_docker.check_file(path).include)

    def _text(self, path: str, name: str) -> str | None:
        file = self._folder / path / name
        try:
            return file.read_text(errors="surrogateescape") if file.is_file() else None
        except OSError as error:
            raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from error


def _verdict(rules: dict[str, GitIgnoreSpec], path: str) -> bool | None:
    """What the nearest folder says that says something; None where none does."""
    for parent in map(str, PurePosixPath(path).parents):
        base = "" if parent == "." else parent
        if base in rules and (said := rules[base].check_file(path[len(base) :].lstrip("/")).include) is not None:
            return said
    return None


def _parsed(text: str, name: str) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(text.splitlines())
    except ValueError as error:
        raise InvalidInput(f"{name} has a pattern that is none: {error}") from error


def _as_of_git(lines: Iterable[str]) -> Iterator[str]:
    """Docker's patterns as git's: each of them begins at the top."""
    for line in map(str.strip, lines):
        if not line or line.startswith("#"):
            continue
        pattern = posixpath.normpath(line.removeprefix("!").strip()).lstrip("/")
        if pattern != ".":
            yield f"{'!' if line.startswith('!') else ''}/{pattern}"
