"""Recorded answers as data, and whether one of ours is like the recorded one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import httpx

RECORDINGS = Path(__file__).parents[2] / "cases/recordings"
Json = Any


def cases(file: str) -> list[dict[str, Json]]:
    """The recordings of one file, in the order in which they are replayed."""
    found: list[dict[str, Json]] = json.loads((RECORDINGS / f"{file}.json").read_text())
    return found


def compare(case: Mapping[str, Json], answer: httpx.Response) -> None:
    """Fails where the answer is not like the recorded one, or as it is said to differ."""
    wanted = case.get("differs", case["recorded"])
    told = (case["name"], answer.status_code, answer.text)
    assert answer.status_code == wanted["status"], told
    if "contentType" in wanted:
        assert answer.headers["content-type"] == wanted["contentType"], told
    if "empty" in wanted:
        assert answer.content == b"", told
    elif "answer" in wanted:
        assert answer.json() == wanted["answer"], told
    else:
        assert _misfits(wanted["shape"], answer.json(), "") == [], told


def _misfits(recorded: Json, ours: Json, path: str) -> list[str]:
    """Where our value is not of the recorded form: a key that is missing, or another type (null goes with any)."""
    if recorded is None or ours is None:
        return []
    if type(recorded) is not type(ours):
        return [f"{path}: {type(ours).__name__} in place of {type(recorded).__name__}"]
    if isinstance(recorded, dict):
        missing = [f"{path}.{key} is missing" for key in recorded.keys() - ours.keys()]
        inner = [_misfits(value, ours[key], f"{path}.{key}") for key, value in recorded.items() if key in ours]
        return missing + [each for found in inner for each in found]
    if isinstance(recorded, list):
        if recorded and not ours:
            return [f"{path} is empty"]
        pairs = zip(recorded, ours, strict=True) if len(recorded) == len(ours) else product(recorded, ours)
        return [misfit for each, mine in pairs for misfit in _misfits(each, mine, f"{path}[]")]
    return []
