"""What is said of previews: how each stands, in a word, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.deployments.api.latest_run_rows import LatestRunRow
    from headway.features.previews.api.listed_rows import ListedPreviewRow
    from headway.features.previews.api.rows import PreviewDeploymentRow

_STATES: Mapping[str, tuple[str, str]] = {
    "idle": ("idle", "not deployed yet"),
    "running": ("starting", "being deployed"),
    "done": ("serving", "serves"),
    "error": ("error", "last deployment did not end well"),
}


def state_of(row: ListedPreviewRow | PreviewDeploymentRow, ended: str | None) -> Mapping[str, object]:
    """The key of its state, the word for it, and since when it is so; ``ended`` is when its newest deployment did."""
    if row["awaitsApproval"]:
        return {"state": "pending", "word": "waits for approval", "at": None}
    if row["asleepSince"] is not None:
        return {"state": "stopped", "word": "asleep", "at": row["asleepSince"]}
    state, word = _STATES[row["previewStatus"]]
    return {"state": state, "word": word, "at": ended if row["previewStatus"] in {"done", "error"} else None}


def ended_of(run: LatestRunRow | None) -> str | None:
    """When the newest deployment ended."""
    return None if run is None else run["finishedAt"]


def title_of(row: ListedPreviewRow | PreviewDeploymentRow) -> str:
    """What a preview is called: its pull request."""
    return cut(f"#{row['pullRequestNumber']} {row['pullRequestTitle']}".strip(), 120)
