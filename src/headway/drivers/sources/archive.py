"""The archive source: what somebody has uploaded, kept on the panel's machine as a plain tar, by its digest."""

from __future__ import annotations

from dataclasses import field

from headway.drivers.sources.base import CommitMissing
from headway.drivers.sources.build_path import find_build_path, parse_build_path
from headway.drivers.sources.commits import showable
from headway.infra.hosts.command import Account, Command, Limits, Stage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Commit, Workspace
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.phrase import phrase

_PATH = "/usr/local/bin:/usr/bin:/bin"
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSpec:
    """The newest upload: the digest of what was sent, the name that it was sent by, and by whom; ``build_path`` is
    relative to what is in it.
    """

    digest: str
    name: str = ""
    author: str = ""
    build_path: str = "/"

    def check(self) -> None:
        """Raises InvalidInput for what can never be built."""
        parse_build_path(self.build_path)
        if not self.digest:
            raise InvalidInput("Nothing was uploaded yet: send an archive first.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSource:
    """Archives as a source. ``folder`` holds those of the application, which only the panel can read."""

    spec: ArchiveSpec
    folder: str
    account: Account | None = None
    limits: Limits = field(default_factory=Limits)
    step_seconds: float | None = None

    async def fetch(self, work: Work) -> Commit:
        """The newest upload, which is on this machine already; see `Source.fetch`."""
        self.spec.check()
        name = showable(self.spec.name, _LONGEST_NAME) or "an archive"
        await work.say(phrase("Archive {}: {}", self.spec.digest[:12], name))
        author = showable(self.spec.author, _LONGEST_NAME)
        return Commit(hash=self.spec.digest, subject=f"Upload of {name}", author=author, branch="")

    async def check_out(self, work: Work, commit: Commit, root: str) -> Workspace:
        """Unpacks an archive in ``root`` as the build account; see `Source.check_out`."""
        file = await self._kept(work, commit)
        await work.host.make_folder(root, owner=self.account)
        await work.command("unpack", self.unpack(file, root))
        return await self.workspace(work, root)

    async def pack(self, work: Work, commit: Commit, path: str) -> bool:
        """The archive as it is kept; see `Source.pack`."""
        copy = ("cp", "--", await self._kept(work, commit), path)
        env = {"PATH": _PATH, "LC_ALL": "C"}
        await work.command("pack", Command(stages=(Stage(argv=copy),), env=env, step_seconds=self.step_seconds))
        return True

    async def workspace(self, work: Work, root: str) -> Workspace:
        """See `Source.workspace`."""
        return await find_build_path(work, root, self.spec.build_path, self.account)

    def unpack(self, file: str, root: str) -> Command:
        """The panel reads the archive, and tar writes the files as the build account."""
        tar = ("tar", "--extract", "--file=-", "--no-same-owner", "--no-same-permissions", f"--directory={root}")
        return Command(
            stages=(Stage(argv=("cat", "--", file)), Stage(argv=tar, account=self.account)),
            env={"PATH": _PATH, "LC_ALL": "C"},
            limits=self.limits,
            step_seconds=self.step_seconds,
        )

    async def _kept(self, work: Work, commit: Commit) -> str:
        file = kept_at(self.folder, commit.hash)
        if await work.host.read_file(file, limit=1) is None:
            raise CommitMissing(
                f"The archive {commit.hash[:12]} is not kept on this host any more. Upload it again, then deploy."
            )
        return file


def kept_at(folder: str, digest: str) -> str:
    """The file of an archive in the folder of its application."""
    return f"{folder}/{digest}.tar"
