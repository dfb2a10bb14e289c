"""When what runs is expected to end and what waits to begin, as far as what is usual tells: pure decisions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from headway.core.deployments.model import Lane
from headway.core.deployments.queue_position import QueueEntry
from headway.kernel.dataclass import dataclass

MOST_IN_FRONT = 200  # of a longer queue nothing is foretold


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """What runs, and when it is expected to end (microseconds since 1970; None where nobody knows)."""

    each: QueueEntry
    end: float | None


def expected_start(
    asked: QueueEntry,
    waiting: Sequence[QueueEntry],
    running: Sequence[Busy],
    *,
    slots: int,
    takes: Mapping[str, float],
    now: float,
) -> float | None:
    """When the one that is ``asked`` about begins, if all takes as long as it usually does; None where that cannot be
    told. ``waiting`` is its host's queue in its order, ``running`` what runs anywhere, ``slots`` how many run there at
    a time beside one rollback; ``takes`` says how long each of those that wait usually takes (microseconds).
    """
    in_front = [each for each in waiting if each <= asked]
    if len(in_front) > MOST_IN_FRONT:
        return None
    ends = {each.each.deployment_id: math.inf if each.end is None else each.end for each in running}
    here = [each.each for each in running if each.each.host_id == asked.host_id]
    at_work = {each.each.deployment_id: each.each for each in running}
    at = now
    while True:
        for each in list(in_front):
            if _can_begin(each, here, at_work.values(), slots):
                if each == asked:
                    return at
                in_front.remove(each)
                here.append(each)
                at_work[each.deployment_id] = each
                ends[each.deployment_id] = at + takes.get(each.deployment_id, math.inf)
        following = min((ends[each] for each in at_work), default=math.inf)
        if following == math.inf:
            return None
        at = max(at, following)
        at_work = {name: each for name, each in at_work.items() if ends[name] > at}
        here = [each for each in here if each.deployment_id in at_work]


def _can_begin(each: QueueEntry, here: Sequence[QueueEntry], at_work: Iterable[QueueEntry], slots: int) -> bool:
    is_rollback = each.lane == Lane.ROLLBACK
    in_use = sum((other.lane == Lane.ROLLBACK) == is_rollback for other in here)
    if in_use >= (1 if is_rollback else slots):
        return False
    keys = {other.exclusive_key for other in at_work if other.exclusive_key is not None}
    return each.exclusive_key not in keys
