"""The repositories inside a repository: read from a commit, found in mirrors beside its own."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Awaitable, Callable

from headway.drivers.sources.base import SourceError
from headway.drivers.sources.git_commands import Git
from headway.drivers.sources.mirror import run
from headway.drivers.sources.remote import Remote, Transport, join_relative, parse_remote
from headway.infra.hosts.command import Account
from headway.infra.hosts.work import Work
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, InvalidInput

MOST = 50

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LINK_MODE = "160000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A commit of a repository to be laid out at ``path``, relative to the workspace; "" is the source itself."""

    path: str
    commit_hash: str
    remote: Remote
    mirror: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a commit says of a submodule: where it lies, where it comes from, and at which commit."""

    path: str
    url: str
    commit_hash: str


Visit = Callable[[int, Module], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Goes through all submodules of a commit, outer ones first; ``prefix`` begins the names of its commands."""

    work: Work
    git: Git
    account: Account | None
    prefix: str

    async def each(self, source: Module, visit: Visit) -> int:
        """Calls ``visit`` with a running number and each submodule of ``source``, before those inside it are looked
        for; gives their number. Raises SourceError when there are too many or one cannot be had.
        """
        modules = [source]
        for number, outer in enumerate(modules):  # grows while it is gone through
            for link in await self._links(outer, number):
                if len(modules) > MOST:
                    raise SourceError(f"The repository has more than {MOST} submodules, which is the most allowed.")
                inner = _module(source, outer, link)
                await visit(len(modules), inner)
                modules.append(inner)
        return len(modules) - 1

    async def _links(self, outer: Module, number: int) -> tuple[Link, ...]:
        name = f"{self.prefix}modules-{number}"
        command = self.git.gitmodules(outer.mirror, outer.commit_hash, self.account)
        settings = await run(self.work, f"{name}-settings", command)
        text = settings.output.decode(errors="surrogateescape")
        if not settings.succeeded:
            if "unable to resolve config blob" in text:
                return ()
            raise SourceError("The .gitmodules of the repository cannot be read: git finds no valid settings in it.")
        places = parse_gitmodules(text)
        if not places:
            return ()
        command = self.git.links(outer.mirror, outer.commit_hash, tuple(places), self.account)
        entries = await run(self.work, f"{name}-links", command)
        return parse_links(entries.output.decode(errors="surrogateescape"), places)


def parse_gitmodules(text: str) -> dict[str, str]:
    """Address by path, from what `git config -z --list` prints of a .gitmodules; incomplete entries are left out."""
    settings: dict[str, dict[str, str]] = {}
    for entry in text.split("\0"):
        key, _, value = entry.partition("\n")
        section, _, setting = key.rpartition(".")
        if section.startswith("submodule.") and setting in {"path", "url"}:
            settings.setdefault(section, {})[setting] = value
    return {found["path"]: found["url"] for found in settings.values() if found.get("path") and found.get("url")}


def parse_links(text: str, places: dict[str, str]) -> tuple[Link, ...]:
    """The submodules among the tree entries that `git ls-tree -z` prints."""
    links = []
    for entry in text.split("\0"):
        meta, _, path = entry.partition("\t")
        fields = meta.split(" ")
        if len(fields) == 3 and fields[0] == _LINK_MODE and path in places:
            links.append(Link(path=path, url=places[path], commit_hash=fields[2]))
    return tuple(links)


def _module(source: Module, outer: Module, link: Link) -> Module:
    path = posixpath.normpath(link.path)
    if path.startswith(("/", "../", "-")) or path in {".", ".."} or _CONTROL.search(path):
        raise SourceError("A submodule of the repository has a path that leads out of it.")
    try:
        remote = _remote(outer.remote, link.url)
    except InvalidInput as error:
        raise SourceError(f"The submodule '{path}' cannot be fetched. {error.message}") from error
    key = hashlib.sha256(remote.url.encode(errors="surrogateescape")).hexdigest()[:20]
    return Module(
        path=posixpath.join(outer.path, path),
        commit_hash=link.commit_hash,
        remote=remote,
        mirror=f"{source.mirror}.modules/{key}",
    )


def _remote(outer: Remote, url: str) -> Remote:
    """A submodule's remote. Only a repository of this machine may name others of this machine: a stranger's may not
    point into our folders, whoever deploys it.
    """
    if url in {".", ".."} or url.startswith(("./", "../")):
        return join_relative(outer, url)
    remote = parse_remote(url, allow_file=outer.transport is Transport.FILE)
    if remote.site == outer.site and not (remote.login or remote.password):
        return Remote(
            transport=remote.transport,
            url=remote.url,
            site=remote.site,
            host=remote.host,
            login=outer.login,
            password=outer.password,
        )
    return remote


def blame(module: Module, error: HeadwayError) -> SourceError:
    """The error of a submodule, with its path in front."""
    return SourceError(f"Submodule '{module.path}': {error.message}")
