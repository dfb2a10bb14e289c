"""The folder of a repository that is built: a path that must not lead out of it."""

from __future__ import annotations

import posixpath
import re

from headway.drivers.sources.base import SourceError
from headway.drivers.sources.git_commands import resolve
from headway.drivers.sources.mirror import run
from headway.infra.hosts.command import Account
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Workspace
from headway.kernel.errors import InvalidInput

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST = 1024


def parse_build_path(path: str) -> str:
    """``path`` relative to the repository and without detours; "" is the repository itself, as is "/".

    Raises InvalidInput when it leads out.
    """
    if len(path) > _LONGEST or _CONTROL.search(path):
        raise InvalidInput(f"The build path is longer than {_LONGEST} characters or holds control characters.")
    relative = posixpath.normpath(path.strip().lstrip("/") or ".")
    if relative == ".." or relative.startswith("../"):
        raise InvalidInput("The build path leads out of the repository. Give a folder inside it, such as 'apps/web'.")
    return "" if relative == "." else relative


async def find_build_path(work: Work, root: str, path: str, account: Account | None) -> Workspace:
    """The workspace at ``root`` with the build path in it. Raises SourceError when that is no folder, or leads outside
    by a symbolic link.
    """
    relative = parse_build_path(path)
    if not relative:
        return Workspace(root=root, folder=root)
    # The dot at the end makes it fail for a file; the build account's eyes see no more than a build could.
    ended = await run(work, "build-path", resolve(root, f"{root}/{relative}/.", account))
    places = ended.output.decode(errors="surrogateescape").split("\0")
    if not ended.succeeded or len(places) < 2:
        raise SourceError(
            f"There is no folder '{relative}' in the repository. Correct the build path, which is relative to the "
            "repository's root."
        )
    real_root, real_folder = places[0], places[1]
    if real_folder != real_root and not real_folder.startswith(f"{real_root}/"):
        raise SourceError(
            f"The build path '{relative}' leads out of the repository by a symbolic link. Choose a folder inside it."
        )
    inside = real_folder.removeprefix(real_root).lstrip("/")
    return Workspace(root=root, folder=f"{root}/{inside}" if inside else root)


async def require_left(work: Work, workspace: Workspace) -> None:
    """Raises SourceError where the build has put a symbolic link in the place of its folder that leads out of the
    workspace: root shows what lies there to the application as its own. The workspace is closed to the build by now.
    """
    if workspace.folder == workspace.root:
        return
    ended = await run(work, "build-path-left", resolve(workspace.root, f"{workspace.folder}/.", None))
    places = ended.output.decode(errors="surrogateescape").split("\0")
    relative = posixpath.relpath(workspace.folder, workspace.root)
    if not ended.succeeded or len(places) < 2:
        raise SourceError(f"The build has left no folder '{relative}', which is its build path.")
    if places[1] != places[0] and not places[1].startswith(f"{places[0]}/"):
        raise SourceError(
            f"The build has put a symbolic link in the place of its build path '{relative}', which leads out of the "
            "repository. Let it leave a folder there."
        )
