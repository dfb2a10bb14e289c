"""The ranges of versions that package.json knows."""

from __future__ import annotations

import time

import pytest

from headway.drivers.builders.languages.node_versions import parse_version, satisfies


@pytest.mark.parametrize(
    ("wanted", "lies_in", "lies_out"),
    [
        (">=18", "18.0.0 20.1.3 99.0.0", "17.9.9"),
        (">18", "19.0.0", "18.9.0 18.0.0"),
        (">18.1.2", "18.1.3", "18.1.2"),
        ("<20", "19.9.9", "20.0.0"),
        ("<=20", "20.9.9", "21.0.0"),
        ("<=20.1.1", "20.1.1", "20.1.2"),
        ("18", "18.0.0 18.9.9", "17.0.0 19.0.0"),
        ("18.x", "18.3.1", "19.0.0"),
        ("v18.2", "18.2.7", "18.3.0"),
        ("=18.2.0", "18.2.0", "18.2.1"),
        ("^18.2.1", "18.2.1 18.9.0", "18.2.0 19.0.0"),
        ("^0.2.1", "0.2.9", "0.3.0"),
        ("~18.2", "18.2.9", "18.3.0"),
        (">=18 <21", "18.0.0 20.9.9", "21.0.0 17.0.0"),
        (">= 18.17.0 < 21", "18.17.0", "18.16.0 21.0.0"),
        ("18 || 20", "18.1.0 20.1.0", "19.0.0"),
        ("18 - 20", "18.0.0 20.9.9", "21.0.0"),
        ("*", "1.0.0", ""),
        ("x", "1.0.0", ""),
        ("lts/*", "1.0.0", ""),
        ("", "1.0.0", ""),
    ],
)
def test_ranges(wanted: str, lies_in: str, lies_out: str) -> None:
    for text, expected in ((lies_in, True), (lies_out, False)):
        for version in text.split():
            parsed = parse_version(version)
            assert parsed is not None
            assert satisfies(parsed, wanted) is expected, (version, wanted)


@pytest.mark.parametrize("text", ["", "v20", "node", "v20.x.1"])
def test_what_is_no_version(text: str) -> None:
    assert parse_version(text) is None


def test_what_is_no_version_is_read_in_a_moment() -> None:
    began = time.process_time()
    assert parse_version(f"v20.1.{'1' * 30_000} x") is None
    assert time.process_time() - began < 1
