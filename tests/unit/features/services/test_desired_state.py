"""What is said of a service that cannot be started, of whichever kind it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.features.services.desired_state import require_deployed
from headway.features.services.model import DesiredState
from headway.kernel.errors import Conflict
from tests.unit.features.services.test_requests import APPLICATION, COMPOSE, DATABASE


def test_a_kind_is_called_by_its_noun() -> None:
    told = []
    for service in (APPLICATION, COMPOSE, DATABASE):
        for each in (service, replace(service, serving_release_id="release", wanted=DesiredState.HELD)):
            with pytest.raises(Conflict) as refused:
                require_deployed(each)
            told.append(refused.value.message)
    assert told == [
        "Nothing of this application has been deployed yet; deploy it first.",
        "A volume backup has stopped the application and starts it again at its end; wait for that.",
        "Nothing of this compose service has been deployed yet; deploy it first.",
        "A volume backup has stopped the compose service and starts it again at its end; wait for that.",
        "Nothing of this database has been deployed yet; deploy it first.",
        "A volume backup has stopped the database and starts it again at its end; wait for that.",
    ]


def test_what_serves_and_is_held_by_nobody_may_be_started() -> None:
    require_deployed(replace(APPLICATION, serving_release_id="release"))
