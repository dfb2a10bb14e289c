"""Image registries that tell of pushes: Docker Hub, Distribution (and Azure's), Harbor and Quay, each as its own pages
have it. None of them signs; a secret comes as the bearer of the header ``Authorization``, where they let one set it.
"""

from __future__ import annotations

import hashlib

from headway.drivers.forges.deliveries import Headers, is_borne
from headway.drivers.forges.events import Event, ImagePush, Other, OtherSender
from headway.drivers.forges.payload import Json, at, list_at, text_at

_MOST_EVENTS = 100
_NO_PUSH = Other(why="The registry tells of no push of an image.")


class ImageRegistryDeliveries:
    """Fits ``DeliveryForm``."""

    sender = OtherSender.REGISTRY
    kept = ()

    def is_mine(self, headers: Headers, payload: Json) -> bool:
        return _kind(payload) is not None

    def event(self, headers: Headers, payload: Json) -> str:
        match _kind(payload):
            case "harbor":
                return text_at(payload, "type") or ""
            case "distribution" | "azure":
                return text_at(_targeted(payload)[0], "action") or ""
            case _:
                return "push"

    def sent_id(self, headers: Headers, payload: Json, body: bytes) -> str | None:
        # They number nothing but their events, if those; what says the same twice, with its times, is the same.
        return headers.get("idempotency-key") or hashlib.sha256(body).hexdigest()

    def signature(self, headers: Headers) -> str | None:
        return headers.get("authorization")

    def is_signed(self, headers: Headers, body: bytes, secret: str) -> bool:
        return is_borne(headers, secret)

    def by(self, payload: Json) -> str:
        return text_at(payload, "push_data", "pusher") or text_at(payload, "operator") or ""

    def events(self, headers: Headers, payload: Json) -> tuple[Event, ...]:
        found: list[Event]
        match _kind(payload):
            case "hub":
                found = [_image(text_at(payload, "repository", "repo_name"), text_at(payload, "push_data", "tag"))]
            case "quay":
                name = text_at(payload, "docker_url")
                found = [_image(name, each if isinstance(each, str) else None) for each in payload["updated_tags"]]
            case "harbor":
                found = _of_harbor(payload)
            case _:
                found = [_of_target(each) for each in _targeted(payload)]
        return tuple(found[:_MOST_EVENTS]) or (_NO_PUSH,)


def _kind(payload: Json) -> str | None:
    if at(payload, "push_data") is not None and text_at(payload, "repository", "repo_name"):
        return "hub"
    if text_at(payload, "docker_url") and isinstance(at(payload, "updated_tags"), list):
        return "quay"
    if isinstance(at(payload, "event_data", "resources"), list):
        return "harbor"
    if isinstance(at(payload, "events", 0, "target"), dict):
        return "distribution"
    return "azure" if isinstance(at(payload, "target"), dict) and text_at(payload, "action") else None


def _targeted(payload: Json) -> list[Json]:
    return list_at(payload, "events") or [payload]


def _of_target(event: Json) -> Event:
    if text_at(event, "action") != "push":
        return _NO_PUSH
    repository, host = text_at(event, "target", "repository"), text_at(event, "request", "host")
    named = f"{host}/{repository}" if host and repository else repository
    # A push of an image is told once for each of its layers too; those have no tag.
    tag = text_at(event, "target", "tag")
    return _image(named, tag, text_at(event, "target", "digest")) if tag else _NO_PUSH


def _of_harbor(payload: Json) -> list[Event]:
    if text_at(payload, "type") not in {"PUSH_ARTIFACT", "pushImage"}:
        return []
    name = text_at(payload, "event_data", "repository", "repo_full_name")
    resources = list_at(payload, "event_data", "resources")
    return [_image(name, text_at(each, "tag"), text_at(each, "digest")) for each in resources]


def _image(repository: str | None, tag: str | None, digest: str | None = None) -> Event:
    if repository is None:
        return _NO_PUSH
    return ImagePush(repository=repository.lower(), tag=tag, digest=digest)
