"""Decides what a delivery does to a service, and says exactly why: pure, so that it can also be asked beforehand."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from urllib.parse import urlsplit

from headway.drivers.forges.events import (
    ChangedFiles,
    DeployRequest,
    Event,
    ImagePush,
    Other,
    Ping,
    Pull,
    Push,
    RefType,
    Removed,
)
from headway.features.services.hooks_model import SourceKind, TrackedSource
from headway.features.webhooks.watch_paths import Compared, Found, concerned
from headway.kernel.dataclass import dataclass

Compare = Callable[[Sequence[str], Sequence[str]], Found]

_SKIP_WORDS = re.compile(
    r"\[(?:skip (?:ci|deploy|actions)|(?:ci|deploy|actions) skip|no (?:ci|deploy))\]", re.IGNORECASE
)
_SCP = re.compile(r"(?:[^@/:]+@)?(?P<host>[^@/:]+):(?!//)(?P<path>.+)")
_SHOWN_FILES = 20
_LONGEST_SUBJECT = 200
_NOT_COMPARED = "there are too many files for these patterns, or they were changed meanwhile"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")


class Verdict(StrEnum):
    """Why a delivery does what it does; ``queued`` is the only one that deploys."""

    QUEUED = "queued"
    PING = "ping"
    NOT_A_PUSH = "not_a_push"
    REMOVED = "removed"
    AUTO_DEPLOY_OFF = "auto_deploy_off"
    REPOSITORY = "repository"
    BRANCH = "branch"
    TAG = "tag"
    PINNED = "pinned"
    SKIP_WORDS = "skip_words"
    WATCH_PATHS = "watch_paths"
    IMAGE = "image"
    SOURCE = "source"
    ALREADY = "already"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is done, and the sentence that says why. ``files`` are those that were compared with ``patterns``;
    ``track`` is the branch, tag or image that a deployment would be of, ``tag`` the one to be deployed where it is not
    what the settings name; ``subject`` and ``head`` are the newest commit's.
    """

    verdict: Verdict
    message: str
    files: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    track: str | None = None
    tag: str | None = None
    subject: str | None = None
    head: str | None = None

    @property
    def deploys(self) -> bool:
        """Whether a deployment is queued."""
        return self.verdict is Verdict.QUEUED


def decide(service: TrackedSource, events: Sequence[Event], compare: Compare = concerned) -> Decision:
    """What these do to the service: of several, the last that deploys, else what the first is skipped for. ``compare``
    finds the files that are watched.
    """
    decisions = [_of_one(service, each, compare) for each in events]
    return next((each for each in reversed(decisions) if each.deploys), decisions[0])


def _of_one(service: TrackedSource, event: Event, compare: Compare) -> Decision:
    match event:
        case Ping():
            return Decision(verdict=Verdict.PING, message="Ping received, webhook is active")
        case Other(why=why):
            return Decision(verdict=Verdict.NOT_A_PUSH, message=why)
        case Pull(number=number):
            message = f"Pull request {number}: what it does to previews depends on those that there are."
            return Decision(verdict=Verdict.NOT_A_PUSH, message=message, track=f"pull:{number}")
        case Removed(ref_type=ref_type, name=name):
            return Decision(verdict=Verdict.REMOVED, message=f"The {ref_type} {shown(name)} was removed.")
        case _ if not service.auto_deploy:
            message = "Automatic deployments are switched off (autoDeploy)."
            return Decision(verdict=Verdict.AUTO_DEPLOY_OFF, message=message)
        case DeployRequest():
            return Decision(verdict=Verdict.QUEUED, message="Asked for by a call.")
        case ImagePush():
            return _of_image(service, event)
        case Push():
            return _of_push(service, event, compare)


def _of_push(service: TrackedSource, push: Push, compare: Compare) -> Decision:
    if service.source is not SourceKind.GIT:
        return Decision(verdict=Verdict.SOURCE, message="Nothing of this service comes from a git repository.")
    if other := of_other_repository(service, push.urls):
        return Decision(verdict=Verdict.REPOSITORY, message=other)
    if (elsewhere := _of_other_ref(service, push)) is not None:
        return elsewhere
    if (word := _SKIP_WORDS.search(push.message or "")) is not None:
        message = f"The newest commit's message holds {word[0]}."
        track = f"{push.ref_type}:{push.name}"
        return Decision(verdict=Verdict.SKIP_WORDS, message=message, track=track, head=push.after)
    subject = shown((push.message or "").strip().split("\n", 1)[0]).strip()[:_LONGEST_SUBJECT] or None
    watched = of_files(service, push.changed, compare=compare)
    if isinstance(watched, Decision):
        return replace(watched, track=f"{push.ref_type}:{push.name}", head=push.after)
    return Decision(
        verdict=Verdict.QUEUED,
        message=f"{push.ref_type.capitalize()} {shown(push.name)} was pushed{watched}",
        files=push.changed.files if service.watch_paths else (),
        patterns=service.watch_paths,
        track=f"{push.ref_type}:{push.name}",
        tag=push.name if push.ref_type is RefType.TAG else None,
        subject=subject,
        head=push.after,
    )


