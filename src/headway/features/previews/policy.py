"""Decides what a pull request does to an application's previews, and says exactly why: pure."""

from __future__ import annotations

import re
from enum import StrEnum

from headway.drivers.forges.base import is_same
from headway.drivers.forges.events import Pull
from headway.features.previews.model import ClosedWhy, Preview
from headway.features.services.previews_model import PreviewSettings
from headway.kernel.dataclass import dataclass

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")


class Deed(StrEnum):
    """What is done about a pull request."""

    NOTHING = "nothing"
    DEPLOY = "deploy"
    AWAIT = "await"  # it is kept, and nothing of it runs
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is done, the word for why, and the sentence."""

    deed: Deed
    reason: str
    message: str
    why: ClosedWhy | None = None


def decide(
    settings: PreviewSettings,
    wanted_base: str | None,
    pull: Pull,
    known: Preview | None,
    *,
    again: bool,
    unwatched: str | None = None,
) -> Step:
    """What a pull request does. ``wanted_base`` is the branch that the service deploys (None: any), ``known`` the
    newest preview of it, also one that is closed; ``again``: somebody asks for it once more; ``unwatched`` says that
    none of its files is watched, and then what there is of it stays as it is.
    """
    name, live = f"Pull request {pull.number}", known is not None and known.closed_at is None
    if known is not None and not again and _is_older(pull, known):
        return _nothing("outdated", f"{name} was told of in a newer state before.")
    if not pull.is_open:
        return _gone(live, ClosedWhy.CLOSED, f"{name} was closed")
    if not settings.active:
        if live:
            return _gone(live, ClosedWhy.OFF, "Previews are switched off (isPreviewDeploymentsActive)")
        return _nothing("previews_off", "Previews are switched off (isPreviewDeploymentsActive).")
    if wanted_base is not None and pull.base != wanted_base:
        bases = f"{name} is for {shown(pull.base)}; the service deploys {shown(wanted_base)}"
        return _gone(live, ClosedWhy.CLOSED, bases) if live else _nothing("branch", f"{bases}.")
    if settings.labels and not set(settings.labels) & set(pull.labels):
        lacks = f"{name} has none of the labels {', '.join(settings.labels)}"
        return _gone(live, ClosedWhy.LABELS, lacks) if live else _nothing("labels", f"{lacks}.")
    if settings.limit == 0:
        return _nothing("limit", "The service may have no previews at a time (previewLimit).")
    if known is not None and not live and not again and not pull.is_new and known.closed_why is ClosedWhy.CLOSED:
        return _nothing("closed", f"{name} is closed, and was not opened again.")
    if unwatched is not None:
        return _nothing("watch_paths", unwatched)
    return _of_open(pull, known if live else None, name, again=again)


def shown(text: str) -> str:
    """A text of somebody else's as it may stand in a sentence."""
    return _UNPRINTABLE.sub(" ", text)


def _of_open(pull: Pull, known: Preview | None, name: str, *, again: bool) -> Step:
    if pull.fork and (known is None or known.approved_head != pull.head):
        message = (
            f"{name} comes from a fork: nothing of it runs before somebody approves the commit {pull.head[:12]} "
            "(previewDeployment.approve)."
        )
        return Step(deed=Deed.AWAIT, reason="fork", message=message)
    if known is not None and is_same(known.head, pull.head) and not again:
        return _nothing("already", f"The commit {pull.head[:12]} of it is deployed already, or is about to be.")
    what = "was opened" if known is None else f"is at the commit {pull.head[:12]} now"
    return Step(deed=Deed.DEPLOY, reason="queued", message=f"{name} {what}.")


def _is_older(pull: Pull, known: Preview) -> bool:
    return pull.told_at is not None and known.told_at is not None and pull.told_at < known.told_at


def _gone(live: bool, why: ClosedWhy, because: str) -> Step:  # noqa: FBT001 - one of two facts, not a mode
    if live:
        return Step(deed=Deed.REMOVE, reason="preview_removed", message=f"{because}; its preview is removed.", why=why)
    return _nothing("closed", f"{because}; there was no preview of it.")


def _nothing(reason: str, message: str) -> Step:
    return Step(deed=Deed.NOTHING, reason=reason, message=message)
