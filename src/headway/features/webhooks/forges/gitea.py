"""Gitea and Forgejo, whose payloads follow GitHub's (docs.gitea.com, "Webhooks"; forgejo.org/docs, "Webhooks")."""

from __future__ import annotations

from headway.features.webhooks.events import Event, Other, Sender
from headway.features.webhooks.forges.base import Headers, signed_hex
from headway.features.webhooks.forges.github import push_of
from headway.features.webhooks.forges.pulls import github_pull
from headway.features.webhooks.payload import Json, text_at

_NAMES = ("forgejo", "gitea", "gogs")
# Its own setting (webhook.PAYLOAD_COMMIT_LIMIT) may be lower: then ``total_commits`` says how many there are.
_MOST_COMMITS = 10_000


class Gitea:
    """Fits ``base.Form``."""

    sender = Sender.GITEA

    def is_mine(self, headers: Headers, payload: Json) -> bool:
        return _header(headers, "event") is not None

    def event(self, headers: Headers, payload: Json) -> str:
        return _header(headers, "event") or ""

    def sent_id(self, headers: Headers, payload: Json, body: bytes) -> str | None:
        return _header(headers, "delivery")

    def signature(self, headers: Headers) -> str | None:
        return _header(headers, "signature")

    def is_signed(self, headers: Headers, body: bytes, secret: str) -> bool:
        return signed_hex(_header(headers, "signature"), secret, body)

    def by(self, payload: Json) -> str:
        return text_at(payload, "pusher", "login") or text_at(payload, "sender", "login") or ""

    def events(self, headers: Headers, payload: Json) -> tuple[Event, ...]:
        event = self.event(headers, payload)
        if event == "push":
            return (push_of(payload, most_commits=_MOST_COMMITS),)
        if event.startswith("pull_request") and isinstance(payload.get("pull_request"), dict):
            return (github_pull(payload),)
        return (Other(why=f"Gitea's event {event!r} deploys nothing; a push does."),)


def _header(headers: Headers, what: str) -> str | None:
    return next((found for name in _NAMES if (found := headers.get(f"x-{name}-{what}"))), None)
