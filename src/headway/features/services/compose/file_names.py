"""Which of the files of a deploy is its compose file: the one that was named, or one of the names that Compose has."""

from __future__ import annotations

import posixpath
from typing import Final

from headway.core.deployments.run import RunFailed
from headway.core.deployments.status import Reason
from headway.drivers.buildplan.composes import COMPOSES
from headway.features.services.compose.model import RAW, ComposeSettings
from headway.infra.hosts.base import Host, LeadsOutside

RAW_FILE: Final = "docker-compose.yml"
WHERE_IT_IS: Final = "Say where it is: headway composes set NAME --path PATH."


async def path_there(settings: ComposeSettings, host: Host, root: str, own: str) -> str:
    """The path of the compose file within the files: the one that is set; where that is the default and not there, the
    first of Compose's names in the same folder. ``own`` is the folder that no link may lead out of. Raises RunFailed
    where there is none of them.
    """
    path = settings.compose_path
    if settings.source_type == RAW or path != ComposeSettings().compose_path or await _is_there(host, root, path, own):
        return path
    for name in COMPOSES:
        if await _is_there(host, root, f"./{name}", own):
            return f"./{name}"
    *names, last = COMPOSES
    raise _refused(f"There is no {', '.join(names)} or {last} among the files. {WHERE_IT_IS}")


def compose_file(settings: ComposeSettings, path: str, root: str) -> str:
    """Where the compose file lies. Raises RunFailed where that is not among the files."""
    if settings.source_type == RAW:
        return f"{root}/{RAW_FILE}"
    file = posixpath.normpath(f"{root}/{path.lstrip('/')}")
    if not file.startswith(f"{root}/"):
        raise _refused(f"composePath {path!r} leads out of the repository.")
    return file


async def _is_there(host: Host, root: str, path: str, own: str) -> bool:
    """A link that leads out is there too: whoever reads the file refuses it."""
    try:
        return await host.read_file(posixpath.join(root, path[2:]), 1, below=own) is not None
    except LeadsOutside:
        return True


def _refused(message: str) -> RunFailed:
    return RunFailed(message, Reason.REFUSED)
