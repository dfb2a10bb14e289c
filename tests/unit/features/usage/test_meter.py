"""What a meter makes of readings: differences, restarts and gaps, and nothing that cannot have been."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from headway.features.usage.meter import LONGEST, Meter
from headway.features.usage.model import UsagePoint, host_target, merged, packed, sampler_target, unpacked
from headway.infra.hosts.consumption import GroupReading, MachineReading

CORES, SIZE = 4, 8 << 30
SHOP = "service:shop"
OWNERS = {"r1": SHOP, "r2": SHOP, "c1": "service:other"}
MIB = 1 << 20


def group(cpu: int = 0, *, made: int = 1, memory: int = MIB, roots: Sequence[str] = (), bound: int = 0) -> GroupReading:
    """A group; ``cpu`` in microseconds."""
    return GroupReading(made=made, cpu=cpu, memory=memory, memory_bound=bound, roots=roots)


def machine(at: int, groups: Mapping[str, GroupReading], *, cpu: int = 0, boot: str = "b") -> MachineReading:
    """A reading so many milliseconds after the start of the machine."""
    return MachineReading(
        boot=boot, at=at, cores=CORES, cpu=cpu, memory=MIB, memory_size=SIZE, groups=groups, cost=5_000
    )


def taken(*readings: MachineReading) -> list[Mapping[str, UsagePoint]]:
    """What one meter makes of each."""
    meter = Meter("h1")
    return [meter.take(each, OWNERS) for each in readings]


def restarts(*groups: GroupReading) -> list[int]:
    """How many are told of a group after each reading but the first."""
    found = taken(*(machine(10_000 * number, {"r1": each}) for number, each in enumerate(groups)))
    return [each[SHOP].restarts if SHOP in each else 0 for each in found[1:]]


def test_what_was_used_is_the_difference_and_the_first_reading_tells_nothing() -> None:
    first, second = taken(
        machine(0, {"r1": group(7_000_000)}, cpu=100),
        machine(10_000, {"r1": group(12_000_000, memory=3 * MIB, bound=64 * MIB)}, cpu=20_000_100),
    )
    assert first == {}
    shop = second[SHOP]
    assert (shop.covered, shop.cpu, shop.cores, shop.memory_bytes) == (10_000, 5_000_000, 0.5, 3 * MIB)
    assert (shop.cpu_peak, shop.memory_bound, shop.restarts) == (500_000, 64 << 10, 0)
    here = second[host_target("h1")]
    assert (here.cores, here.cpu_bound, here.memory_bound) == (2.0, CORES * 1_000_000, SIZE >> 10)
    assert second[sampler_target("h1")].cpu == 5_000


def test_two_groups_of_one_service_are_put_together() -> None:
    *_, found = taken(
        machine(0, {"r1": group(), "r2": group()}),
        machine(10_000, {"r1": group(1_000_000, bound=MIB), "r2": group(2_000_000, bound=MIB), "x": group(9)}),
    )
    shop = found[SHOP]
    assert (shop.covered, shop.cpu, shop.memory_bytes, shop.memory_bound) == (10_000, 3_000_000, 2 * MIB, 2 << 10)
    assert "service:other" not in found


def test_a_group_that_was_made_anew_is_a_restart_and_counts_from_nothing() -> None:
    *_, found = taken(machine(0, {"c1": group(900_000_000)}), machine(10_000, {"c1": group(300_000, made=2)}))
    assert (found["service:other"].cpu, found["service:other"].restarts) == (300_000, 1)


def test_what_ends_again_and_again_is_a_restart_each_time_and_what_was_stopped_is_none() -> None:
    def at(seconds: int, made: int | None) -> MachineReading:
        return machine(seconds * 1_000, {} if made is None else {"c1": group(made=made)})

    def told(*readings: MachineReading) -> int:
        return sum(each["service:other"].restarts for each in taken(*readings) if "service:other" in each)

    looping = [at(0, 1), at(10, None), at(20, 2), at(30, None), at(40, None), at(50, 3), at(60, 3)]
    assert told(*looping) == 2, "it was away whenever the readings before were taken"
    stopped = [at(0, 1), *(at(10 * number, None) for number in range(1, 20)), at(200, 2), at(210, 2)]
    assert told(*stopped) == 0
    assert told(at(0, 1), replace(at(10, 2), boot="c"), replace(at(20, 2), boot="c")) == 0, "so was all of the machine"


def test_processes_that_are_started_again_are_restarts_and_more_of_them_are_none() -> None:
    one, both = group(roots=["10 5"]), group(roots=["10 5", "11 6"])
    assert restarts(one, both, both) == [0, 0], "it was still starting"
    assert restarts(both, group(roots=["10 5", "12 90"])) == [1]
    assert restarts(both, one, group(roots=["10 5", "12 90"])) == [0, 1], "it was down for a while"
    assert restarts(both, group(), group(roots=["13 90", "12 90"])) == [0, 2]
    assert restarts(both, group(made=2, roots=["13 90", "12 90"]), group(made=2, roots=["13 90", "12 90"])) == [1, 0]


def test_a_machine_that_began_anew_or_was_not_read_for_long_has_a_gap() -> None:
    used = {"r1": group(10)}
    assert taken(machine(0, used), machine(LONGEST + 1, used))[-1] == {}
    assert taken(machine(50_000, used), machine(60_000, used, boot="c"))[-1] == {}
    assert taken(machine(50_000, used), machine(50_000, used))[-1] == {}
    assert SHOP in taken(machine(0, used), machine(LONGEST, used))[-1]


def test_what_cannot_have_been_is_no_value() -> None:
    for wrong in (group(999_000_000), group(-5), group(5, memory=SIZE * 2)):
        *_, found = taken(machine(0, {"r1": group()}), machine(10_000, {"r1": wrong}))
        assert SHOP not in found
        assert host_target("h1") in found
    *_, found = taken(machine(0, {}, cpu=100), machine(10_000, {}, cpu=50))
    assert host_target("h1") not in found


def test_a_server_that_tells_nonsense_of_itself_is_told_nothing_of() -> None:
    for cores, size in ((-1, SIZE), (1 << 40, SIZE), (CORES, -1), (CORES, 1 << 80)):
        readings = machine(0, {"r1": group()}), machine(10_000, {"r1": group(5, memory=0)})
        *_, found = taken(*(replace(each, memory=0, cores=cores, memory_size=size) for each in readings))
        assert SHOP not in found
        assert host_target("h1") not in found
        assert len(unpacked(packed([*found.values()]))) == len(found), "and what is kept of it can be written"


_READINGS = st.lists(
    st.tuples(
        st.integers(-5_000, 40_000),  # milliseconds since the last one
        st.integers(0, 3),  # which group it is
        st.integers(-(1 << 40), 1 << 40),
        st.integers(-1, 1 << 40),
        st.lists(st.sampled_from(["1 1", "2 2", "3 3", "4 4"]), unique=True),
        st.sampled_from(["b", "b", "b", "c"]),
        st.booleans(),
    ),
    max_size=20,
)


@given(_READINGS)
def test_no_value_is_ever_beyond_the_machine(steps: list[tuple[int, int, int, int, list[str], str, bool]]) -> None:
    meter, at, points = Meter("h1"), 0, list[UsagePoint]()
    for passed, made, cpu, memory, roots, boot, is_there in steps:
        at += passed
        groups = {"r1": group(cpu, made=made, memory=memory, roots=roots)} if is_there else {}
        reading = replace(machine(at, groups, boot=boot), cpu=cpu, memory=max(memory, 0))
        for point in meter.take(reading, OWNERS).values():
            assert 0 <= point.covered <= LONGEST
            assert 0 <= point.cpu <= CORES * point.covered * 1_000
            assert 0 <= point.cpu_peak <= CORES * 1_000_000
            assert 0 <= point.memory_peak <= SIZE >> 10
            assert point.restarts >= 0
            points.append(point)
    whole = merged(points)
    assert whole.cores is None or 0 <= whole.cores <= CORES
