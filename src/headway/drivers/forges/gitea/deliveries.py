"""What Gitea and Forgejo tell, much as GitHub does (docs.gitea.com and forgejo.org/docs, "Webhooks")."""

from __future__ import annotations

from typing import Literal

from headway.drivers.forges.base import ForgeName
from headway.drivers.forges.deliveries import Headers, SignedDeliveries
from headway.drivers.forges.events import Event, Other
from headway.drivers.forges.github_style import pull_of, push_of
from headway.drivers.forges.payload import Json, text_at

# Its own setting (webhook.PAYLOAD_COMMIT_LIMIT) may be lower: then ``total_commits`` says how many there are.
_MOST_COMMITS = 10_000


class GiteaDeliveries(SignedDeliveries):
    """Fits ``DeliveryForm``."""

    sender = ForgeName.GITEA
    kept = ("x-forgejo-", "x-gitea-", "x-gogs-")
    prefix = ""

    def header(self, headers: Headers, what: Literal["event", "id", "signature"]) -> str | None:
        name = "delivery" if what == "id" else what
        return next((found for start in self.kept if (found := headers.get(start + name))), None)

    def by(self, payload: Json) -> str:
        return text_at(payload, "pusher", "login") or text_at(payload, "sender", "login") or ""

    def events(self, headers: Headers, payload: Json) -> tuple[Event, ...]:
        event = self.event(headers, payload)
        if event == "push":
            return (push_of(payload, most_commits=_MOST_COMMITS),)
        if event.startswith("pull_request") and isinstance(payload.get("pull_request"), dict):
            return (pull_of(payload),)
        return (Other(why=f"Gitea's event {event!r} deploys nothing; a push does."),)
