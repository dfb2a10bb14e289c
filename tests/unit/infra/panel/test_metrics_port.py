"""Which metrics ports go on without a key: those of before, for as long as nothing about them changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.infra.panel.kept_settings import keep_settings
from headway.infra.panel.metrics_port import is_open, settle

BEFORE = {"HEADWAY_METRICS_PORT": "9100"}


def test_a_new_panels_port_asks_for_a_key_from_the_beginning(tmp_path: Path) -> None:
    assert settle(tmp_path, 9100, has_key=False, is_new=True) is False
    keep_settings(tmp_path, BEFORE, "1")
    assert is_open(tmp_path, 9100, has_key=False) is False
    assert settle(tmp_path, 9100, has_key=False, is_new=False) is False


def test_a_port_of_before_goes_on_at_every_start(tmp_path: Path) -> None:
    keep_settings(tmp_path, BEFORE, "1")
    assert is_open(tmp_path, 9100, has_key=False) is True
    for _ in range(2):
        assert settle(tmp_path, 9100, has_key=False, is_new=False) is True
        keep_settings(tmp_path, BEFORE, "2")


def test_so_does_one_of_before_settings_were_kept(tmp_path: Path) -> None:
    assert settle(tmp_path, 9100, has_key=False, is_new=False) is True


@pytest.mark.parametrize(
    ("port", "has_key"), [(9101, False), (9100, True), (None, False)], ids=["another", "a key", "none"]
)
def test_it_ends_with_the_first_change(tmp_path: Path, port: int | None, has_key: bool) -> None:  # noqa: FBT001
    keep_settings(tmp_path, BEFORE, "1")
    assert settle(tmp_path, 9100, has_key=False, is_new=False) is True
    assert settle(tmp_path, port, has_key=has_key, is_new=False) is False
    assert settle(tmp_path, 9100, has_key=False, is_new=False) is False


@pytest.mark.parametrize("before", [{}, {"HEADWAY_METRICS_PORT": "9101"}, {**BEFORE, "HEADWAY_METRICS_KEY": "k"}])
def test_what_was_closed_before_stays_closed(tmp_path: Path, before: dict[str, str]) -> None:
    keep_settings(tmp_path, {"HEADWAY_PORT": "3000", **before}, "1")
    assert settle(tmp_path, 9100, has_key=False, is_new=False) is False