def _of_other_ref(service: TrackedSource, push: Push) -> Decision | None:
    """What a push of another branch or tag than the service's is skipped for."""
    if service.commit is not None:
        message = f"The service is pinned to the commit {service.commit[:12]}."
        return Decision(verdict=Verdict.PINNED, message=message)
    name = shown(push.name)
    if push.ref_type is RefType.TAG:
        if service.tag is not None and push.name != service.tag:
            message = f"The tag {name} was pushed; the service deploys the tag {shown(service.tag)}."
            return Decision(verdict=Verdict.TAG, message=message)
        if service.tag is None and not service.by_tags:
            return Decision(verdict=Verdict.TAG, message=f"The tag {name} was pushed; the service deploys no tags.")
        return None
    if service.by_tags or service.tag is not None:
        message = f"The branch {name} was pushed; the service deploys tags only."
        return Decision(verdict=Verdict.BRANCH, message=message)
    wanted = service.branch or push.default_branch
    if wanted is None:
        message = "The service names no branch, and the sender does not say which one is the default: set the branch."
        return Decision(verdict=Verdict.BRANCH, message=message)
    if push.name != wanted:
        message = f"The branch {name} was pushed; the service deploys {shown(wanted)}."
        return Decision(verdict=Verdict.BRANCH, message=message)
    return None


async def compared(
    services: Sequence[TrackedSource], events: Sequence[Event], changed: ChangedFiles | None = None
) -> Compared:
    """Compares beforehand, and beside the event loop, what deciding needs; ``changed`` are the files of a pull request
    that are known. Patterns and files are somebody else's, and to compare them may take a second.
    """
    known = Compared()
    watching = [each for each in services if each.watch_paths]

    def compare() -> None:
        for service in watching:
            decide(service, events, known.find)
            if changed is not None:
                of_files(service, changed, compare=known.find)

    if watching:
        await asyncio.to_thread(compare)
    return known


def of_files(
    service: TrackedSource, changed: ChangedFiles, what: str = "The push", compare: Compare = concerned
) -> Decision | str:
    """What a push, or a pull request, that concerns none of the watch paths is skipped for, else the rest of the
    sentence that says so.
    """
    patterns = service.watch_paths
    if not patterns:
        return "."
    found = compare(changed.files, patterns)
    if found is None:
        return f". Watch paths were not compared: {_NOT_COMPARED}."
    if found:
        return f", and {_named(found)} {'is' if len(found) == 1 else 'are'} watched."
    if changed.unknown is not None:
        return f". Watch paths were not compared: {changed.unknown}."
    message = f"No changed file is watched ({len(changed.files)}: {_named(changed.files)})."
    if not changed.files:
        message = f"{what} has changed no file."
    return Decision(verdict=Verdict.WATCH_PATHS, message=message, files=changed.files, patterns=patterns)


def _of_image(service: TrackedSource, push: ImagePush) -> Decision:
    pushed = shown(push.repository) + (f":{shown(push.tag)}" if push.tag else "")
    queued = Decision(verdict=Verdict.QUEUED, message=f"The image {pushed} was pushed.", track=f"image:{pushed}")
    if service.any_image:
        return queued  # its deploy pulls what is new
    if service.source is not SourceKind.IMAGE or service.image is None:
        return Decision(verdict=Verdict.SOURCE, message="This service is not an image of a registry.")
    name, _, digest = service.image.partition("@")
    if digest:
        return Decision(verdict=Verdict.PINNED, message="The service is pinned to the digest of an image.")
    repository, tag = _split_image(name)
    if not _same_repository(repository, push.repository) or push.tag not in {None, tag}:
        message = f"The image {pushed} was pushed; the service runs {repository}:{tag}."
        return Decision(verdict=Verdict.IMAGE, message=message)
    return queued


def _split_image(name: str) -> tuple[str, str]:
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "latest")


def _same_repository(ours: str, theirs: str) -> bool:
    """Whether they name the same; a registry may leave out its own host, and call itself by another one."""
    one, other = _bare(ours), _bare(theirs)
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")


def _bare(repository: str) -> str:
    name = repository.lower()
    for start in ("docker.io/", "index.docker.io/", "registry-1.docker.io/", "library/"):
        name = name.removeprefix(start)
    return name


def of_other_repository(service: TrackedSource, urls: Sequence[str]) -> str | None:
    """Says that what is told is of another repository of the very site that the service's comes from; under other
    names of a site nothing can be told.
    """
    mine = _place(service.git_url or "")
    theirs = [_place(each) for each in urls]
    of_site = [each for each in theirs if each[0] and each[0] == mine[0]]
    if not of_site or mine in of_site:
        return None
    return f"The delivery is of {shown(of_site[0][1])}; the service's repository is {shown(mine[1])}."


def _place(url: str) -> tuple[str, str]:
    """Host and path of a repository, the same for all the ways of writing them; ("", "") where it is none."""
    if "://" not in url:
        scp = _SCP.fullmatch(url)
        return (scp["host"].lower(), _path(scp["path"])) if scp else ("", "")
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower(), _path(parts.path)
    except ValueError:
        return "", ""


def _path(path: str) -> str:
    return path.strip("/").removesuffix(".git").lower()


def shown(text: str) -> str:
    """A text of somebody else's as it may stand in a sentence: nothing in it moves a terminal or turns a line."""
    return _UNPRINTABLE.sub(" ", text)


def _named(files: Sequence[str]) -> str:
    names = ", ".join(shown(each) for each in files[:_SHOWN_FILES])
    more = len(files) - _SHOWN_FILES
    return names if more <= 0 else f"{names} and {more} more"
