"""Why going back to a release is refused, of services of every kind."""

from __future__ import annotations

from headway.core.deployments.run import RunFailed
from headway.core.deployments.status import Reason
from headway.kernel.errors import InvalidInput


class ReleaseGone(InvalidInput):
    """A release that was removed."""

    def __init__(self) -> None:
        super().__init__("The release is gone; deploy that commit again.")


def unusable(version: int, why: str) -> RunFailed:
    """What ends a rollback before it has done anything."""
    return RunFailed(f"Version {version} cannot be used: {why}", Reason.REFUSED)
