"""What is said of a schedule that was saved."""

from __future__ import annotations

from typing import Any, cast

import pytest

from headway.features.schedules.pages.schedule import PAGE
from headway.pages.forms import Flash, Form
from headway.pages.page import Visit


@pytest.mark.parametrize(
    ("enabled", "following", "said"),
    [
        (True, "2026-11-29T04:30:00Z", "next 29 Nov 2026, 04:30:00 UTC."),
        (True, None, "It is never due again."),
        (False, None, "It is switched off."),
    ],
)
def test_one_that_is_on_and_never_due_again_is_not_said_to_be_off(
    *, enabled: bool, following: str | None, said: str
) -> None:
    row: Any = {"cronExpression": "30 4 29 11 *", "timezone": "UTC", "enabled": enabled, "nextRunAt": following}
    form = PAGE.forms["change"]
    assert isinstance(form, Form)
    flash = form.did(cast("Visit", None), row)
    assert isinstance(flash, Flash)
    assert flash.text.endswith(said)
