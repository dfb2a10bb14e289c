"""What GitLab tells: pushes, and merge requests (docs.gitlab.com, "Webhook events" and "Webhooks")."""

from __future__ import annotations

import base64
import binascii

from headway.drivers.forges.base import ForgeName
from headway.drivers.forges.deliveries import Headers, digest_of, same
from headway.drivers.forges.events import Event, Other, Pull, Push, Removed
from headway.drivers.forges.payload import (
    MOST_LABELS,
    NO_PULL,
    Json,
    at,
    changed_by,
    hash_at,
    list_at,
    moment_at,
    number_at,
    split_ref,
    text_at,
    texts,
)

_SIGNING = "whsec_"


class GitLabDeliveries:
    """Fits ``DeliveryForm``. It sends its secret as it is, or, where a signing token is set, a signature."""

    sender = ForgeName.GITLAB
    kept = ("x-gitlab-", "webhook-")

    def is_mine(self, headers: Headers, payload: Json) -> bool:
        return "x-gitlab-event" in headers

    def event(self, headers: Headers, payload: Json) -> str:
        return text_at(payload, "object_kind") or headers.get("x-gitlab-event", "")

    def sent_id(self, headers: Headers, payload: Json, body: bytes) -> str | None:
        # The first stays the same over GitLab's own attempts; older versions have the second only.
        return headers.get("idempotency-key") or headers.get("x-gitlab-event-uuid") or None

    def signature(self, headers: Headers) -> str | None:
        return headers.get("webhook-signature") or headers.get("x-gitlab-token")

    def is_signed(self, headers: Headers, body: bytes, secret: str) -> bool:
        given = headers.get("webhook-signature")
        if given is None:
            return same(headers.get("x-gitlab-token"), secret)
        named = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}."
        expected = base64.b64encode(digest_of(_key(secret), named.encode() + body)).decode()
        return any(same(each, f"v1,{expected}") for each in given.split(" "))

    def by(self, payload: Json) -> str:
        return text_at(payload, "user_username") or text_at(payload, "user", "username") or ""

    def events(self, headers: Headers, payload: Json) -> tuple[Event, ...]:
        event = self.event(headers, payload)
        if event == "merge_request":
            return (pull_of(payload),)
        if event not in {"push", "tag_push"}:
            return (Other(why=f"GitLab's event {event!r} deploys nothing; a push does."),)
        ref = split_ref(text_at(payload, "ref"))
        if ref is None:
            return (Other(why="The push names neither a branch nor a tag."),)
        after = hash_at(payload, "after")
        if after is None:
            return (Removed(ref_type=ref[0], name=ref[1]),)
        commits = list_at(payload, "commits")
        newest = next((each for each in commits if hash_at(each, "id") == after), commits[-1] if commits else None)
        project = payload.get("project")
        return (
            Push(
                ref_type=ref[0],
                name=ref[1],
                after=after,
                changed=changed_by(commits, unknown=_missing(payload, len(commits))),
                message=text_at(newest, "message"),
                author=text_at(newest, "author", "name") or text_at(payload, "user_name") or "",
                default_branch=text_at(project, "default_branch"),
                urls=texts(*(text_at(project, name) for name in ("git_http_url", "git_ssh_url", "web_url"))),
            ),
        )


def _missing(payload: Json, listed: int) -> str | None:
    """GitLab lists the newest 20 commits and counts all of them."""
    total = payload.get("total_commits_count")
    if not listed:
        return "the push lists no commits"
    if isinstance(total, int) and total > listed:
        return f"the push lists {listed} of its {total} commits"
    return None


def pull_of(payload: Json) -> Event:
    """The merge request that is told of."""
    told, project = at(payload, "object_attributes"), at(payload, "project")
    source, target = at(told, "source_project_id"), at(told, "target_project_id")
    number, branch = number_at(told, "iid"), text_at(told, "source_branch")
    commit, into = hash_at(told, "last_commit", "id"), text_at(told, "target_branch")
    if number is None or branch is None or commit is None or into is None:
        return NO_PULL
    return Pull(
        number=number,
        branch=branch,
        head=commit,
        base=into,
        title=text_at(told, "title") or "",
        url=text_at(told, "url") or "",
        author=text_at(told, "last_commit", "author", "name") or text_at(payload, "user", "username") or "",
        told_at=moment_at(told, "updated_at"),
        fork=source is None or source != target,
        is_open=text_at(told, "state") in {"opened", "locked"},
        is_new=text_at(told, "action") in {"open", "reopen"},
        labels=texts(*(text_at(each, "title") for each in list_at(payload, "labels")[:MOST_LABELS])),
        urls=texts(*(text_at(project, name) for name in ("git_http_url", "git_ssh_url", "web_url"))),
    )


def _key(secret: str) -> str | bytes:
    """A signing token is the key in base64 after a mark; anything else is the key itself."""
    if not secret.startswith(_SIGNING):
        return secret
    try:
        return base64.b64decode(secret.removeprefix(_SIGNING), validate=True)
    except binascii.Error:
        return secret
