"""A plain call, as a script makes it: it may name a branch or a tag, or nothing at all."""

from __future__ import annotations

from headway.drivers.forges.deliveries import Headers, digest_of, is_borne, same
from headway.drivers.forges.events import ChangedFiles, DeployRequest, Event, OtherSender, Push, RefType
from headway.drivers.forges.payload import Json, changed_by, hash_at, split_ref, text_at

_SIGNATURE = "x-hub-signature-256"
_UNKNOWN = "the call does not say which files have changed"


class PlainCall:
    """Fits ``DeliveryForm``. It takes whatever nobody else does."""

    sender = OtherSender.GENERIC
    kept = ()

    def is_mine(self, headers: Headers, payload: Json) -> bool:
        return True

    def event(self, headers: Headers, payload: Json) -> str:
        return headers.get("x-headway-event") or ("push" if _ref(payload) else "deploy")

    def sent_id(self, headers: Headers, payload: Json, body: bytes) -> str | None:
        return headers.get("idempotency-key") or None

    def signature(self, headers: Headers) -> str | None:
        return headers.get(_SIGNATURE) or headers.get("authorization")

    def is_signed(self, headers: Headers, body: bytes, secret: str) -> bool:
        if _SIGNATURE in headers:
            return same(headers[_SIGNATURE], f"sha256={digest_of(secret, body).hex()}")
        return is_borne(headers, secret)

    def by(self, payload: Json) -> str:
        return text_at(payload, "by") or ""

    def events(self, headers: Headers, payload: Json) -> tuple[Event, ...]:
        ref = _ref(payload)
        if ref is None:
            return (DeployRequest(),)
        lists = any(isinstance(payload.get(name), list) for name in ("added", "modified", "removed"))
        whole = {name: payload.get(name, []) for name in ("added", "modified", "removed")}
        return (
            Push(
                ref_type=ref[0],
                name=ref[1],
                after=hash_at(payload, "after"),
                changed=changed_by([whole], unknown=None) if lists else ChangedFiles(unknown=_UNKNOWN),
                message=text_at(payload, "message"),
                author=text_at(payload, "by") or "",
                default_branch=None,
            ),
        )


def _ref(payload: Json) -> tuple[RefType, str] | None:
    if branch := text_at(payload, "branch"):
        return RefType.BRANCH, branch
    if tag := text_at(payload, "tag"):
        return RefType.TAG, tag
    ref = text_at(payload, "ref")
    return split_ref(ref) or ((RefType.BRANCH, ref) if ref else None)
