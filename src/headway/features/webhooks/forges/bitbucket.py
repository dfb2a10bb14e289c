"""Bitbucket, in the cloud (``repo:push``) and on one's own servers (``repo:refs_changed``); from Atlassian's pages
"Event payloads". Neither says which files have changed.
"""

from __future__ import annotations

from headway.features.webhooks.events import ChangedFiles, Event, Other, Ping, Push, RefType, Removed, Sender
from headway.features.webhooks.forges.base import Headers, signed_hex
from headway.features.webhooks.forges.pulls import bitbucket_pull
from headway.features.webhooks.payload import Json, at, hash_at, list_at, split_ref, text_at, texts

_UNKNOWN = ChangedFiles(unknown="Bitbucket does not say which files have changed")
_NOTHING = Other(why="The push has changed no branch and no tag.")
_MOST_CHANGES = 100


class Bitbucket:
    """Fits ``base.Form``."""

    sender = Sender.BITBUCKET

    def is_mine(self, headers: Headers, payload: Json) -> bool:
        return "x-event-key" in headers

    def event(self, headers: Headers, payload: Json) -> str:
        return headers.get("x-event-key", "")

    def sent_id(self, headers: Headers, payload: Json, body: bytes) -> str | None:
        return headers.get("x-request-uuid") or headers.get("x-request-id") or None

    def signature(self, headers: Headers) -> str | None:
        return headers.get("x-hub-signature")

    def is_signed(self, headers: Headers, body: bytes, secret: str) -> bool:
        return signed_hex(headers.get("x-hub-signature"), secret, body, prefix="sha256=")

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
                return (bitbucket_pull(payload, event),)
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
