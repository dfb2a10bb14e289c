"""One bare repository per remote on the host: fetched into, shallow and as little as possible, and read from."""

from __future__ import annotations

import re
from dataclasses import replace

from headway.drivers.sources import git_errors
from headway.drivers.sources.base import SourceError
from headway.drivers.sources.commits import read_commit
from headway.drivers.sources.git_commands import (
    EVERYTHING,
    SOURCE_REF,
    UNFINISHED,
    Call,
    Git,
    attributes,
    clear,
    discard,
    own,
)
from headway.drivers.sources.git_errors import Failure, Remedy
from headway.drivers.sources.ref import Ref, RefKind
from headway.drivers.sources.remote import Remote
from headway.infra.hosts.base import Exit, Host
from headway.infra.hosts.command import Account, Command
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Commit
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError
from headway.kernel.phrase import phrase

UNDO_FETCH = "git-fetch"
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LONGEST_HASH = 65


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One way of trying: the whole history, a mirror made anew. ``as_panel``, so that root fetches, is found out of the
    machine before a remote is asked; nothing that a remote says leads there.
    """

    full: bool = False
    anew: bool = False
    as_panel: bool = False

    @property
    def name(self) -> str:
        """What sets its commands apart from those of other attempts: a run starts no name twice."""
        flags = (("-full", self.full), ("-anew", self.anew), ("-as-panel", self.as_panel))
        return "".join(text for text, is_set in flags if is_set)

    def after(self, remedy: Remedy) -> Attempt | None:
        """The next attempt after a failure; None when the remedy is no other attempt, or was tried already."""
        match remedy:
            case Remedy.FULL if not self.full:
                return replace(self, full=True)
            case Remedy.DISCARD if not self.anew:
                return replace(self, anew=True)
            case _:
                return None


_PLAIN = Attempt()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The branch that HEAD names (None where it names a commit only), and the commit."""

    branch: Ref | None
    commit_hash: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """The mirror at ``folder`` of ``remote``. ``account`` owns it; ``prefix`` begins the names of its commands."""

    work: Work
    git: Git
    folder: str
    remote: Remote
    account: Account | None
    key_file: str | None = None
    nameless: bool = False
    prefix: str = "git-"

    async def fetch(self, ref: Ref | None, *, anew: bool = False) -> Commit:
        """Brings the ref (None: the default branch) into the mirror, which is made ``anew`` first where that is wanted,
        and once where it is found damaged. Raises SourceError with the reason.
        """
        is_full = ref is not None and ref.is_short_hash
        attempt: Attempt | None = Attempt(full=is_full, anew=anew, as_panel=not await self._starts_ssh())
        failure = Failure(sentence="")
        while attempt is not None:
            try:
                return await self._attempt(ref, attempt)
            except _Failed as failed:
                failure = failed.failure
                attempt = attempt.after(failure.remedy)
                if attempt is not None and failure.remedy is Remedy.DISCARD:
                    await self.work.say(
                        phrase("The copy of {} on this machine is no good, and is made anew.", self.remote.url)
                    )
        raise SourceError(failure.sentence)

    async def head(self, ref: Ref | None) -> str | None:
        """The commit that the remote has for the ref (None: for its default branch); None where it has no such ref.
        Raises SourceError.
        """
        call = self._call(as_panel=False)
        command = self.git.list_head(call) if ref is None else self.git.list_names(call)
        ended = await self._run("heads", command)
        if not ended.succeeded:
            raise SourceError(self._failure(ended, ref).sentence)
        wanted = "HEAD" if ref is None else ref.remote_name
        lines = (line.partition("\t") for line in ended.output.decode(errors="replace").splitlines())
        return next((found for found, _, name in lines if name == wanted and not found.startswith("ref:")), None)

    def _call(self, *, as_panel: bool) -> Call:
        return Call(
            remote=self.remote,
            account=self.account,
            key_file=self.key_file,
            nameless=self.nameless,
            as_panel=as_panel,
        )

    async def _starts_ssh(self) -> bool:
        """Whether ssh starts under the account, as the machine says that is asked nothing of any remote."""
        if not self.nameless or self.account is None:
            return True
        return (await self._run("mapped", self.git.try_mapped(self.account))).succeeded

    async def _attempt(self, ref: Ref | None, attempt: Attempt) -> Commit:
        await self.work.undo(UNDO_FETCH, {"mirror": self.folder})
        await self._make_ready(attempt)
        call = self._call(as_panel=attempt.as_panel)
        head = await self._head(call, attempt) if ref is None else None
        if head is not None and (known := await self._known(head, attempt)) is not None:
            return known
        wanted = ref or (head.branch if head is not None else None)
        is_everything = attempt.full and wanted is not None and wanted.kind is RefKind.COMMIT
        source = f"+{wanted.remote_name if wanted else 'HEAD'}:{SOURCE_REF}"
        command = self.git.fetch(
            self.folder, EVERYTHING if is_everything else (source,), call, depth=await self._depth(attempt)
        )
        ended = await self._run(f"fetch{attempt.name}", command)
        if attempt.as_panel and self.account is not None:
            await self.work.command(f"{self.prefix}own{attempt.name}", own(self.folder, self.account))
        if not ended.succeeded:
            # Before anything is recorded: where the fetch has filled the disk of the database, too, the end of the run
            # could not be, and it is that end that the undo comes with. A command, as another attempt may run by the
            # time at which this one is looked at again.
            await self._run(f"clear{attempt.name}", clear(self.folder, self.account))
            raise _Failed(await self._explain(ended, wanted, call, attempt))
        revision = wanted.name if is_everything and wanted else SOURCE_REF
        return await self._describe(revision, wanted, attempt)

    async def _make_ready(self, attempt: Attempt) -> None:
        """Makes the mirror unless it is there, as the account's. The attributes are written last, so they say so."""
        if attempt.anew:
            # A command, not a call of the host: it happens once, also when this run is taken up again.
            await self.work.command(f"{self.prefix}discard{attempt.name}", discard(self.folder))
        if await taken_over(self.work, self.folder, self.account, f"{self.prefix}take-over{attempt.name}"):
            return
        await self.work.host.make_folder(self.folder, owner=self.account)
        name = f"init{attempt.name}"
        ended = await self._run(name, self.git.init(self.folder, self.account))
        if not ended.succeeded:
            failure = self._failure(ended, None, attempt)
            raise _Failed(Failure(sentence=failure.sentence, remedy=Remedy.DISCARD))
        await _complete(self.work.host, self.folder, self.account)

    async def _head(self, call: Call, attempt: Attempt) -> Head:
        """What HEAD names over there."""
        ended = await self._run(f"head{attempt.name}", self.git.list_head(call))
        if not ended.succeeded:
            raise _Failed(self._failure(ended, None, attempt))
        head = read_head(ended.output.decode(errors="replace"))
        if head is None:
            raise SourceError(await self._without_head(call, attempt))
        return head

    async def _known(self, head: Head, attempt: Attempt) -> Commit | None:
        """The commit that HEAD names, where it is what was fetched last: then nothing is fetched. None also where the
        mirror cannot be read as its owner, as after a fetch that was cut off.
        """
        if head.commit_hash is None or attempt.anew:
            return None
        fetched = await self.work.host.read_file(f"{self.folder}/{SOURCE_REF}", _LONGEST_HASH, below=self.folder)
        if fetched is None or fetched.decode(errors="replace").strip() != head.commit_hash:
            return None
        ended = await self._run(f"known{attempt.name}", self.git.describe(self.folder, SOURCE_REF, self.account))
        return read_commit(ended.output, head.branch.name if head.branch else "") if ended.succeeded else None

    async def _without_head(self, call: Call, attempt: Attempt) -> str:
        """HEAD leads nowhere: the repository is empty, or its default branch was never pushed."""
        listing = await self._run(f"names{attempt.name}", self.git.list_names(call))
        if b"\trefs/" not in listing.output:
            return git_errors.empty(self.remote)
        return f"The default branch of {self.remote.url} does not exist. Name the branch to deploy."

    async def _depth(self, attempt: Attempt) -> tuple[str, ...]:
        if not attempt.full:
            return ("--depth=1",)
        is_shallow = await self.work.host.read_file(f"{self.folder}/shallow", below=self.folder) is not None
        return ("--unshallow",) if is_shallow else ()

    async def _explain(self, ended: Exit, wanted: Ref | None, call: Call, attempt: Attempt) -> Failure:
        failure = self._failure(ended, wanted, attempt)
        if failure.remedy is Remedy.NAME_OTHERS and wanted is not None:
            listing = await self._run(f"names{attempt.name}", self.git.list_names(call))
            if listing.succeeded:
                text = listing.output.decode(errors="replace")
                return Failure(sentence=git_errors.explain_missing(wanted, self.remote, text))
        return failure

    def _failure(self, ended: Exit, ref: Ref | None, attempt: Attempt = _PLAIN) -> Failure:
        text = ended.output.decode(errors="replace")
        return git_errors.explain(
            text,
            remote=self.remote,
            ref=ref,
            known_hosts=self.git.folders.known_hosts,
            mirror=self.folder,
            is_new=attempt.anew,
        )

    async def _describe(self, revision: str, ref: Ref | None, attempt: Attempt) -> Commit:
        ended = await self._run(f"commit{attempt.name}", self.git.describe(self.folder, revision, self.account))
        branch = ref.name if ref is not None and ref.kind is not RefKind.COMMIT else ""
        commit = read_commit(ended.output, branch) if ended.succeeded else None
        if commit is None:
            raise SourceError(git_errors.not_a_commit(ref, self.remote))
        return commit

    async def _run(self, name: str, command: Command) -> Exit:
        return await run(self.work, f"{self.prefix}{name}", command)


