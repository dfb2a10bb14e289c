"""Services of all kinds, as those who follow changes know them."""

from __future__ import annotations

from headway.core.access.topics import topics_of
from headway.features.services.directory import READERS
from headway.features.services.model import noun_of


def test_what_changes_of_a_service_is_told_as_of_one_whatever_its_kind() -> None:
    told = {kind: topics_of(noun_of(kind), "id") for kind in READERS}
    assert told == dict.fromkeys(READERS, ("service:id", "services"))
