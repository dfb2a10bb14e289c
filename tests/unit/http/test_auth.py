"""The key in a request's headers."""

from __future__ import annotations

import pytest

from headway.http.auth import key_of


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, None),
        ({b"x-api-key": b"k"}, "k"),
        ({b"x-api-key": b" k "}, "k"),
        ({b"authorization": b"Bearer k"}, "k"),
        ({b"authorization": b"bearer   k"}, "k"),
        ({b"authorization": b"Basic k"}, None),
        ({b"authorization": b"Bearer "}, None),
        ({b"x-api-key": b"", b"authorization": b"Bearer k"}, "k"),
        ({b"x-api-key": b"one", b"authorization": b"Bearer two"}, "one"),
        ({b"x-api-key": b"\xff"}, "\xff"),
    ],
)
def test_a_key_is_read_from_either_header(headers: dict[bytes, bytes], key: str | None) -> None:
    assert key_of(headers) == key
