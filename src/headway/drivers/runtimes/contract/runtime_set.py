"""The runtimes of one host side by side: each release belongs to the one that its row names."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias, TypeVar

from headway.drivers.runtimes.contract.runtime import Runtime
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, InvalidInput

log = logging.getLogger(__name__)

T = TypeVar("T")
Failure: TypeAlias = HeadwayError | OSError


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningReleases:
    """What the runtimes keep alive, by their names, and why of some that cannot be told."""

    found: dict[str, set[str]]
    failed: dict[str, Failure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtimes:
    """The forms by their names in the table. What is asked of all of them does without one that is away or broken: its
    releases are looked at again when it is back.
    """

    forms: Mapping[str, Runtime]

    def of(self, name: str) -> Runtime:
        """The runtime of that name. Raises InvalidInput where this host has none."""
        form = self.forms.get(name)
        if form is None:
            raise InvalidInput(f"This host cannot run releases of the kind {name}.")
        return form

    async def ensure(self) -> dict[str, Failure]:
        """Brings up what keeps releases alive; by their names, why it could not be brought up for some."""
        return (await _each({name: form.ensure for name, form in self.forms.items()}))[1]

    async def watch(self) -> dict[str, Failure]:
        """One look at each; by their names, why it could not be taken at some."""
        return (await _each({name: form.watch for name, form in self.forms.items()}))[1]

    async def running(self) -> RunningReleases:
        """What each of them keeps alive now."""
        found, failed = await _each({name: form.running for name, form in self.forms.items()})
        return RunningReleases(found=found, failed=failed)

    async def usurped(self) -> dict[str, set[str]]:
        """The releases of each of which somebody else holds a port, without those of what is away."""
        return (await _each({name: form.usurped for name, form in self.forms.items()}))[0]

    async def known(self) -> dict[str, set[str]]:
        """What each of them has anything of, without those that are away."""
        return (await _each({name: form.known for name, form in self.forms.items()}))[0]


async def _each(asked: Mapping[str, Callable[[], Awaitable[T]]]) -> tuple[dict[str, T], dict[str, Failure]]:
    found, failed = dict[str, T](), dict[str, Failure]()
    for name, ask in asked.items():
        try:
            found[name] = await ask()
        except (HeadwayError, OSError) as error:
            log.debug("the runtime %s is away: %s", name, error)
            failed[name] = error
    return found, failed
