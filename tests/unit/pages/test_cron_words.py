"""What a cron expression says, in words."""

from __future__ import annotations

import pytest

from headway.pages.cron_words import cron_words

SAID = {
    "* * * * *": "each minute",
    "*/15 * * * *": "every 15 minutes",
    "0 * * * *": "each hour",
    "5,35 * * * *": "each hour at minute 5 and 35",
    "30 */6 * * *": "every 6 hours at minute 30",
    "30 4 * * *": "each day at 04:30",
    "0 3,15 * * *": "each day at 03:00 and 15:00",
    "0 3 * * 1-5": "Monday to Friday at 03:00",
    "*/10 * * * 6,0": "every 10 minutes, Saturday and Sunday",
    "0 2 1 * *": "on day 1 of each month at 02:00",
    "0 2 1,15 1 *": "on day 1 and 15 of January at 02:00",
    "0 2 * 6-8 *": "in June to August at 02:00",
    "@weekly": "Sunday at 00:00",
    "@DAILY": "each day at 00:00",
}


@pytest.mark.parametrize(("expression", "said"), SAID.items())
def test_the_usual_is_said(expression: str, said: str) -> None:
    assert cron_words(expression) == said


@pytest.mark.parametrize(
    "expression",
    [
        *("", "nonsense", "0 0 13 * 5", "61 4 * * *", "0 0 L * *", "0 30 4 * * *", "*/0 * * * *", "0 4 * 13 *"),
        *("٣ 4 * * *", "*/40 * * * *", "*/7 * * * *", "*/60 * * * *", "0 */5 * * *", "0 */24 * * *"),
    ],
)
def test_of_the_unusual_nothing_is_said(expression: str) -> None:
    assert cron_words(expression) == ""
