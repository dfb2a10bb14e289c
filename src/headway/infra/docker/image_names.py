"""Names of images as an engine understands them: several spellings mean one image, and Headway's own are nobody's."""

from __future__ import annotations

import re

HUB = "docker.io"

_OTHER_HUB = "index.docker.io"
_LIBRARY = "library/"
_ID = r"[A-Za-z0-9_-]{21}"
# What Headway itself calls images: of releases, and of what compose files build; and of releases in a registry.
KEPT = rf"{re.escape(HUB)}/headway-(compose|[0-9a-f]{{12}}(-[0-9a-f]{{8}})?)/[^@]*|[^@]*:r-{_ID}"
# Registries that only somebody on the machine itself can mean: its loopback, and what is link-local.
OF_THE_MACHINE = r"(localhost|[^/]*\.localhost|127\.[^/:]*|0[^/:]*|\d+|169\.254\.[^/:]*|\[[^/]*\])(:\d+)?/.*"
_OF_THE_MACHINE = re.compile(OF_THE_MACHINE, re.DOTALL)
_KEPT = re.compile(rf"({KEPT})(@.*)?", re.DOTALL)


def normalized(name: str) -> str:
    """The whole name that an engine looks an image up by, with its registry and a tag or a digest: of ``nginx``, of
    ``docker.io/nginx`` and of ``index.docker.io/library/nginx:latest`` it is one and the same.
    """
    host, slash, path = name.partition("/")
    if not slash or not _is_registry(host):
        host, path = HUB, name
    if host == _OTHER_HUB:
        host = HUB
    if host == HUB and "/" not in path:
        path = f"{_LIBRARY}{path}"
    bare, at, digest = path.partition("@")
    has_tag = ":" in bare.rpartition("/")[2]
    return f"{host}/{bare}{'' if has_tag or at else ':latest'}{at}{digest}"


def repository(name: str) -> str:
    """The whole name of the place where a registry keeps an image, without a tag or a digest."""
    bare = normalized(name).partition("@")[0]
    return bare.rpartition(":")[0] if ":" in bare.rpartition("/")[2] else bare


def is_kept(name: str) -> bool:
    """Whether this is a name under which Headway keeps an image: somebody's release, or what a compose file built."""
    return _KEPT.fullmatch(normalized(name)) is not None


def is_of_the_machine(name: str) -> bool:
    """Whether an image's registry is on the machine's own network, by its address."""
    return _OF_THE_MACHINE.fullmatch(normalized(name)) is not None


def _is_registry(host: str) -> bool:
    return "." in host or ":" in host or host == "localhost" or host != host.lower()
