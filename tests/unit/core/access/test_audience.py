"""How many streams one person may have, and how many listen by one link, whenever they were let in."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from headway.core.access.audience import Audience, TooManyReaders, TooManyStreams
from headway.core.access.model import Actor, Credential, Role
from headway.kernel.events import Events

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
