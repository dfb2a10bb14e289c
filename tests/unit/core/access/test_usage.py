"""How often a key may call within its window, and when it was used last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headway.core.access.model import Actor, Credential, CredentialKind, Rate, Role, Terms
from headway.core.access.usage import RateExceeded, Usage

BOUND = Actor(
    user_id="u",
    organization_id="org",
    role=Role.OWNER,
    credential=Credential.of_key("k"),
    name="Owner",
    terms=Terms(rate=Rate(calls=3, window=timedelta(seconds=10))),
)


class Time:
    """A time that stands still until it is moved."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_key_has_its_calls_in_each_window_and_is_told_when_the_next_one_begins() -> None:
    time = Time()
    usage = Usage(monotonic=time)
    for _ in range(3):
        usage.spend(BOUND)
    time.now += 2.5
    with pytest.raises(RateExceeded, match="3 calls within 10 seconds; try again in 8 seconds") as refused:
        usage.spend(BOUND)
    assert refused.value.retry_after_seconds == 8
    time.now += 7.5
    usage.spend(BOUND)


def test_what_is_refused_is_not_counted_and_a_batch_counts_each_of_its_calls() -> None:
    usage = Usage(monotonic=Time())
    usage.spend(BOUND, 2)
    with pytest.raises(RateExceeded):
        usage.spend(BOUND, 2)
    usage.spend(BOUND)


def test_keys_do_not_share_their_windows_and_one_without_a_bound_has_none() -> None:
    usage = Usage(monotonic=Time())
    usage.spend(BOUND, 3)
    usage.spend(replace(BOUND, credential=Credential.of_key("another")), 3)
    usage.spend(replace(BOUND, terms=Terms()), 1_000)


def test_the_last_use_is_known_at_once_and_saved_once() -> None:
    time = Time()
    usage = Usage(clock=time)
    assert usage.last("k") is None
    usage.spend(BOUND)
    time.now += 1
    usage.spend(BOUND)
    at = datetime.fromtimestamp(1_001, UTC)
    assert usage.last("k") == at
    assert usage.take_unsaved() == {"k": at}
    assert usage.take_unsaved() == {}
    usage.give_back({"k": at})
    assert usage.take_unsaved() == {"k": at}


def test_a_session_has_no_bound_and_is_noted_apart_from_keys() -> None:
    time = Time()
    usage = Usage(monotonic=time, clock=time)
    signed_in = replace(BOUND, credential=Credential(kind=CredentialKind.SESSION, id="k"))
    for _ in range(5):
        usage.spend(signed_in)
    assert usage.take_unsaved() == {}
    assert usage.last("k") is None
    taken = usage.take_sessions()
    assert taken == {"k": datetime.fromtimestamp(1_000, UTC)}
    assert usage.take_sessions() == {}
    usage.give_sessions_back(taken)
    time.now += 5
    usage.spend(signed_in)
    usage.give_sessions_back(taken)
    assert usage.take_sessions() == {"k": datetime.fromtimestamp(1_005, UTC)}, "the later one stays"
