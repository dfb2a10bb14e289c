"""Who fills a disk, by what each application and its organisation hold there."""

from __future__ import annotations

from pathlib import Path

from headway.drivers.runtimes.process.reserve import Amount, Disk, Reserve, filling

MANY = {
    "one of one organisation": ({1: 900}, {1: "a"}, {1}),
    "one that holds less than stays free": ({1: 90}, {1: "a"}, set()),
    "the larger organisation": ({1: 900, 2: 200}, {1: "a", 2: "b"}, {1}),
    "two that hold the same": ({1: 500, 2: 500}, {1: "a", 2: "b"}, {1, 2}),
    "an organisation that has spread it": (
        {1: 150, 2: 150, 3: 150, 4: 200},
        {1: "a", 2: "a", 3: "a", 4: "b"},
        {1, 2, 3},
    ),
    "the large one of an organisation": ({1: 900, 2: 1}, {1: "a", 2: "a"}, {1}),
    "nobody": ({}, {}, set()),
}


def test_who_fills_a_disk() -> None:
    disk = Disk(place="/", device=1, free=Amount(50, 50), kept=Amount(100, 100))
    found = {
        name: filling({uid: Amount(held, held) for uid, held in sizes.items()}, owners, disk, part)
        for name, (sizes, owners, _) in MANY.items()
        for part in (0, 1)
    }
    assert found == {name: expected for name, (*_, expected) in MANY.items()}


def test_a_disk_is_short_in_bytes_or_in_files() -> None:
    disk = Disk(place="/", device=1, free=Amount(150, 99), kept=Amount(100, 100))
    assert (disk.short(), disk.short(2)) == ((1,), (0, 1))
    assert "99 more can be made" in disk.sentence(1, Amount(0, 7))


def test_who_sets_a_bound_later_has_a_short_disk_left_as_it_is(tmp_path: Path) -> None:
    assert Reserve(tmp_path, 0, ()).near() == []
    assert Reserve(tmp_path, 0, ()).known() is None
