"""What the row of a service's deployment says of the commit that it is of."""

from __future__ import annotations

from headway.core.deployments.run import Run
from headway.kernel.artifacts import Commit


async def describe(run: Run, commit: Commit | None, *, description: str, title: str | None = None) -> None:
    """Fills the row's title and description where the caller gave none, and its commit where it is of one."""
    fields = {}
    if commit is not None:
        fields = {
            "hash": commit.hash,
            "message": commit.subject,
            "author": commit.author,
            "branch": commit.branch,
        }
    await run.describe(title=title, description=description, **fields)
