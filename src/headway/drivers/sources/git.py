"""The git source: a mirror per application, of which commits are laid out as workspaces."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import field, replace
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from headway.drivers.sources.base import CommitMissing, SourceError
from headway.drivers.sources.build_path import find_build_path, parse_build_path
from headway.drivers.sources.git_commands import GITCONFIG, Git
from headway.drivers.sources.git_errors import MENDED_THERE
from headway.drivers.sources.mirror import UNDO_FETCH, Mirror, remove_unfinished, run, taken_over
from headway.drivers.sources.omissions import say_omissions
from headway.drivers.sources.ref import Ref, RefKind
from headway.drivers.sources.remote import Remote, Transport, parse_remote
from headway.drivers.sources.ssh_key import tidy_ssh_key
from headway.drivers.sources.submodules import Module, Walk, blame
from headway.infra.hosts.base import Host
from headway.infra.hosts.command import Account, Command
from headway.infra.hosts.work import Work
from headway.infra.outward_connections import LeadsNear, judged
from headway.kernel.artifacts import Commit, Workspace
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError
from headway.kernel.phrase import phrase
from headway.kernel.secret import Secret

UNDO_KEY = "git-key"


class Given(Enum):
    """What a mirror gives of a commit."""

    WHOLE = auto()
    MISSING = auto()
    DAMAGED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSpec:
    """What to fetch: ``url`` may hold credentials, ``ref`` None is the default branch, ``build_path`` is relative to
    the repository, ``allow_file`` lets a folder of the machine be fetched (owners and admins only). What is ``guarded``
    comes from the internet only, its submodules too.
    """

    url: str = field(repr=False)
    ref: Ref | None = None
    build_path: str = "/"
    submodules: bool = False
    ssh_key: Secret | None = None
    allow_file: bool = False
    guarded: bool = False

    def check(self) -> Remote:
        """The remote, after all that can be told without asking anybody. Raises InvalidInput."""
        remote = parse_remote(self.url, allow_file=self.allow_file)
        parse_build_path(self.build_path)
        if self.ssh_key is not None:
            tidy_ssh_key(self.ssh_key.reveal())
        return remote


@dataclass(frozen=True, slots=True, kw_only=True)
class GitAccounts:
    """``git`` owns the mirrors and runs no user code, ``build`` owns the workspace; None is the panel's own account."""

    git: Account | None = None
    build: Account | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSource:
    """A git repository as a source; one run at a time may use its mirror. ``login`` gives user and password whenever
    the repository's site is about to be asked: they may hold for a short time only, and are kept nowhere.
    """

    spec: GitSpec
    accounts: GitAccounts
    git: Git
    login: Callable[[], Awaitable[tuple[Secret, Secret]]] | None = None

    async def fetch(self, work: Work) -> Commit:
        """Brings the ref, and its submodules, into the mirrors; see `Source.fetch`."""
        remote = await self._opened(self.spec.check())
        await self._write_settings(work, remote)
        async with self._key(work, remote) as key_file:
            source = await self._mirror(work, remote, key_file)
            commit = await source.fetch(self.spec.ref)
            if self.spec.submodules:
                await self._fetch_submodules(work, remote, commit, key_file)
        await work.say(phrase("Fetched {} of {}", commit.branch or commit.hash[:12], remote.url))
        await work.say(phrase("Commit {} by {}: {}", commit.hash[:12], commit.author, commit.subject))
        return commit

    async def head(self, work: Work) -> str | None:
        """The commit that the ref names over there now, nothing of which is fetched; None where there is no such ref.
        Raises SourceError.
        """
        remote = await self._opened(self.spec.check())
        await self._write_settings(work, remote)
        async with self._key(work, remote) as key_file:
            return await (await self._mirror(work, remote, key_file)).head(self.spec.ref)

    async def check_out(self, work: Work, commit: Commit, root: str) -> Workspace:
        """Lays the commit, and its submodules, out in ``root``; see `Source.check_out`."""
        remote = self.spec.check()
        await work.host.make_folder(root, owner=self.accounts.build)
        source = self._source(remote, commit)

        async def lay_out(number: int, module: Module) -> None:
            await self._lay_out(work, number, module, root)

        await lay_out(0, source)
        if self.spec.submodules:
            await self._open_modules(work)
            walk = Walk(work=work, git=self.git, account=self.accounts.git, prefix="git-check-out-")
            await walk.each(source, lay_out)
        return await self.workspace(work, root)

    async def pack(self, work: Work, commit: Commit, path: str) -> bool:
        """Writes the commit as a tar; submodules have mirrors of their own. See `Source.pack`."""
        if self.spec.submodules:
            return False
        module = self._source(self.spec.check(), commit)
        pack = self.git.pack(module.mirror, module.commit_hash, path, self.accounts.git)
        await self._taken(work, "git-pack", module, pack)
        return True

    async def workspace(self, work: Work, root: str) -> Workspace:
        """See `Source.workspace`."""
        await say_omissions(work, root, submodules=self.spec.submodules)
        return await find_build_path(work, root, self.spec.build_path, self.accounts.build)

    async def _fetch_submodules(self, work: Work, remote: Remote, commit: Commit, key_file: str | None) -> None:
        async def fetch(number: int, module: Module) -> None:
            mirror = await self._mirror(work, module.remote, key_file, folder=module.mirror, prefix=f"git-{number}-")
            try:
                await mirror.fetch(Ref(kind=RefKind.COMMIT, name=module.commit_hash))
            except SourceError as error:
                raise blame(module, error) from error

        await self._open_modules(work)
        walk = Walk(work=work, git=self.git, account=self.accounts.git, prefix="git-")
        count = await walk.each(self._source(remote, commit), fetch)
        if count:
            await work.say(phrase("Fetched {} submodule{}", count, "s" if count > 1 else ""))

    async def _open_modules(self, work: Work) -> None:
        """The folder of the mirrors of submodules is the panel's; git passes it, also where it was git's own."""
        await work.host.make_folder(f"{self.git.folders.mirror}.modules", mode=0o711)

    async def _lay_out(self, work: Work, number: int, module: Module, root: str) -> None:
        """One commit in its place in the workspace."""
        name = f"git-check-out-{number}" if number else "git-check-out"
        folder = f"{root}/{module.path}" if module.path else root
        git, owner = self.git, self.accounts.build
        extract = git.extract(module.mirror, module.commit_hash, folder, self.accounts.git, owner)
        await self._taken(work, name, module, extract)

    async def _taken(self, work: Work, name: str, module: Module, command: Command) -> None:
        """Takes a commit from its mirror by a command. One that the mirror has lost is fetched again, by its hash, into
        a new mirror where the old one turns out to be damaged.
        """
        await taken_over(work, module.mirror, self.accounts.git, f"{name}-take-over")
        given = await self._given(work, name, module, command)
        if given is Given.WHOLE:
            return
        shown, is_damaged = module.commit_hash[:12], given is Given.DAMAGED
        if is_damaged:
            await work.say(phrase("The copy of {} on this machine is no good, and is made anew.", module.remote.url))
        else:
            await work.say(phrase("Commit {} is no longer kept on this host, and is fetched again.", shown))
        remote = await self._opened(module.remote)
        await self._write_settings(work, remote)
        async with self._key(work, remote) as key_file:
            mirror = await self._mirror(work, remote, key_file, folder=module.mirror, prefix=f"{name}-again-")
            try:
                await mirror.fetch(Ref(kind=RefKind.COMMIT, name=module.commit_hash), anew=is_damaged)
            except SourceError as error:
                raise CommitMissing(
                    f"The commit {shown} is not kept on this host any more, and not to be fetched: {error.message} "
                    "Deploy the newest state instead."
                ) from error
        match await self._given(work, f"{name}-again", module, command):
            case Given.MISSING:
                raise CommitMissing(f"The commit {shown} is not in {module.remote.url} any more.")
            case Given.DAMAGED:
                raise SourceError(
                    f"The repository {module.remote.url} is damaged: commit {shown} cannot be read out of a copy that "
                    f"was just made either (the log has what git says). {MENDED_THERE}"
                )

    async def _given(self, work: Work, name: str, module: Module, command: Command) -> Given:
        """Whether the mirror has the commit, whole; then it is taken."""
        ended = await run(work, name, command)
        if ended.succeeded:
            return Given.WHOLE
        has = self.git.has(module.mirror, module.commit_hash, self.accounts.git)
        kept = await run(work, f"{name}-has", has)
        if not kept.succeeded:
            return Given.MISSING
        whole = self.git.read_whole(module.mirror, module.commit_hash, self.accounts.git)
        if not (await run(work, f"{name}-whole", whole)).succeeded:
            return Given.DAMAGED
        # So it is the other side that could not be written: the run names the end that it has recorded.
        await work.command(name, command)
        return Given.MISSING

    async def _opened(self, remote: Remote) -> Remote:
        """The remote with what opens it now, where it is of the site for which there is a login."""
        if self.login is None or remote.site != self.spec.check().site:
            return remote
        user, password = await self.login()
        return replace(remote, login=user, password=password)

    def _source(self, remote: Remote, commit: Commit) -> Module:
        return Module(path="", commit_hash=commit.hash, remote=remote, mirror=self.git.folders.mirror)

    async def _mirror(
        self, work: Work, remote: Remote, key_file: str | None, *, folder: str | None = None, prefix: str = "git-"
    ) -> Mirror:
        is_ssh = remote.transport is Transport.SSH
        if self.spec.guarded:
            remote = await _outward(remote)
        return Mirror(
            work=work,
            git=self.git,
            folder=folder or self.git.folders.mirror,
            remote=remote,
            account=self.accounts.git,
            key_file=key_file if is_ssh else None,
            nameless=is_ssh and await _is_nameless(work.host, self.accounts.git),
            prefix=prefix,
        )

    async def _write_settings(self, work: Work, remote: Remote) -> None:
        """Git's configuration, and the file of known hosts, which ssh itself writes on from then on."""
        folders = self.git.folders
        if await work.host.read_file(folders.gitconfig) != GITCONFIG:
            await work.host.make_folder(posixpath.dirname(folders.gitconfig), mode=0o711)
            await work.host.write_file(folders.gitconfig, GITCONFIG, mode=0o644)
        if await work.host.read_file(folders.known_hosts, limit=1) is None:
            await work.host.make_folder(posixpath.dirname(folders.known_hosts), mode=0o711)
            before = await work.host.read_file(folders.known_before) if folders.known_before else None
            seen = keys_of(before or b"", remote)
            await work.host.write_file(folders.known_hosts, seen, owner=self.accounts.git)

    @asynccontextmanager
    async def _key(self, work: Work, remote: Remote) -> AsyncIterator[str | None]:
        """The SSH key as a file that only the git account reads, for as long as it is used."""
        needs_key = remote.transport is Transport.SSH or self.spec.submodules
        if self.spec.ssh_key is None or not needs_key:
            yield None
            return
        # A name of the mirror's own, the same when the run is taken up again, so that no copy is left behind.
        name = hashlib.sha256(self.git.folders.mirror.encode()).hexdigest()[:24]
        path = f"{self.git.folders.key_folder}/{name}"
        await work.undo(UNDO_KEY, {"path": path})
        await work.host.make_folder(self.git.folders.key_folder, mode=0o711)
        key = tidy_ssh_key(self.spec.ssh_key.reveal())
        await work.host.write_file(path, key.encode(), owner=self.accounts.git)
        try:
            yield path
        except HeadwayError:
            await work.host.remove_tree(path)
            raise
        # Not when the panel is shut down: the fetch lives on and needs it. The next panel comes by here again, and
        # whoever ends the run takes it away by the undo.
        await work.host.remove_tree(path)


