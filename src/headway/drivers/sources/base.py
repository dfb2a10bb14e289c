"""The source contract: bringing what a user wants deployed to the host, and laying it out as a workspace."""

from __future__ import annotations

from typing import ClassVar, Protocol

from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Commit, Workspace
from headway.kernel.errors import Code, HeadwayError


class SourceError(HeadwayError):
    """The source cannot be had as it is described; the sentence says what to change."""

    code: ClassVar[Code] = Code.BAD_REQUEST


class CommitMissing(SourceError):
    """What was fetched once is no longer kept on the host: it has to be fetched again."""


class Source(Protocol):
    """Where an application's files come from."""

    async def fetch(self, work: Work) -> Commit:
        """Brings the newest state to the host. Raises InvalidInput for a description that can never work, SourceError
        when the other side does not give it.
        """
        ...

    async def check_out(self, work: Work, commit: Commit, root: str) -> Workspace:
        """Lays a fetched commit out in the new folder ``root``, owned by the build account, and asks no network.

        Raises CommitMissing when it is no longer kept, SourceError when the build path is not in it or leads outside.
        """
        ...

    async def pack(self, work: Work, commit: Commit, path: str) -> bool:
        """Writes a fetched commit as a tar, to be unpacked elsewhere, to the file ``path``, which is the panel's own;
        False where that takes a check-out. Raises CommitMissing.
        """
        ...

    async def workspace(self, work: Work, root: str) -> Workspace:
        """The workspace that ``root`` is once a commit lies there, on whatever host. Raises SourceError as above."""
        ...
