"""For how long a caller is known, and what of it is a key."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from headway.core.access.model import Actor, Credential, CredentialKind, Role, Terms
from headway.core.deployments.model import Trigger, asked_by
from tests.support.panel.factories import request

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BY_KEY = Actor(user_id="u", organization_id="o", role=Role.OWNER, credential=Credential.of_key("k", "laptop"), name="O")
SIGNED_IN = replace(
    BY_KEY,
    credential=Credential(kind=CredentialKind.SESSION, id="s", name="A browser", ends_at=NOW + timedelta(seconds=9)),
)


def test_a_caller_is_known_until_its_key_or_its_session_ends() -> None:
    assert BY_KEY.seconds_left(NOW) is None
    assert replace(BY_KEY, terms=Terms(expires_at=NOW + timedelta(seconds=5))).seconds_left(NOW) == 5
    assert SIGNED_IN.seconds_left(NOW) == 9
    assert replace(SIGNED_IN, terms=Terms(expires_at=NOW + timedelta(seconds=5))).seconds_left(NOW) == 5
    assert SIGNED_IN.seconds_left(NOW + timedelta(minutes=1)) == 0
    assert SIGNED_IN.terms.expires_at is None, "else nobody who has signed in could give anything that lasts"


def test_what_somebody_starts_who_has_signed_in_was_started_by_hand_and_by_no_key() -> None:
    by_session = asked_by(replace(SIGNED_IN, by_hand=True), request())
    assert (by_session.trigger, by_session.triggered_by) == (Trigger.MANUAL, "u")
    assert (by_session.triggered_by_key, by_session.triggered_by_key_name) == (None, None)
    by_key = asked_by(BY_KEY, request())
    assert (by_key.trigger, by_key.triggered_by_key, by_key.triggered_by_key_name) == (Trigger.API, "k", "laptop")


def test_who_has_signed_in_has_no_key() -> None:
    assert (BY_KEY.api_key_id, BY_KEY.api_key_name, BY_KEY.session_id) == ("k", "laptop", None)
    assert (SIGNED_IN.api_key_id, SIGNED_IN.api_key_name, SIGNED_IN.session_id) == (None, None, "s")
