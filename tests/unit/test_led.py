"""Which requests a process can have had when it died, as the tests of what is lost judge it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.applications.led import DYING_SECONDS, HEARD_SECONDS, require_lost_at_death
from tests.support.applications.visitors import Lost

DEATH = 1000.0


def lost(visitor: int, began: float, ended: float) -> Lost:
    """A request of a visitor, by the seconds since the death."""
    return Lost(visitor=f"shop {visitor}", text="shop: Bad Gateway", began=DEATH + began, ended=DEATH + ended)


IN_IT = [lost(visitor, -0.25, 0.004) for visitor in range(50)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_process_had_one_request_of_each_and_met_whoever_came_while_it_died(order: int) -> None:
    require_lost_at_death([*IN_IT, lost(7, 0.005, 0.009)][::order], [DEATH])
    require_lost_at_death([*IN_IT, *(lost(visitor, 0.05, 0.1) for visitor in range(50))][::order], [DEATH + 0.1, DEATH])


@pytest.mark.parametrize(
    ("astray", "deaths", "told"),
    [
        ([lost(7, -DYING_SECONDS - 0.2, -DYING_SECONDS - 0.1)], [DEATH], "before it died"),
        ([lost(7, DYING_SECONDS + 0.01, DYING_SECONDS + 0.02)], [DEATH], "when it was dead"),
        ([lost(7, 0.01, HEARD_SECONDS + 0.1)], [DEATH], "waited for what was dead"),
        ([lost(7, -0.01, 0.004)], [DEATH], "as many"),
        ([lost(7, -0.01, 0.004), lost(7, 0.01, 0.1)], [DEATH, DEATH + 0.1], "as many"),
    ],
)
def test_another_that_is_lost_is_told(astray: Sequence[Lost], deaths: Sequence[float], told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        require_lost_at_death([*IN_IT, *astray], deaths)
