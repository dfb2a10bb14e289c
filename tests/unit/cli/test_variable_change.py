"""Variables that several set at the same time: each stays, and who cannot save says so."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from headway.cli import variable_change
from headway.cli.client import Client, Refused
from headway.cli.target import Target
from headway.cli.variable_change import save
from tests.support.panel.answering import Refusal, answering

TEXT = "application.saveEnvironment"
CHANGED = Refusal(409, "The variables were changed meanwhile, and nothing is saved.")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variable_change, "_LONGEST_PAUSE_SECONDS", 0)


class Kept:
    """A text of variables that others change whenever it was read, so many times."""

    def __init__(self, others: int) -> None:
        self.text = ""
        self._others = iter(range(others))

    def one(self, _given: object) -> Mapping[str, str]:
        read = {"env": self.text}
        if (number := next(self._others, None)) is not None:
            self.text += f"THEIRS{number}=1\n"
        return read

    def saved(self, given: Mapping[str, str]) -> bool | Refusal:
        if given["envWas"] != self.text:
            return CHANGED
        self.text = given["env"]
        return True


def set_mine(kept: Kept) -> str:
    with (
        answering({"application.one": kept.one, TEXT: kept.saved}) as panel,
        Client(Target(url=panel.url, key=None, key_origin="nowhere")) as client,
    ):
        return save(
            client,
            TEXT,
            {"applicationId": "a"},
            lambda: str(client.get("application.one")["env"]),
            lambda before: f"{before}MINE=1\n",
        )


def test_what_others_save_meanwhile_stays() -> None:
    kept = Kept(3)
    assert set_mine(kept) == kept.text == "THEIRS0=1\nTHEIRS1=1\nTHEIRS2=1\nMINE=1\n"


def test_who_never_comes_to_it_says_so() -> None:
    kept = Kept(1_000)
    with pytest.raises(Refused, match="changed meanwhile"):
        set_mine(kept)
    assert "MINE" not in kept.text
