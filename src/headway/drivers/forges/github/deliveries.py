"""What GitHub tells: pushes of git and of images, in its own words (docs.github.com, "Webhook events and payloads")."""

from __future__ import annotations

from typing import Literal

from headway.drivers.forges.base import ForgeName
from headway.drivers.forges.deliveries import Headers, SignedDeliveries
from headway.drivers.forges.events import Event, ImagePush, Other, Ping
from headway.drivers.forges.github_style import pull_of, push_of
from headway.drivers.forges.payload import Json, text_at

# What GitHub lists at most; beyond it the rest is missing without a word.
_MOST_COMMITS = 2_048


class GitHubDeliveries(SignedDeliveries):
    """Fits ``DeliveryForm``."""

    sender = ForgeName.GITHUB
    kept = ("x-github-",)

    def header(self, headers: Headers, what: Literal["event", "id", "signature"]) -> str | None:
        names = {"event": "x-github-event", "id": "x-github-delivery", "signature": "x-hub-signature-256"}
        return headers.get(names[what])

    def by(self, payload: Json) -> str:
        return text_at(payload, "sender", "login") or text_at(payload, "pusher", "name") or ""

    def events(self, headers: Headers, payload: Json) -> tuple[Event, ...]:
        match self.event(headers, payload):
            case "ping":
                return (Ping(),)
            case "push":
                return (push_of(payload, most_commits=_MOST_COMMITS),)
            case "pull_request":
                return (pull_of(payload),)
            case "package" | "registry_package" as event:
                return (_image_of(payload, event),)
            case event:
                return (Other(why=f"GitHub's event {event!r} deploys nothing; a push does."),)


def _image_of(payload: Json, event: str) -> Event:
    package = payload.get(event)
    kind = (text_at(package, "package_type") or "").lower()
    if kind not in {"container", "docker"}:
        return Other(why=f"A package of the type {kind or 'unknown'} is no image.")
    if text_at(payload, "action") not in {"published", "updated"}:
        return Other(why="No image was published.")
    name, owner = text_at(package, "name"), text_at(package, "namespace") or text_at(package, "owner", "login")
    if name is None:
        return Other(why="The package has no name.")
    version = ("package_version", "container_metadata")
    repository = name if owner is None or name.startswith(f"{owner}/") else f"{owner}/{name}"
    return ImagePush(
        repository=f"ghcr.io/{repository.lower()}",
        tag=text_at(package, *version, "tag", "name"),
        digest=text_at(package, *version, "tag", "digest"),
    )
