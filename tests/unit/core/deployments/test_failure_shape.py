"""Two failures are the same where their messages differ in nothing but numbers, hashes, ids and paths."""

from __future__ import annotations

import time

import pytest

from headway.core.deployments.past_failures import shape_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Step build: exit status 7", "Step build: exit status 12"),
        ("npm error at /work/a1/src/app.ts:14:3", "npm error at /work/b22/src/app.ts:9:77"),
        ("cannot find commit 4f1e2d9c0b", "cannot find commit 77aa0099ff"),
        ("Deployment uSt6jIdGsCMnsZLutXTG2 runs", "Deployment 9Zt6jIdGsCMnsZLutXTGa runs"),
        ("took 3.25 s at 12:03:04", "took 18 s at 09:55:59"),
        ("Module not found:  ./x", "module not found: ./x"),
        ("C:/work/a is gone", "C:/work/other is gone"),
    ],
)
def test_they_are_the_same(one: str, other: str) -> None:
    assert one != other
    assert shape_of(one) == shape_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Step build: exit status 7", "Step test: exit status 7"),
        ("Module not found: left-pad", "Module not found: right-pad"),
        ("deadbeef is not there", "cafebabe is not there"),  # which are words
        ("", "Step build: exit status 7"),
    ],
)
def test_they_are_not_the_same(one: str, other: str) -> None:
    assert shape_of(one) != shape_of(other)


def test_a_message_of_any_length_has_a_shape() -> None:
    assert len(shape_of("word 1 /a/b " * 100_000)) <= 400
    assert shape_of(None) == ""


def test_no_message_keeps_everybody_waiting() -> None:
    began = time.process_time()
    for message in ("a-" * 20_000, "a1-" * 20_000, "abc-" * 20_000, "1." * 20_000, "/a" * 20_000, "-" * 40_000):
        shape_of(message)
    assert time.process_time() - began < 1.0
