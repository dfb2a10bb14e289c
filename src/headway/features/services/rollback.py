"""What going back is of services of every kind: what is said of the release, and why it is refused."""

from __future__ import annotations

from headway.core.deployments.run import Run, RunFailed
from headway.core.deployments.status import Reason
from headway.kernel.artifacts import Commit
from headway.kernel.errors import InvalidInput


class ReleaseGone(InvalidInput):
    """A release that was removed."""

    def __init__(self) -> None:
        super().__init__("The release is gone; deploy that commit again.")


def unusable(version: int, why: str) -> RunFailed:
    """What ends a rollback before it has done anything."""
    return RunFailed(f"Version {version} cannot be used: {why}", Reason.REFUSED)


async def describe(run: Run, version: int, commit: Commit | None) -> None:
    """Writes down what is gone back to, and the commit that it was made of (None: of none)."""
    made_of = {}
    if commit is not None:
        made_of = {
            "hash": commit.hash,
            "message": commit.subject,
            "author": commit.author,
            "branch": commit.branch,
        }
    await run.describe(description=f"Release: version {version}", **made_of)
