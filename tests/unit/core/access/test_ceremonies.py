"""What browsers answer is taken apart: whatever comes is read as a passkey, or refused as none."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.core.access import ceremonies
from headway.core.access.passkeys import NotShown, PasskeyHost
from tests.support.panel.authenticator import LOCAL, Authenticator

HOST = PasskeyHost(name="localhost", origin=LOCAL)
CHALLENGE = bytes(range(32))
DEVICE = Authenticator(counts=False)
MADE = DEVICE.make(json.dumps(ceremonies.creation_options(HOST, "user", "ona", [], CHALLENGE)))
CREDENTIAL = ceremonies.registered(HOST, CHALLENGE, MADE).credential
SHOWN = DEVICE.show(json.dumps(ceremonies.request_options(HOST, None, CHALLENGE)))
READ: dict[str, Callable[[str], object]] = {
    MADE: lambda answer: ceremonies.registered(HOST, CHALLENGE, answer),
    SHOWN: lambda answer: ceremonies.shown(HOST, CHALLENGE, CREDENTIAL, answer),
}
PIECES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("AAAA"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_an_honest_answer_is_read() -> None:
    made = ceremonies.registered(HOST, CHALLENGE, MADE)
    assert (made.counter, made.synced, made.credential_id) == (0, False, ceremonies.credential_id_of(SHOWN))
    used = ceremonies.shown(HOST, CHALLENGE, made.credential, SHOWN)
    assert (used.counter, used.synced, used.user_handle) == (0, False, b"user")


@settings(deadline=None)
@given(answer=st.sampled_from([MADE, SHOWN]), data=st.data())
def test_an_answer_of_which_a_piece_is_another_is_refused(answer: str, data: st.DataObject) -> None:
    told: Any = json.loads(answer)
    signed = [name for name in told["response"] if name != "userHandle"]
    name = data.draw(st.sampled_from(["id", "rawId", "response", *signed]))
    (told["response"] if name in signed else told)[name] = data.draw(PIECES)
    with pytest.raises(NotShown):
        READ[answer](json.dumps(told))


@pytest.mark.parametrize("answer", [pytest.param(MADE, id="made"), pytest.param(SHOWN, id="shown")])
def test_a_number_where_bytes_belong_takes_no_memory(answer: str) -> None:
    asked: Any = json.loads(answer)
    names = [[name] for name in asked["response"]] + [["id", "rawId"]]
    for places in names:
        told: Any = json.loads(answer)
        for name in places:
            (told["response"] if name in told["response"] else told)[name] = 100_000_000
        tracemalloc.start()
        try:
            for read in (READ[answer], ceremonies.credential_id_of):
                with pytest.raises(NotShown):
                    read(json.dumps(told))
            assert tracemalloc.get_traced_memory()[1] < 10_000_000, places
        finally:
            tracemalloc.stop()


def test_a_new_passkey_goes_by_the_id_that_its_device_has_given_it() -> None:
    with pytest.raises(NotShown, match="another than its id"):
        ceremonies.registered(HOST, CHALLENGE, json.dumps({**json.loads(MADE), "id": "AAAA", "rawId": "AAAA"}))


@settings(deadline=None)
@given(data=st.data())
def test_what_is_signed_and_changed_by_a_byte_is_refused(data: st.DataObject) -> None:
    told: Any = json.loads(SHOWN)
    name = data.draw(st.sampled_from(["authenticatorData", "clientDataJSON", "signature"]))
    text = told["response"][name]
    at = data.draw(st.integers(0, len(text) - 2))  # of the last letter some bits count for nothing
    told["response"][name] = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
    with pytest.raises(NotShown):
        READ[SHOWN](json.dumps(told))


@settings(deadline=None)
@given(text=st.text(max_size=40) | PIECES.map(json.dumps))
def test_whatever_is_no_answer_is_refused(text: str) -> None:
    for read in (*READ.values(), ceremonies.credential_id_of):
        with pytest.raises(NotShown):
            read(text)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "\ud800", '{"id":"AA","rawId":"AA","response":1}'])
def test_what_is_nested_without_end_is_refused(text: str) -> None:
    for read in (*READ.values(), ceremonies.credential_id_of):
        with pytest.raises(NotShown):
            read(text)
