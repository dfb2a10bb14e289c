"""Which part of a file a request gets, by RFC 9110."""

from __future__ import annotations

import pytest

from headway.http.ranges import has, part_of

TAG = b'"x.1.10"'


@pytest.mark.parametrize(
    ("asked", "status", "begin", "end"),
    [
        (b"", 200, 0, 10),
        (b"bytes=0-", 206, 0, 10),
        (b"bytes=0-0", 206, 0, 1),
        (b"bytes=3-5", 206, 3, 6),
        (b"BYTES = 3 - 5", 206, 3, 6),
        (b"bytes=3-99", 206, 3, 10),
        (b"bytes=9-", 206, 9, 10),
        (b"bytes=-4", 206, 6, 10),
        (b"bytes=-99", 206, 0, 10),
        (b"bytes=10-", 416, 0, 0),
        (b"bytes=10-20", 416, 0, 0),
        (b"bytes=-0", 416, 0, 0),
        (b"bytes=999999999999999999-", 416, 0, 0),
        # What makes no sense, or is not served, counts as none.
        (b"bytes=5-3", 200, 0, 10),
        (b"bytes=0-1,4-5", 200, 0, 10),
        (b"bytes=", 200, 0, 10),
        (b"bytes=-", 200, 0, 10),
        (b"bytes=a-b", 200, 0, 10),
        (b"bytes=9999999999999999999-", 200, 0, 10),
        (b"lines=0-1", 200, 0, 10),
        (b"bytes=-1-2", 200, 0, 10),
    ],
)
def test_a_range(asked: bytes, status: int, begin: int, end: int) -> None:
    part = part_of({b"range": asked}, 10, None)
    assert (part.status, part.begin, part.end) == (status, begin, end)


def test_an_empty_file_has_no_part() -> None:
    assert part_of({b"range": b"bytes=0-"}, 0, None).status == 416
    assert part_of({b"range": b"bytes=-1"}, 0, None).status == 416
    assert part_of({}, 0, None).status == 200


@pytest.mark.parametrize(
    ("if_range", "tag", "status"),
    [(TAG, TAG, 206), (b'"other"', TAG, 200), (TAG, None, 200), (b"Tue, 24 Nov 2026 22:48:13 GMT", TAG, 200)],
)
def test_a_part_is_given_of_the_same_file_only(if_range: bytes, tag: bytes | None, status: int) -> None:
    assert part_of({b"range": b"bytes=1-", b"if-range": if_range}, 10, tag).status == status


def test_who_has_it_gets_nothing_whatever_the_range() -> None:
    assert part_of({b"if-none-match": TAG, b"range": b"bytes=99-"}, 10, TAG).status == 304
    assert part_of({b"if-none-match": TAG}, 10, None).status == 200


def test_content_range_names_part_and_size() -> None:
    assert part_of({b"range": b"bytes=3-5"}, 10, None).content_range == b"bytes 3-5/10"
    assert part_of({b"range": b"bytes=10-"}, 10, None).content_range == b"bytes */10"
    assert part_of({}, 10, None).content_range is None


@pytest.mark.parametrize("known", [b'"a"', b'W/"a"', b'"b", W/"a"', b"*"])
def test_a_tag_is_known(known: bytes) -> None:
    assert has(known, b'W/"a"')
    assert has(known, b'"a"')


@pytest.mark.parametrize("known", [b"", b'"b"', b"a", b'"a" "b"'])
def test_a_tag_is_not_known(known: bytes) -> None:
    assert not has(known, b'"a"')
