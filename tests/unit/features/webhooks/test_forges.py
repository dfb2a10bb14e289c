"""How each sender's deliveries are read: after their documentation, with signatures that hold and that do not."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, get_args, get_type_hints
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.drivers.forges.base import ForgeName
from headway.drivers.forges.events import ImagePush, Other, OtherSender, Ping, Push, RefType, Removed
from headway.features.services.hooks_model import SourceKind, TrackedSource
from headway.features.webhooks.api.rows import DeliveryRow
from headway.features.webhooks.parser import Signature, read, unpacked
from headway.features.webhooks.policy import decide
from tests.unit.features.webhooks import deliveries as sent

Json = Any
PUSHES: Mapping[str, tuple[ForgeName, tuple[dict[str, str], bytes]]] = {
    "github": (ForgeName.GITHUB, sent.github()),
    "gitea": (ForgeName.GITEA, sent.gitea()),
    "forgejo": (ForgeName.GITEA, sent.forgejo()),
    "gitlab": (ForgeName.GITLAB, sent.gitlab()),
    "bitbucket": (ForgeName.BITBUCKET, sent.bitbucket()),
    "bitbucket server": (ForgeName.BITBUCKET, sent.bitbucket(sent.BITBUCKET_SERVER_PUSH, "repo:refs_changed")),
}
IMAGES: Mapping[str, tuple[Json, str]] = {
    "hub": (sent.HUB_PUSH, "team/app"),
    "distribution": (sent.DISTRIBUTION_PUSH, "registry.example:5000/team/app"),
    "azure": (sent.AZURE_PUSH, "r.azurecr.io/team/app"),
    "harbor": (sent.HARBOR_PUSH, "team/app"),
    "quay": (sent.QUAY_PUSH, "quay.io/team/app"),
}


@pytest.mark.parametrize("name", PUSHES)
def test_a_push_is_read(name: str) -> None:
    sender, (headers, body) = PUSHES[name]
    arrived = read(headers, body)
    (event,) = arrived.told.events
    assert (arrived.told.sender, arrived.told.sent_id) == (sender, "1")
    assert arrived.told.by in {"octocat", "gitea", "jsmith", "emma", "admin"}
    assert isinstance(event, Push)
    assert (event.ref_type, event.name, event.after) == (RefType.BRANCH, "main", sent.A)
    if sender is ForgeName.BITBUCKET:
        assert event.changed.unknown is not None
    else:
        assert event.changed.unknown is None
        assert {"new.txt", "src/a.py", "old.txt"} <= set(event.changed.files)


@pytest.mark.parametrize("name", PUSHES)
def test_a_signature_holds_for_its_secret_and_its_body_alone(name: str) -> None:
    headers, body = PUSHES[name][1]
    unsigned = {key: value for key, value in headers.items() if "signature" not in key and "token" not in key}
    assert read(headers, body).signature(sent.SECRET) is Signature.VALID
    assert read(headers, body).signature("another") is Signature.WRONG
    assert read(headers, body).signature(None) is Signature.UNASKED
    assert read(unsigned, body).signature(sent.SECRET) is Signature.MISSING
    if name != "gitlab":  # which shows a secret and signs nothing
        assert read(headers, body + b" ").signature(sent.SECRET) is Signature.WRONG


def test_gitlab_signs_where_it_has_a_signing_token() -> None:
    key = b"0123456789abcdef"
    token = f"whsec_{base64.b64encode(key).decode()}"
    headers, body = sent.gitlab()
    del headers["x-gitlab-token"]
    headers |= {"webhook-id": "one", "webhook-timestamp": "1700000000"}
    digest = base64.b64encode(hmac.new(key, b"one.1700000000." + body, hashlib.sha256).digest()).decode()
    headers["webhook-signature"] = f"v1,AAAA v1,{digest}"
    assert read(headers, body).signature(token) is Signature.VALID
    assert read({**headers, "webhook-timestamp": "1700000001"}, body).signature(token) is Signature.WRONG


@pytest.mark.parametrize("name", IMAGES)
def test_a_push_of_an_image_is_read(name: str) -> None:
    payload, repository = IMAGES[name]
    arrived = read(*sent.registry(payload))
    image = TrackedSource(source=SourceKind.IMAGE, image=f"{repository}:2")
    assert arrived.told.sender is OtherSender.REGISTRY
    assert ImagePush(repository=repository, tag="2", digest=_digest(arrived.told.events)) in arrived.told.events
    assert decide(image, arrived.told.events).deploys
    assert arrived.signature(sent.SECRET) is Signature.VALID
    assert arrived.signature("other") is Signature.WRONG


def _digest(events: object) -> str | None:
    assert isinstance(events, tuple)
    return next(each.digest for each in reversed(events) if isinstance(each, ImagePush))


def test_github_tells_of_packages_that_are_images() -> None:
    tag = {"name": "2", "digest": "sha256:2"}
    package = {
        "name": "app",
        "namespace": "team",
        "package_type": "CONTAINER",
        "package_version": {"container_metadata": {"tag": tag}},
    }
    published = {"action": "published", "registry_package": package}
    (event,) = read(*sent.github(published, "registry_package")).told.events
    assert event == ImagePush(repository="ghcr.io/team/app", tag="2", digest="sha256:2")
    (other,) = read(*sent.github({**published, "registry_package": {"package_type": "npm"}}, "package")).told.events
    assert isinstance(other, Other)
    (strange,) = read(*sent.github({**published, "action": []}, "registry_package")).told.events
    assert isinstance(strange, Other)


def test_the_document_names_all_who_send() -> None:
    named = get_args(get_type_hints(DeliveryRow)["sender"])
    assert list(named) == [*ForgeName, *OtherSender]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"after": sent.ZEROS, "deleted": True}, Removed),
        ({"ref": "refs/tags/v1"}, Push),
        ({"ref": "refs/notes/x"}, Other),
        ({"ref": None}, Other),
        ({"after": "not a hash"}, Removed),
        ({"commits": None, "head_commit": None}, Push),
    ],
)
def test_what_else_a_push_may_be(change: dict[str, Json], expected: type) -> None:
    (event,) = read(*sent.github({**sent.GITHUB_PUSH, **change})).told.events
    assert isinstance(event, expected)


@pytest.mark.parametrize(
    ("delivery", "word"),
    [
        (sent.github({**sent.GITHUB_PUSH, "forced": True}), "taken commits away"),
        (sent.github({**sent.GITHUB_PUSH, "commits": []}), "no commits"),
        (sent.gitea({**sent.GITEA_PUSH, "total_commits": 40}), "no more than 1"),
        (sent.gitlab({**sent.GITLAB_PUSH, "total_commits_count": 35}), "1 of its 35 commits"),
        (sent.github({**sent.GITHUB_PUSH, "commits": [{"id": sent.A}]}), "every commit"),
    ],
)
def test_files_that_are_not_all_told_are_said_to_be_unknown(delivery: tuple[dict[str, str], bytes], word: str) -> None:
    (event,) = read(*delivery).told.events
    assert isinstance(event, Push)
    assert word in (event.changed.unknown or "")


def test_a_ping_is_one() -> None:
    assert read(*sent.github({"zen": "x"}, "ping")).told.events == (Ping(),)


def test_a_form_holds_the_payload_too_and_is_signed_as_it_is() -> None:
    body = urlencode({"payload": json.dumps(sent.GITHUB_PUSH)}).encode()
    digest = hmac.new(sent.SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-github-event": "push",
        "x-hub-signature-256": f"sha256={digest}",
    }
    arrived = read(headers, body)
    assert isinstance(arrived.told.events[0], Push)
    assert arrived.signature(sent.SECRET) is Signature.VALID


def test_a_plain_call_may_name_a_branch_and_files() -> None:
    headers = {"content-type": "application/json", "authorization": f"Bearer {sent.SECRET}"}
    arrived = read(headers, json.dumps({"branch": "main", "modified": ["a"], "by": "ci"}).encode())
    (event,) = arrived.told.events
    assert isinstance(event, Push)
    assert (event.name, event.changed.files, event.changed.unknown, arrived.told.by) == ("main", ("a",), None, "ci")
    assert arrived.signature(sent.SECRET) is Signature.VALID


def test_what_proves_a_delivery_is_not_kept_and_the_rest_reads_the_same_again() -> None:
    for _, (headers, body) in PUSHES.values():
        arrived = read({**headers, "cookie": "c", "authorization": "a"}, body)
        assert not any(word in name for name in arrived.kept_headers for word in ("signature", "token", "auth", "cook"))
        assert read(arrived.kept_headers, unpacked(arrived.packed)).told == arrived.told


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ALL: tuple[tuple[dict[str, str], Json], ...] = (
    *((headers, json.loads(body)) for _, (headers, body) in PUSHES.values()),
    *(({"content-type": "application/json"}, payload) for payload, _ in IMAGES.values()),
)


@given(st.sampled_from(range(len(ALL))), st.data())
def test_nothing_that_was_changed_in_a_payload_breaks_the_reading(number: int, data: st.DataObject) -> None:
    headers, payload = ALL[number]
    changed = copy.deepcopy(payload)
    for _ in range(data.draw(st.integers(1, 4))):
        changed = mutated(changed, data)
    arrived = read(headers, json.dumps(changed).encode())
    for service in (
        TrackedSource(source=SourceKind.GIT, branch="main", watch_paths=("x",)),
        TrackedSource(source=SourceKind.IMAGE),
    ):
        assert decide(service, arrived.told.events).message


@given(
    st.binary(max_size=200), st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/x", ""])
)
def test_no_bytes_break_the_reading(body: bytes, content_type: str) -> None:
    for headers, _ in ALL:
        arrived = read({**headers, "content-type": content_type}, body)
        assert arrived.told.events


def mutated(value: Json, data: st.DataObject) -> Json:
    """The payload with something in it replaced, taken away or added, at any depth."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 4)):
        key = data.draw(st.sampled_from(sorted(value)))
        match data.draw(st.integers(0, 2)):
            case 0:
                return {name: each for name, each in value.items() if name != key}
            case _:
                return {**value, key: mutated(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 4)):
        position = data.draw(st.integers(0, len(value) - 1))
        return [mutated(each, data) if number == position else each for number, each in enumerate(value)]
    return data.draw(JUNK)
