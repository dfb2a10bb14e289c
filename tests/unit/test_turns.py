"""What is met over so many days: each has one turn, and each day some."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.support.panel.today import VARIABLE, turn

NAMES = [f"operation.{number}" for number in range(23)]


@pytest.mark.parametrize("days", [1, 5, 23])
def test_in_any_row_of_so_many_days_each_has_one_turn(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    met = []
    for number in range(days):
        monkeypatch.setenv(VARIABLE, (date(2026, 2, 27) + timedelta(days=number)).isoformat())
        met.append(turn(NAMES, days))
    assert sorted(name for each in met for name in each) == sorted(NAMES)
    assert all(met)
    assert turn(NAMES, days) == met[-1], "the same for whoever asks on that day"
