"""What is kept of a backup, and what may go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.core.deployments.model import SubjectType
from headway.features.destinations.stored_backup_model import (
    Keep,
    KeptFile,
    checked_path,
    checked_prefix,
    path_of,
    to_remove,
)
from headway.kernel.errors import InvalidInput

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def kept(days: int, *, proven: bool = False) -> KeptFile:
    return KeptFile(
        kept_file_id=f"f{days}",
        subject_type=SubjectType.BACKUP,
        subject_id="b",
        destination_id="d",
        deployment_id="x",
        path=f"p{days}",
        bytes=1,
        contents=1,
        sha256="0",
        sealed=False,
        made_at=NOW - timedelta(days=days),
        proven_at=NOW if proven else None,
    )


def gone(files: list[KeptFile], keep: Keep) -> list[str]:
    return [each.kept_file_id for each in to_remove(files, keep, NOW)]


def test_the_newest_are_kept_by_number_and_by_age() -> None:
    files = [kept(days) for days in (9, 1, 5, 3)]
    assert gone(files, Keep()) == []
    assert gone(files, Keep(number=2)) == ["f5", "f9"]
    assert gone(files, Keep(age=timedelta(days=4))) == ["f5", "f9"]
    assert gone(files, Keep(number=3, age=timedelta(days=2))) == ["f3", "f5", "f9"]


def test_the_newest_stays_however_old_it_is() -> None:
    assert gone([kept(400), kept(500)], Keep(age=timedelta(days=1))) == ["f500"]


def test_the_newest_that_was_proven_stays_too() -> None:
    files = [kept(1), kept(2), kept(3, proven=True), kept(4, proven=True)]
    assert gone(files, Keep(number=1)) == ["f2", "f4"]


@given(
    files=st.lists(st.tuples(st.integers(0, 1000), st.booleans()), min_size=1, max_size=30, unique_by=lambda x: x[0]),
    number=st.none() | st.integers(1, 10),
    days=st.none() | st.integers(1, 1000),
)
def test_a_good_one_is_always_left(files: list[tuple[int, bool]], number: int | None, days: int | None) -> None:
    made = [kept(age, proven=proven) for age, proven in files]
    keep = Keep(number=number, age=None if days is None else timedelta(days=days))
    left = [each for each in made if each not in to_remove(made, keep, NOW)]
    assert max(made, key=lambda each: each.made_at) in left
    assert any(each.proven_at for each in left) == any(each.proven_at for each in made)


def test_names_sort_by_time_and_are_never_the_same() -> None:
    assert path_of("shop", "a/b", NOW, "dep", "pgdump.zst") == "shop/a/b/20260601T000000Z-dep.pgdump.zst"
    assert path_of("shop", "", NOW, "dep", "sql.zst") == "shop/20260601T000000Z-dep.sql.zst"


@pytest.mark.parametrize(("given", "prefix"), [("/", ""), ("", ""), ("/a//b/", "a/b"), ("x y", "x y")])
def test_a_prefix_has_no_slashes_around_it(given: str, prefix: str) -> None:
    assert checked_prefix(given) == prefix


@pytest.mark.parametrize("bad", ["../x", "a/./b", "a\nb", "$(id)", "a;b", "x" * 300])
def test_a_prefix_leads_nowhere_else(bad: str) -> None:
    with pytest.raises(InvalidInput):
        checked_prefix(bad)


@pytest.mark.parametrize("bad", ["", "/etc/passwd", "a/../b", "a//b", "./a", "a\x1b", "a.partial"])
def test_a_file_is_named_as_it_lies_there(bad: str) -> None:
    with pytest.raises(InvalidInput):
        checked_path(bad)
