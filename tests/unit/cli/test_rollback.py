"""Which release a rollback goes to where only its service is named."""

from __future__ import annotations

from typing import Any

import pytest

from headway.cli.commands.rollback import chosen
from headway.kernel.errors import InvalidInput, NotFound


def left(version: int, *, serves: bool = False, usable: bool = True) -> dict[str, Any]:
    why = "It serves now." if serves else None if usable else "Its image is gone."
    told = {"rollbackId": f"r{version}", "version": version, "serves": serves, "whyNot": why}
    return {**told, "usable": usable and not serves}


@pytest.mark.parametrize(
    ("releases", "version", "taken"),
    [
        ([left(3, serves=True), left(2), left(1)], None, "r2"),
        ([left(3, serves=True), left(2, usable=False), None, left(1)], None, "r1"),
        ([left(3), left(2, serves=True), left(1)], None, "r1"),
        ([left(2), left(1)], None, "r2"),
        ([left(3, serves=True), left(2), left(1)], 1, "r1"),
    ],
)
def test_the_newest_usable_one_before_what_serves_is_taken(
    releases: list[Any], version: int | None, taken: str
) -> None:
    assert chosen(releases, "shop", version) == taken


def test_what_cannot_be_gone_back_to_is_told_with_what_can() -> None:
    releases = [left(3), left(2, usable=False), left(1, serves=True)]
    with pytest.raises(NotFound, match=r"of shop before version 1 is kept\. One can go to: --version 3\.") as none:
        chosen(releases, "shop", None)
    assert none.value.message.startswith("Nothing that was released")
    with pytest.raises(InvalidInput, match=r"One cannot go to version 2 of shop: Its image is gone\. One can go to"):
        chosen(releases, "shop", 2)
    with pytest.raises(NotFound, match=r"shop has no version 7, or no longer\. One can go to: --version 3\."):
        chosen(releases, "shop", 7)
    with pytest.raises(NotFound, match=r"released of shop is kept\. There is no other to go to\."):
        chosen([], "shop", None)
