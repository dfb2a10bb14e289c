"""How many streams one person may have, how many listen by one link, and who is sent away when a service moves."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import pytest

from headway.core.access.audience import Audience, Listener, TooManyReaders, TooManyStreams
from headway.core.access.model import Actor, Credential, Role
from headway.kernel.errors import Conflict
from headway.kernel.events import Events, ServiceMoved

ANN = Actor(user_id="ann", organization_id="org", role=Role.OWNER, credential=Credential.of_key("k"), name="Ann")


def test_who_was_let_in_with_many_others_is_counted_when_it_begins() -> None:
    audience = Audience(Events(), 3)
    audience.admit(ANN)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(audience.listening(ANN))
        with pytest.raises(TooManyStreams), audience.listening(ANN):
            pass
    with audience.listening(ANN):
        pass


def test_so_is_who_reads_by_a_link() -> None:
    audience = Audience(Events(), 3)
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(audience.listening(ANN, "maker"))
        with pytest.raises(TooManyReaders), audience.listening(ANN, "maker"):
            pass


MEMBER = replace(ANN, user_id="bob", role=Role.MEMBER, projects=frozenset({"here"}))
MOVED = ServiceMoved(service_id="shop", organization_id="org", project_id="there")


def is_sent_away(listener: Listener) -> bool:
    try:
        listener.require("another")
    except Conflict:
        return True
    return False


def test_who_may_not_see_a_service_where_it_moved_hears_no_more_of_it_and_others_do() -> None:
    given_it = replace(MEMBER, user_id="eve", services=frozenset({"shop"}))
    there = replace(MEMBER, user_id="may", projects=frozenset({"here", "there"}))
    events = Events()
    audience = Audience(events, 3)
    with ExitStack() as stack:
        hearing = [stack.enter_context(audience.listening(each)) for each in (ANN, MEMBER, given_it, there, MEMBER)]
        for listener in hearing[:-1]:
            listener.require("shop")
        hearing[-1].require("another")
        events.announce(MOVED)
        assert [is_sent_away(each) for each in hearing] == [False, True, False, False, False]


def test_so_it_is_with_who_was_let_in_before_it_moved_and_begins_after() -> None:
    events = Events()
    audience = Audience(events, 3)
    with audience.listening(MEMBER) as listener:
        events.announce(MOVED)
        with pytest.raises(Conflict, match="Your access has changed meanwhile"):
            listener.require("shop")
