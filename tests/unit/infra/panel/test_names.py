"""The names of a panel on its hosts, told apart from those of other panels."""

from __future__ import annotations

import pytest

from headway.infra.panel.names import is_own, name_on


def test_a_panel_has_another_name_on_each_server_and_knows_all_of_them() -> None:
    names = {"abc", name_on("abc", "server-1"), name_on("abc", "server-2")}
    assert len(names) == 3
    assert all(is_own("abc", name) for name in names)


@pytest.mark.parametrize("name", ["", "ab", "abcd", "abc-", "abc-12345", "abc-1234567g", "abc-123456789", "xabc"])
def test_what_another_panel_may_be_called_is_not_its_own(name: str) -> None:
    assert not is_own("abc", name)
