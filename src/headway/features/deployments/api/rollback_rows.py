"""What a deployment left that one can go back to, as its row shows it."""

from __future__ import annotations

from typing_extensions import TypedDict

from headway.api.rows import instant
from headway.core.deployments.rollback_targets import Left


class LeftRow(TypedDict):
    """The release that a deployment left, to go back to with ``rollback.rollback``. ``version`` counts the releases of
    its service; ``usable`` says whether that can be done now, ``whyNot`` what keeps one from it. ``rolledBackAt`` and
    ``rolledBackBy`` (a deployment) are set once it gave way to an earlier release. ``fullContext`` is always null: what
    it ran with stays encrypted, and ``rollback.preview`` tells of it what may be told.
    """

    rollbackId: str
    deploymentId: str
    version: int
    image: str | None
    createdAt: str
    fullContext: None
    serves: bool
    usable: bool
    whyNot: str | None
    rolledBackAt: str | None
    rolledBackBy: str | None


def left_row(left: Left) -> LeftRow:
    """What a deployment left."""
    return {
        "rollbackId": left.release_id,
        "deploymentId": left.deployment_id,
        "version": left.version,
        "image": left.image,
        "createdAt": instant(left.created_at),
        "fullContext": None,
        "serves": left.serves,
        "usable": left.obstacle is None,
        "whyNot": left.obstacle,
        "rolledBackAt": instant(left.rolled_back_at),
        "rolledBackBy": left.rolled_back_by,
    }
