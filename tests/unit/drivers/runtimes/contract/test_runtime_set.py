"""The runtimes of a host side by side: one that is away or broken keeps none of the others from being asked."""

from __future__ import annotations

from typing import cast

import pytest

from headway.drivers.runtimes.contract.runtime import Runtime
from headway.drivers.runtimes.contract.runtime_set import Runtimes
from headway.infra.hosts.base import HostUnreachable
from headway.kernel.errors import Unavailable


class Asked:
    """What a set asks of each of its runtimes, which says it of itself, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.looks = 0

    async def ensure(self) -> None:
        self.looks += 1
        if self.failure is not None:
            raise self.failure

    async def watch(self) -> None:
        await self.ensure()

    async def running(self) -> set[str]:
        await self.ensure()
        return {"of it"}

    async def known(self) -> set[str]:
        return await self.running()

    async def usurped(self) -> set[str]:
        return await self.running()


@pytest.mark.parametrize(
    "failure",
    [OSError(28, "No space left on device"), Unavailable("It does not answer."), HostUnreachable("It is away.")],
)
async def test_one_that_fails_keeps_none_of_the_others_from_being_asked(failure: Exception) -> None:
    broken, well = Asked(failure), Asked()
    runtimes = Runtimes(forms={"native": cast("Runtime", broken), "container": cast("Runtime", well)})
    assert await runtimes.ensure() == {"native": failure}
    assert await runtimes.watch() == {"native": failure}
    running = await runtimes.running()
    assert (running.found, running.failed) == ({"container": {"of it"}}, {"native": failure})
    assert await runtimes.known() == {"container": {"of it"}}
    assert await runtimes.usurped() == {"container": {"of it"}}
    assert (broken.looks, well.looks) == (5, 5)


async def test_what_nobody_foresaw_is_not_taken_for_a_runtime_that_is_away() -> None:
    runtimes = Runtimes(forms={"native": cast("Runtime", Asked(KeyError("of nobody's foresight")))})
    with pytest.raises(KeyError):
        await runtimes.running()
