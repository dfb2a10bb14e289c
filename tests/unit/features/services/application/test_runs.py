"""What may be run inside an application: a program and its arguments, of a size, for a time."""

from __future__ import annotations

import pytest

from headway.features.services.application.runs import LONGEST_COMMAND, LONGEST_RUN_SECONDS, check
from headway.kernel.errors import InvalidInput

WRONG: list[tuple[list[str], float | None, str]] = [
    ([], None, "Say what is to run"),
    ([""], None, "Say what is to run"),
    (["echo", "a\0b"], None, "NUL"),
    (["echo", "x" * LONGEST_COMMAND], None, "128 KiB"),
    (["true"], 0.5, "timeoutSeconds"),
    (["true"], LONGEST_RUN_SECONDS + 1, "timeoutSeconds"),
]


@pytest.mark.parametrize(("command", "seconds", "said"), WRONG)
def test_what_cannot_run_is_told(command: list[str], seconds: float | None, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        check(command, seconds)


def test_the_rest_may() -> None:
    check(["sh", "-c", "", "ü" * 1_000], LONGEST_RUN_SECONDS)
    check(["true"], None)
