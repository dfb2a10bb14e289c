"""A folder that stays is whole or not there, whoever is killed while it is filled for the first time."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from headway.drivers.runtimes.launch import layer

NAMES = {f"{number}.png" for number in range(3)}


def release(folder: Path) -> Path:
    inner = folder / "release" / "uploads"
    inner.mkdir(parents=True)
    for name in NAMES:
        (inner / name).write_text(name)
    (folder / "data").mkdir()
    return inner


def seed(inner: Path, stays: Path) -> None:
    layer._by(None, lambda: layer._seed(str(inner), str(stays), link=False))


def held(folder: Path) -> tuple[set[str], set[str]]:
    """What lies in the application's data, and in the folder that stays."""
    return {each.name for each in (folder / "data").iterdir()}, {
        each.name for each in (folder / "data" / "uploads").iterdir()
    }


@pytest.mark.parametrize("is_there_by_then", [False, True])
def test_what_a_killed_start_has_copied_is_taken_away_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_there_by_then: bool
) -> None:
    inner, stays = release(tmp_path), tmp_path / "data" / "uploads"

    def killed(_source: str, target: str, _left: list[int]) -> None:
        Path(target, "half").write_text("")
        os._exit(9)

    with monkeypatch.context() as dying:
        dying.setattr(layer, "_copy", killed)
        with pytest.raises(OSError, match="Errno 0"):
            seed(inner, stays)
    if is_there_by_then:
        stays.mkdir()
    seed(inner, stays)
    assert held(tmp_path) == ({"uploads"}, set() if is_there_by_then else NAMES)


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner, stays = release(tmp_path), tmp_path / "data" / "uploads"

    def full(_source: str, target: str, _left: list[int]) -> None:
        Path(target, "half").write_text("")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(layer, "_copy", full)
    with pytest.raises(OSError, match="No space left"):
        seed(inner, stays)
    assert list((tmp_path / "data").iterdir()) == []


def test_of_two_that_start_at_once_one_fills_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner, stays = release(tmp_path), tmp_path / "data" / "uploads"
    copy = layer._copy

    def slow(source: str, target: str, left: list[int]) -> None:
        with (tmp_path / "copied").open("a") as file:
            file.write("x")
        time.sleep(0.3)
        copy(source, target, left)

    monkeypatch.setattr(layer, "_copy", slow)
    forking = multiprocessing.get_context("fork")
    starts = [forking.Process(target=seed, args=(inner, stays)) for _ in range(4)]
    for each in starts:
        each.start()
    for each in starts:
        each.join(20)
    assert [each.exitcode for each in starts] == [0] * 4
    assert (held(tmp_path), (tmp_path / "copied").read_text()) == (({"uploads"}, NAMES), "x")