def read_head(listing: str) -> Head | None:
    """What ``git ls-remote --symref`` tells of HEAD; None where it leads nowhere."""
    branch, commit_hash = None, None
    for line in listing.splitlines():
        what, _, name = line.partition("\t")
        if name != "HEAD":
            continue
        if what.startswith("ref: refs/heads/"):
            branch = Ref(kind=RefKind.BRANCH, name=what.removeprefix("ref: refs/heads/"))
        elif _HASH.fullmatch(what):
            commit_hash = what
    return None if branch is None and commit_hash is None else Head(branch=branch, commit_hash=commit_hash)


async def taken_over(work: Work, mirror: str, account: Account | None, name: str) -> bool:
    """Whether the mirror is there. One that was another account's, as all were once, is given to this one first; that
    is begun again where it was cut off.
    """
    found = await work.host.read_file(f"{mirror}/info/attributes", below=mirror)
    if found is not None and account is not None and found != attributes(account):
        await work.command(name, own(mirror, account))
        await _complete(work.host, mirror, account)
    return found is not None


async def _complete(host: Host, mirror: str, account: Account | None) -> None:
    await host.write_file(f"{mirror}/info/attributes", attributes(account), owner=account)


async def remove_unfinished(host: Host, mirror: str) -> None:
    """Removes what a fetch that failed or was killed has left in a mirror: it may fill the disk."""
    await host.remove_files(f"{mirror}/objects/pack", UNFINISHED)


async def run(work: Work, name: str, command: Command) -> Exit:
    """Runs a command whose failure its caller words. One that did not end by itself (killed, out of time or memory) is
    the run's to word: asked again for the same name, it raises for the end that it has recorded.
    """
    ended = await work.command(name, command, check=False)
    if ended.cause is not None:
        await work.command(name, command)
    return ended


class _Failed(HeadwayError):
    """An attempt failed in a way that another one may mend."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure
