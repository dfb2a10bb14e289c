"""What `git log` says of a commit, made fit to be shown: it is text that strangers wrote."""

from __future__ import annotations

import re

from headway.kernel.artifacts import Commit

FORMAT = "--format=%H%x00%s%x00%an"

_SUBJECT_LENGTH = 200
_NAME_LENGTH = 100
_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def read_commit(output: bytes, branch: str) -> Commit | None:
    """The commit that `git log` printed in ``FORMAT``; None when it printed something else."""
    fields = output.decode(errors="replace").strip("\n").split("\0")
    if len(fields) != 3 or not _HASH.fullmatch(fields[0]):
        return None
    return Commit(
        hash=fields[0],
        subject=showable(fields[1], _SUBJECT_LENGTH),
        author=showable(fields[2], _NAME_LENGTH),
        branch=showable(branch, _NAME_LENGTH),
    )


def showable(text: str, length: int) -> str:
    """``text`` on one line, without what moves cursors or turns the direction of writing, at most ``length`` long."""
    text = _UNSHOWABLE.sub(" ", text).strip()
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
