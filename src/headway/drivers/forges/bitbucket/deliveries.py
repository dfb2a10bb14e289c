"""What Bitbucket tells, in the cloud (``repo:push``) and on one's own servers (``repo:refs_changed``); from Atlassian's
pages "Event payloads". Neither says which files have changed.
"""

from __future__ import annotations

from typing import Literal

from headway.drivers.forges.base import ForgeName
from headway.drivers.forges.deliveries import Headers, SignedDeliveries
from headway.drivers.forges.events import ChangedFiles, Event, Other, Ping, Pull, Push, RefType, Removed
from headway.drivers.forges.payload import (
    NO_PULL,
    Json,
    are_other,
    at,
    hash_at,
    list_at,
    moment_at,
    number_at,
    split_ref,
    text_at,
    texts,
)

_UNKNOWN = ChangedFiles(unknown="Bitbucket does not say which files have changed")
_NOTHING = Other(why="The push has changed no branch and no tag.")
_MOST_CHANGES = 100


class BitbucketDeliveries(SignedDeliveries):
    """Fits ``DeliveryForm``."""

    sender = ForgeName.BITBUCKET
    kept = ("x-event-", "x-request-")

    def header(self, headers: Headers, what: Literal["event", "id", "signature"]) -> str | None:
        if what == "id":
            return headers.get("x-request-uuid") or headers.get("x-request-id")
        return headers.get("x-event-key" if what == "event" else "x-hub-signature")

    def by(self, payload: Json) -> str:
        actor = payload.get("actor")
        return next((found for name in ("nickname", "name", "display_name") if (found := text_at(actor, name))), "")

    def events(self, headers: Headers, payload: Json) -> tuple[Event, ...]:
        match self.event(headers, payload):
            case "diagnostics:ping":
                return (Ping(),)
            case "repo:push":
                changes = list_at(payload, "push", "changes")[:_MOST_CHANGES]
                return tuple(_cloud(payload, each) for each in changes) or (_NOTHING,)
            case "repo:refs_changed":
                changes = list_at(payload, "changes")[:_MOST_CHANGES]
                return tuple(_server(payload, each) for each in changes) or (_NOTHING,)
            case (
                "pullrequest:created"
                | "pullrequest:updated"
                | "pullrequest:fulfilled"
                | "pullrequest:rejected" as event
            ):
                return (pull_of(payload, event),)
            case event:
                return (Other(why=f"Bitbucket's event {event!r} deploys nothing; a push does."),)


def _cloud(payload: Json, change: Json) -> Event:
    new, old = at(change, "new"), at(change, "old")
    kind, name = text_at(new or old, "type"), text_at(new or old, "name")
    ref_type = {"branch": RefType.BRANCH, "named_branch": RefType.BRANCH, "tag": RefType.TAG}.get(kind or "")
    if ref_type is None or name is None:
        return _NOTHING
    after = hash_at(new, "target", "hash")
    if after is None:
        return Removed(ref_type=ref_type, name=name)
    repository = payload.get("repository")
    return Push(
        ref_type=ref_type,
        name=name,
        after=after,
        changed=_UNKNOWN,
        message=text_at(new, "target", "message"),
        author=text_at(new, "target", "author", "raw") or "",
        default_branch=text_at(repository, "mainbranch", "name"),
        urls=texts(text_at(repository, "links", "html", "href")),
    )


def _server(payload: Json, change: Json) -> Event:
    ref = split_ref(text_at(change, "ref", "id"))
    if ref is None:
        return _NOTHING
    after = hash_at(change, "toHash")
    if after is None or text_at(change, "type") == "DELETE":
        return Removed(ref_type=ref[0], name=ref[1])
    newest = payload.get("toCommit")
    clones = list_at(payload, "repository", "links", "clone")
    return Push(
        ref_type=ref[0],
        name=ref[1],
        after=after,
        changed=_UNKNOWN,
        message=text_at(newest, "message"),
        author=text_at(newest, "author", "name") or "",
        default_branch=None,
        urls=texts(*(text_at(each, "href") for each in clones)),
    )


def pull_of(payload: Json, event: str) -> Event:
    """The pull request that is told of, in the cloud; Bitbucket knows no labels."""
    pull, repository = at(payload, "pullrequest"), at(payload, "repository")
    source, target = at(pull, "source"), at(pull, "destination")
    fork = are_other(text_at(target, "repository", "full_name"), text_at(source, "repository", "full_name"))
    place = text_at(source, "repository", "links", "html", "href")
    number, branch = number_at(pull, "id"), text_at(source, "branch", "name")
    commit, into = hash_at(source, "commit", "hash"), text_at(target, "branch", "name")
    if number is None or branch is None or commit is None or into is None:
        return NO_PULL
    return Pull(
        number=number,
        branch=branch,
        head=commit,
        base=into,
        title=text_at(pull, "title") or "",
        url=text_at(pull, "links", "html", "href") or "",
        author=text_at(pull, "author", "nickname") or text_at(pull, "author", "display_name") or "",
        told_at=moment_at(pull, "updated_on"),
        fork=fork,
        is_open=text_at(pull, "state") == "OPEN",
        is_new=event == "pullrequest:created",
        labels=(),
        urls=texts(text_at(repository, "links", "html", "href")),
        source_url=f"{place}.git" if fork and place else None,
    )
