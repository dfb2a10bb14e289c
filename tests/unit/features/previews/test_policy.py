"""What a pull request does to previews."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from headway.core.deployments.model import SubjectType
from headway.drivers.forges.events import Pull
from headway.features.previews.model import ClosedWhy, Preview
from headway.features.previews.policy import Deed, decide
from headway.features.services.previews_model import PreviewSettings

HEAD = "a" * 40
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PULL = Pull(
    number=7,
    title="T",
    url="https://forge.example/7",
    author="ann",
    branch="change",
    head=HEAD,
    base="main",
    fork=False,
    labels=("preview",),
    is_open=True,
    told_at=THEN,
    is_new=True,
)
ON = PreviewSettings(active=True)
KNOWN = Preview(
    preview_id="p",
    service_type=SubjectType.APPLICATION,
    service_id="a",
    number=7,
    title="T",
    url="",
    author="ann",
    branch="change",
    head=HEAD,
    fork=False,
    source_url=None,
    labels=(),
    approved_head=None,
    approved_by=None,
    told_at=THEN,
    created_at=THEN,
    expires_at=None,
)
CLOSED = replace(KNOWN, closed_at=THEN, closed_why=ClosedWhy.CLOSED)
FORK = replace(PULL, fork=True)


@pytest.mark.parametrize(
    ("case", "deed", "reason"),
    [
        ((ON, PULL, None, False), Deed.DEPLOY, "queued"),
        ((ON, PULL, KNOWN, False), Deed.NOTHING, "already"),
        ((ON, PULL, KNOWN, True), Deed.DEPLOY, "queued"),
        ((ON, replace(PULL, head="b" * 40), KNOWN, False), Deed.DEPLOY, "queued"),
        ((ON, replace(PULL, told_at=datetime(2025, 1, 1, tzinfo=UTC)), KNOWN, False), Deed.NOTHING, "outdated"),
        ((ON, replace(PULL, is_open=False), KNOWN, False), Deed.REMOVE, "preview_removed"),
        ((ON, replace(PULL, is_open=False), None, False), Deed.NOTHING, "closed"),
        ((ON, replace(PULL, is_new=False), CLOSED, False), Deed.NOTHING, "closed"),
        ((ON, PULL, CLOSED, False), Deed.DEPLOY, "queued"),
        (
            (ON, replace(PULL, is_new=False), replace(CLOSED, closed_why=ClosedWhy.EVICTED), False),
            Deed.DEPLOY,
            "queued",
        ),
        ((PreviewSettings(), PULL, None, False), Deed.NOTHING, "previews_off"),
        ((PreviewSettings(), PULL, KNOWN, False), Deed.REMOVE, "preview_removed"),
        ((ON, replace(PULL, base="other"), None, False), Deed.NOTHING, "branch"),
        ((replace(ON, labels=("x",)), PULL, None, False), Deed.NOTHING, "labels"),
        ((replace(ON, labels=("x",)), PULL, KNOWN, False), Deed.REMOVE, "preview_removed"),
        ((replace(ON, limit=0), PULL, None, False), Deed.NOTHING, "limit"),
        ((ON, PULL, replace(KNOWN, head=HEAD[:12]), False), Deed.NOTHING, "already"),
        ((ON, FORK, replace(KNOWN, approved_head=HEAD[:12]), False), Deed.AWAIT, "fork"),
        ((ON, FORK, None, False), Deed.AWAIT, "fork"),
        ((ON, FORK, None, True), Deed.AWAIT, "fork"),
        ((ON, FORK, replace(KNOWN, fork=True, approved_head=HEAD), True), Deed.DEPLOY, "queued"),
        ((ON, replace(FORK, head="b" * 40), replace(KNOWN, fork=True, approved_head=HEAD), True), Deed.AWAIT, "fork"),
    ],
)
def test_what_a_pull_request_does(
    case: tuple[PreviewSettings, Pull, Preview | None, bool], deed: Deed, reason: str
) -> None:
    settings, pull, known, again = case
    step = decide(settings, "main", pull, known, again=again)
    assert (step.deed, step.reason) == (deed, reason)
    assert step.message
