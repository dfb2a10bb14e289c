"""GitHub: pushes of git and of images, in its own words (docs.github.com, "Webhook events and payloads")."""

from __future__ import annotations

from headway.features.webhooks.events import Event, ImagePush, Other, Ping, Push, Removed, Sender
from headway.features.webhooks.forges.base import Headers, signed_hex
from headway.features.webhooks.forges.pulls import github_pull
from headway.features.webhooks.payload import Json, changed_by, hash_at, is_true, list_at, split_ref, text_at, texts

# What GitHub lists at most; beyond it the rest is missing without a word.
_MOST_COMMITS = 2_048
_SIGNATURE = "x-hub-signature-256"


class GitHub:
    """Fits ``base.Form``."""

    sender = Sender.GITHUB

    def is_mine(self, headers: Headers, payload: Json) -> bool:
        return "x-github-event" in headers

    def event(self, headers: Headers, payload: Json) -> str:
        return headers.get("x-github-event", "")

    def sent_id(self, headers: Headers, payload: Json, body: bytes) -> str | None:
        return headers.get("x-github-delivery") or None

    def signature(self, headers: Headers) -> str | None:
        return headers.get(_SIGNATURE)

    def is_signed(self, headers: Headers, body: bytes, secret: str) -> bool:
        return signed_hex(headers.get(_SIGNATURE), secret, body, prefix="sha256=")

    def by(self, payload: Json) -> str:
        return text_at(payload, "sender", "login") or text_at(payload, "pusher", "name") or ""

    def events(self, headers: Headers, payload: Json) -> tuple[Event, ...]:
        match self.event(headers, payload):
            case "ping":
                return (Ping(),)
            case "push":
                return (push_of(payload, most_commits=_MOST_COMMITS),)
            case "pull_request":
                return (github_pull(payload),)
            case "package" | "registry_package" as event:
                return (_image_of(payload, event),)
            case event:
                return (Other(why=f"GitHub's event {event!r} deploys nothing; a push does."),)


def push_of(payload: Json, *, most_commits: int) -> Event:
    """A push as GitHub and those who follow it write it."""
    ref = split_ref(text_at(payload, "ref"))
    if ref is None:
        return Other(why="The push names neither a branch nor a tag.")
    after = hash_at(payload, "after")
    if is_true(payload, "deleted") or after is None:
        return Removed(ref_type=ref[0], name=ref[1])
    commits = list_at(payload, "commits")
    newest = payload.get("head_commit") or (commits[-1] if commits else None)
    repository = payload.get("repository")
    return Push(
        ref_type=ref[0],
        name=ref[1],
        after=after,
        changed=changed_by(commits, unknown=_missing(payload, len(commits), most_commits)),
        message=text_at(newest, "message"),
        author=text_at(newest, "author", "name") or "",
        default_branch=text_at(repository, "default_branch"),
        urls=texts(*(text_at(repository, name) for name in ("clone_url", "ssh_url", "git_url", "html_url", "url"))),
    )


def _missing(payload: Json, listed: int, most: int) -> str | None:
    """Why the commits that are listed are not all that has changed."""
    total = payload.get("total_commits")
    if is_true(payload, "forced"):
        return "the push has taken commits away, whose files nobody lists"
    if listed >= most or (isinstance(total, int) and total > listed):
        return f"the push lists no more than {listed} of its commits"
    if not listed:
        return "the push lists no commits"
    return None


def _image_of(payload: Json, event: str) -> Event:
    package = payload.get(event)
    kind = (text_at(package, "package_type") or "").lower()
    if kind not in {"container", "docker"}:
        return Other(why=f"A package of the type {kind or 'unknown'} is no image.")
    if payload.get("action") not in {"published", "updated"}:
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
