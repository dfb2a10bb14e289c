"""What a push does to a service, and the reason that is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.drivers.forges.events import (
    ChangedFiles,
    DeployRequest,
    Event,
    ImagePush,
    Other,
    Ping,
    Push,
    RefType,
    Removed,
)
from headway.features.services.hooks_model import SourceKind, TrackedSource
from headway.features.webhooks.policy import Decision, Verdict, decide

URL = "https://git.example/team/app.git"
GIT = TrackedSource(source=SourceKind.GIT, git_url=URL, branch="main")
PUSH = Push(
    ref_type=RefType.BRANCH,
    name="main",
    after="a" * 40,
    changed=ChangedFiles(files=("src/a.py", "old.txt")),
    message="Subject\n\nbody",
    author="someone",
    default_branch="main",
    urls=(URL,),
)
TAG = replace(PUSH, ref_type=RefType.TAG, name="v1")
IMAGE = TrackedSource(source=SourceKind.IMAGE, image="ghcr.io/team/app:2")


def decided(service: TrackedSource, *events: Event) -> Decision:
    """What is decided."""
    return decide(service, events)


def test_a_push_of_the_branch_deploys_and_tells_its_commit() -> None:
    decision = decided(GIT, PUSH)
    assert decision.deploys
    assert (decision.track, decision.subject, decision.head, decision.tag) == ("branch:main", "Subject", "a" * 40, None)


@pytest.mark.parametrize(
    ("service", "event", "verdict", "word"),
    [
        (GIT, Ping(), Verdict.PING, "active"),
        (GIT, Other(why="no push"), Verdict.NOT_A_PUSH, "no push"),
        (GIT, Removed(ref_type=RefType.BRANCH, name="main"), Verdict.REMOVED, "main was removed"),
        (replace(GIT, auto_deploy=False), PUSH, Verdict.AUTO_DEPLOY_OFF, "autoDeploy"),
        (replace(GIT, auto_deploy=False), DeployRequest(), Verdict.AUTO_DEPLOY_OFF, "autoDeploy"),
        (GIT, replace(PUSH, name="next"), Verdict.BRANCH, "next was pushed; the service deploys main"),
        (GIT, replace(PUSH, name="--upload-pack=x"), Verdict.BRANCH, "--upload-pack=x was pushed"),
        (GIT, replace(PUSH, name="../main"), Verdict.BRANCH, "../main was pushed"),
        (replace(GIT, branch=None), replace(PUSH, name="next"), Verdict.BRANCH, "deploys main"),
        (replace(GIT, branch=None), replace(PUSH, default_branch=None), Verdict.BRANCH, "set the branch"),
        (GIT, TAG, Verdict.TAG, "deploys no tags"),
        (replace(GIT, by_tags=True), PUSH, Verdict.BRANCH, "tags only"),
        (replace(GIT, tag="v2"), TAG, Verdict.TAG, "deploys the tag v2"),
        (replace(GIT, commit="c" * 40), PUSH, Verdict.PINNED, "cccccccccccc"),
        (GIT, replace(PUSH, message="x [skip ci]"), Verdict.SKIP_WORDS, "[skip ci]"),
        (GIT, replace(PUSH, message="x\n\n[Deploy Skip]"), Verdict.SKIP_WORDS, "[Deploy Skip]"),
        (replace(GIT, watch_paths=("docs/**",)), PUSH, Verdict.WATCH_PATHS, "2: src/a.py, old.txt"),
        (replace(GIT, watch_paths=("x",)), replace(PUSH, changed=ChangedFiles()), Verdict.WATCH_PATHS, "no file"),
        (GIT, replace(PUSH, urls=("https://git.example/team/other",)), Verdict.REPOSITORY, "team/other"),
        (IMAGE, PUSH, Verdict.SOURCE, "git"),
        (GIT, ImagePush(repository="team/app", tag="2"), Verdict.SOURCE, "no"),
        (IMAGE, ImagePush(repository="ghcr.io/team/app", tag="3"), Verdict.IMAGE, "runs ghcr.io/team/app:2"),
        (IMAGE, ImagePush(repository="ghcr.io/team/other", tag="2"), Verdict.IMAGE, "team/other:2"),
        (replace(IMAGE, image="app@sha256:0"), ImagePush(repository="app", tag=None), Verdict.PINNED, "digest"),
    ],
)
def test_what_is_skipped_says_exactly_why(service: TrackedSource, event: Event, verdict: Verdict, word: str) -> None:
    decision = decided(service, event)
    assert decision.verdict is verdict
    assert word in decision.message
    assert not decision.deploys


@pytest.mark.parametrize(
    ("service", "event"),
    [
        (GIT, DeployRequest()),
        (replace(GIT, branch=None), PUSH),
        (replace(GIT, by_tags=True), TAG),
        (replace(GIT, tag="v1"), TAG),
        (replace(GIT, watch_paths=("src",)), PUSH),
        (replace(GIT, watch_paths=("old.txt",)), PUSH),
        (replace(GIT, watch_paths=("x",)), replace(PUSH, changed=ChangedFiles(unknown="nobody says"))),
        (replace(GIT, git_url="git@git.example:team/app.git"), PUSH),
        (replace(GIT, git_url="ssh://git@git.example:2222/team/app"), PUSH),
        (replace(GIT, git_url="https://mirror.example/copy.git"), PUSH),
        (replace(GIT, git_url="file:///srv/app.git"), PUSH),
        (IMAGE, ImagePush(repository="team/app", tag="2")),
        (IMAGE, ImagePush(repository="ghcr.io/team/app", tag=None)),
        (replace(IMAGE, image="nginx"), ImagePush(repository="library/nginx", tag="latest")),
        (replace(IMAGE, image="localhost:5000/app"), ImagePush(repository="localhost:5000/app", tag="latest")),
        (TrackedSource(source=SourceKind.OTHER, any_image=True), ImagePush(repository="any", tag="1")),
        (TrackedSource(source=SourceKind.OTHER), DeployRequest()),
    ],
)
def test_what_concerns_a_service_deploys_it(service: TrackedSource, event: Event) -> None:
    assert decided(service, event).deploys


def test_of_several_changes_the_one_that_deploys_counts() -> None:
    other = replace(PUSH, name="next")
    assert decided(GIT, other, PUSH, other).deploys
    assert decided(GIT, other, TAG).verdict is Verdict.BRANCH


def test_files_that_nobody_knows_are_said_to_be_unknown() -> None:
    unknown = replace(PUSH, changed=ChangedFiles(files=("README.md",), unknown="the push lists 20 of its 35 commits"))
    decision = decided(replace(GIT, watch_paths=("src/**",)), unknown)
    assert decision.deploys
    assert "Watch paths were not compared: the push lists 20 of its 35 commits." in decision.message


def test_nothing_in_a_message_moves_a_terminal() -> None:
    nasty = replace(PUSH, message="\x1b[31mred\u202e <script>\r\nrest", name="main")
    assert decided(GIT, nasty).subject == "[31mred  <script>"
    assert "\x1b" not in decided(GIT, replace(PUSH, name="\x1b[2Jmain")).message