async def _undo_key(host: Host, data: Mapping[str, Any]) -> None:
    await host.remove_tree(str(data["path"]))


async def _undo_fetch(host: Host, data: Mapping[str, Any]) -> None:
    await remove_unfinished(host, str(data["mirror"]))


UNDOS: Mapping[str, Callable[[Host, Mapping[str, Any]], Awaitable[None]]] = MappingProxyType(
    {UNDO_KEY: _undo_key, UNDO_FETCH: _undo_fetch}
)
"""What takes back what a git source recorded with ``Work.undo``."""


def keys_of(known_hosts: bytes, remote: Remote) -> bytes:
    """The lines of a file of known hosts that are about this remote's."""
    names = {remote.host.encode(), f"[{remote.host}]:{remote.port}".encode()}
    lines = known_hosts.splitlines(keepends=True)
    return b"".join(line for line in lines if names & set(line.split(b" ", 1)[0].split(b",")))


async def _outward(remote: Remote) -> Remote:
    """The remote, and where it leads: looked up once, judged, and what git is to connect to. Raises SourceError."""
    try:
        return replace(remote, pinned=await judged(remote.host, remote.port))
    except LeadsNear as near:
        raise SourceError(near.message) from near
    except (OSError, TimeoutError) as error:
        raise SourceError(f"The host {remote.host} of the repository cannot be found.") from error


async def _is_nameless(host: Host, account: Account | None) -> bool:
    """Whether the machine's user table has no entry for the account."""
    if account is None:
        return False
    table = await host.read_file("/etc/passwd") or b""
    return not any(
        fields[2:3] == [str(account.uid)] for fields in (line.split(":") for line in table.decode().splitlines())
    )
