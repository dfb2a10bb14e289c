"""Looks into a payload that anybody may have written: what is not of the expected form is not there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from headway.drivers.forges.events import ChangedFiles, Other, RefType

Json = Any

MOST_FILES = 10_000
_LONGEST_NAME = 1_024
MOST_NUMBER = 1 << 31
MOST_LABELS = 100
_LONGEST_TEXT = 4_096
_ZEROS = re.compile(r"0{7,64}")
_HASH = re.compile(r"[0-9a-fA-F]{7,64}")
NO_PULL = Other(why="The pull request lacks its number, its branch or its commit.")
_REFS = ((RefType.BRANCH, "refs/heads/"), (RefType.TAG, "refs/tags/"))


def at(value: Json, *path: str | int) -> Json:
    """What stands at a path of keys and positions; None where the path leads nowhere."""
    for step in path:
        match value, step:
            case dict(), str():
                value = value.get(step)
            case list(), int() if -len(value) <= step < len(value):
                value = value[step]
            case _:
                return None
    return value


def text_at(value: Json, *path: str | int) -> str | None:
    """The text at a path, None where there is none or an empty one."""
    found = at(value, *path)
    return found[:_LONGEST_TEXT] if isinstance(found, str) and found else None


def hash_at(value: Json, *path: str | int) -> str | None:
    """The hash of a commit at a path; None where there is none, or only zeros."""
    found = text_at(value, *path)
    return found.lower() if found and _HASH.fullmatch(found) and not _ZEROS.fullmatch(found) else None


def moment_at(value: Json, *path: str | int) -> datetime | None:
    """The time at a path, None where there is none that can be read."""
    found = (text_at(value, *path) or "").replace(" UTC", "+00:00")
    try:
        moment = datetime.fromisoformat(found)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC) if moment.year > 1 else None


def number_at(value: Json, *path: str | int) -> int | None:
    """The whole number above zero at a path, None where there is none."""
    found = at(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < MOST_NUMBER else None


def list_at(value: Json, *path: str | int) -> list[Json]:
    """The list at a path, empty where there is none."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def is_true(value: Json, *path: str | int) -> bool:
    """Whether true stands at a path."""
    return at(value, *path) is True


def split_ref(ref: str | None) -> tuple[RefType, str] | None:
    """A full ref as branch or tag with its name; None for what is neither."""
    for ref_type, start in _REFS:
        if ref and ref.startswith(start) and len(ref) > len(start):
            return ref_type, ref[len(start) :]
    return None


def texts(*values: str | None) -> tuple[str, ...]:
    """Those that are there, each once."""
    return tuple(dict.fromkeys(each for each in values if each))


def changed_by(commits: Iterable[Json], *, unknown: str | None) -> ChangedFiles:
    """The files of all these commits: added, modified and removed alike. ``unknown`` says why there are more."""
    files: dict[str, None] = {}
    for commit in commits:
        for kind in ("added", "modified", "removed"):
            found = at(commit, kind)
            if not isinstance(found, list):
                unknown = unknown or "the sender does not list the files of every commit"
                continue
            files.update(dict.fromkeys(each[:_LONGEST_NAME] for each in found if isinstance(each, str)))
    if len(files) > MOST_FILES:
        unknown = unknown or f"the push has changed more than {MOST_FILES} files"
    return ChangedFiles(files=tuple(files)[:MOST_FILES], unknown=unknown)


def are_other(one: str | None, other: str | None) -> bool:
    """Whether two repositories are not the same; one without a name is another one."""
    return one is None or other is None or one.lower() != other.lower()
