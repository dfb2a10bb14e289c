"""What of a repository is not in what was laid out of it: submodules, where nobody asked for them, and files in LFS."""

from __future__ import annotations

import re
from typing import Final

from headway.drivers.sources.commits import showable
from headway.infra.hosts.base import LeadsOutside
from headway.infra.hosts.work import Work
from headway.kernel.phrase import phrase

_MODULE = re.compile(rb"^\s*+path\s*+=\s*+([^\r\n]{1,200})", re.MULTILINE)
_BY_LFS: Final = b"filter=lfs"
_POINTER: Final = b"version https://git-lfs.github.com/spec/v1\n"
_SHORTEST, _LONGEST = 100, 1_023  # bytes of a pointer, by its specification
_MOST: Final = 500
_DEEPEST: Final = 12
_SHOWN: Final = 3
_LONGEST_NAME: Final = 120


async def say_omissions(work: Work, root: str, *, submodules: bool) -> None:
    """Says what is missing below ``root``, with the way to have it; ``submodules`` are fetched."""
    modules, attributes = await _read(work, root)
    paths = [] if submodules else [path.decode(errors="replace").strip() for path in _MODULE.findall(modules)]
    if paths:
        await work.say(
            phrase(
                "Not fetched: the submodules of the repository, so that {} is empty. With --submodules (headway apps"
                " set, headway composes set) the next deploy fetches them.",
                _listed(paths),
            )
        )
    pointers = await _pointers(work, root) if _BY_LFS in attributes else []
    if pointers:
        await work.say(
            phrase(
                "Not fetched: files that lie in LFS, so that {} holds no more than where it lies. Take what is"
                " needed out of LFS ('git lfs migrate export --include=FILE'), or upload a folder that has"
                " it (headway deploy FOLDER, one without .git).",
                _listed(pointers),
            )
        )


async def _read(work: Work, root: str) -> tuple[bytes, bytes]:
    try:
        found = await work.host.read_files([f"{root}/.gitmodules", f"{root}/.gitattributes"], 65_536, below=root)
    except LeadsOutside:
        return b"", b""
    return found[0] or b"", found[1] or b""


async def _pointers(work: Work, root: str) -> list[str]:
    listing = await work.host.list_files(root, without=(".git",), deepest=_DEEPEST)
    small = [each.name for each in listing.files if each.target is None and _SHORTEST <= each.size <= _LONGEST][:_MOST]
    begun = await work.host.read_files([f"{root}/{name}" for name in small], len(_POINTER), below=root)
    return [name for name, data in zip(small, begun, strict=True) if data == _POINTER]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(showable(name, _LONGEST_NAME) for name in names[:_SHOWN]) + more
