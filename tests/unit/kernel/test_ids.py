"""What may be part of the name of a file or a program."""

from __future__ import annotations

import pytest

from headway.kernel.errors import InvalidInput
from headway.kernel.ids import checked_id, new_id


@pytest.mark.parametrize("text", ["", "a/b", "..", "a b", "a\n", "ä", "x" * 65, "a;b", "%(x)s"])
def test_what_is_no_identifier_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        checked_id(text)


def test_an_identifier_of_ours_is_taken_as_it_is() -> None:
    ours = [new_id() for _ in range(100)]
    assert [checked_id(each) for each in ours] == ours
