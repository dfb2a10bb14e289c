"""What forges are told of previews, in words: pure. What others have written moves no mark-up and calls nobody."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from headway.drivers.forges.base import CommitState, CommitStatus
from headway.features.forge_outbox.outbox import ToldStatus
from headway.features.previews.model import ClosedWhy, Preview
from headway.features.services.model import ServiceStatus
from headway.kernel.dataclass import dataclass

_MARKUP = re.compile(r"[^\w .:/-]+")
_LONGEST = 80
_ASLEEP = "asleep until it is deployed again"
_STATES: Mapping[ServiceStatus, tuple[CommitState, str]] = {
    ServiceStatus.IDLE: (CommitState.PENDING, "waiting"),
    ServiceStatus.RUNNING: (CommitState.RUNNING, "being deployed"),
    ServiceStatus.DONE: (CommitState.SUCCESS, "ready"),
    ServiceStatus.ERROR: (CommitState.FAILURE, "failed"),
}
_GONE: Mapping[ClosedWhy, str] = {
    ClosedWhy.EVICTED: "removed for a newer one",
    ClosedWhy.EXPIRED: "removed, its time was over",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewMessage:
    """A preview of a service, as it is told; the service's name is plain."""

    service: str
    preview: Preview
    status: ServiceStatus
    address: str | None
    log_link: str | None


def mark_of(number: int, secret: str) -> str:
    """What the one comment is found again by; nobody sees it, and nobody can have written it before us."""
    return f"<!-- headway: previews of {number}, {secret} -->"


def status_of(told: PreviewMessage, context: str | None = None) -> CommitStatus:
    """What stands beside the commit; ``context`` is what it was told under before."""
    state, word = _STATES[told.status]
    if told.preview.awaits_approval:
        state, word = CommitState.PENDING, "waiting for approval"
    elif told.preview.asleep_since is not None:
        state, word = CommitState.SUCCESS, _ASLEEP
    serves = state is CommitState.SUCCESS and told.preview.asleep_since is None
    link = told.address if serves else told.log_link
    return CommitStatus(
        commit_hash=told.preview.head,
        state=state,
        context=context or f"headway/{told.service}",
        description=f"The preview is {word}",
        link=link,
    )


def gone(preview: Preview, before: ToldStatus, log_link: str | None) -> CommitStatus | None:
    """What stands beside the commit once the preview is gone, where it was told of ``before``."""
    return before.taken_back(f"The preview was {_gone_word(preview)}", log_link)


def body_of(mark: str, told: Sequence[PreviewMessage]) -> str:
    """The comment."""
    rows = [f"| {each.service} | {_word(each)} | {_address(each)} | {_link(each.log_link, 'log')} |" for each in told]
    return "\n".join([mark, "| preview of | state | address | log |", "| --- | --- | --- | --- |", *rows, ""])


def _word(told: PreviewMessage) -> str:
    preview = told.preview
    if preview.closed_at is not None:
        return _gone_word(preview)
    if preview.awaits_approval:
        return f"`{preview.head[:12]}` waits for approval"
    word = _STATES[told.status][1] if preview.asleep_since is None else _ASLEEP
    return f"`{preview.head[:12]}` {word}"


def _gone_word(preview: Preview) -> str:
    return _GONE.get(preview.closed_why or ClosedWhy.CLOSED, "removed")


def _address(told: PreviewMessage) -> str:
    serves = told.preview.closed_at is None and told.status is ServiceStatus.DONE
    return _link(told.address, told.address or "") if serves else ""


def _link(url: str | None, text: str) -> str:
    return f"[{text}]({url})" if url else ""


def plain(text: str) -> str:
    """A name of somebody's as it is told."""
    return _MARKUP.sub(" ", text).strip()[:_LONGEST]
