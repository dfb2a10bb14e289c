"""What a Dockerfile does with the pages of a front end: which folder of it they are in, and where they are put."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import field
from itertools import islice
from typing import Final

from headway.drivers.buildplan.image_stages import whole
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

OUTPUTS: Final = ("dist", "build", "out", "www", ".output/public")

_MOST: Final = 400
_LINE = re.compile(
    r"^[ \t]*(?:FROM[ \t]+(?:--\w{1,40}=\S{1,100}[ \t]+)?(?P<base>\S{1,200})(?:[ \t]+AS[ \t]+(?P<name>\S{1,100}))?"
    r"|WORKDIR[ \t]+[\"']?(?P<folder>[\w./-]{1,200})[\"']?"
    r"|COPY[ \t]+(?P<flags>(?:--[\w-]{1,40}(?:=\S{1,200})?[ \t]+){0,4})(?P<source>[\w./-]{1,200})[ \t]+"
    r"(?P<target>[\w./-]{1,200}))[ \t]*$|^[ \t]*RUN[ \t](?P<run>[^\n]{1,4000})",
    re.MULTILINE | re.IGNORECASE,
)
_MOVES = re.compile(
    r"(?<![\w./-])(?:mv|cp)[ \t]+(?:-{1,2}[\w-]{1,20}[ \t]+){0,4}(?P<source>[\w./-]{1,200}?)(?:/\*|/\.|/)?[ \t]+"
    r"(?P<target>[\w./-]{1,200})"
)


@dataclass(slots=True, kw_only=True)
class _Stage:
    """A stage: the folder that it is in, and what of the repository it has where, by whole paths."""

    folder: str = "/"
    copied: list[tuple[str, str]] = field(default_factory=list)


def pages_put(tree: Tree, folder: str) -> tuple[str, str] | None:
    """The folder of a front end that has its pages once it is built, and the one that the last stage has them in, seen
    from where its program is started; both below the build path. None where the Dockerfile says nothing of them.
    """
    return next((each for each in _put(tree) if each[0] in {f"{folder}/{out}" for out in OUTPUTS}), None)


def _put(tree: Tree) -> Iterator[tuple[str, str]]:
    stages: dict[str, _Stage] = {}
    stage = _Stage()
    moved = list[tuple[str, str]]()
    for match in islice(_LINE.finditer(whole(tree)), _MOST):
        if match["base"] is not None:
            above = stages.get(match["base"].lower(), _Stage())
            stage = _Stage(folder=above.folder, copied=[*above.copied])
            stages[(match["name"] or str(len(stages))).lower()] = stage
        elif match["folder"] is not None:
            stage.folder = posixpath.normpath(posixpath.join(stage.folder, match["folder"]))
        elif match["run"] is not None:
            moved += [
                (posixpath.normpath(each["source"]), posixpath.normpath(each["target"]))
                for each in _MOVES.finditer(match["run"])
                if not each["source"].startswith("/") and not each["target"].startswith("/")
            ]
        else:
            of = re.search(r"--from=(\S+)", match["flags"], re.IGNORECASE)
            place = _source(
                stages.get(of[1].lower()) if of is not None else None, match["source"], is_of=of is not None
            )
            if place is not None:
                stage.copied.append((posixpath.normpath(posixpath.join(stage.folder, match["target"])), place))
    yield from moved
    yield from ((place, _below(target, stage.folder)) for target, place in stage.copied if _below(target, stage.folder))


def _source(other: _Stage | None, path: str, *, is_of: bool) -> str | None:
    """What of the repository a path is that is copied, "" for all of it; None for anything else."""
    if not is_of:
        return posixpath.normpath(f"/{path}").lstrip("/")
    path = posixpath.normpath(posixpath.join("/", path))
    above = [] if other is None else [each for each in other.copied if f"{path}/".startswith(f"{each[0].rstrip('/')}/")]
    if not above:
        return None
    target, place = max(above, key=lambda each: len(each[0]))
    return posixpath.join(place, path.removeprefix(target.rstrip("/")).strip("/")).strip("/")


def _below(path: str, folder: str) -> str:
    """A whole path as it is seen from a folder, "" for one elsewhere."""
    above = f"{folder.rstrip('/')}/"
    return path.removeprefix(above) if path.startswith(above) else ""
