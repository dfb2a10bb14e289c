"""The runtimes of one host side by side: each release belongs to the one that its row names."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass

from headway.drivers.runtimes.contract.runtime import Runtime
from headway.kernel.errors import InvalidInput, Unavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtimes:
    """The forms by their names in the table. What is asked of all of them does without one that is away: its releases
    are looked at again when it is back.
    """

    forms: Mapping[str, Runtime]

    def of(self, name: str) -> Runtime:
        """The runtime of that name. Raises InvalidInput where this host has none."""
        form = self.forms.get(name)
        if form is None:
            raise InvalidInput(f"This host cannot run releases of the kind {name}.")
        return form

    async def ensure(self) -> None:
        """Brings up what keeps releases alive."""
        for form in self.forms.values():
            await form.ensure()

    async def watch(self) -> None:
        """One look at each."""
        for form in self.forms.values():
            await form.watch()

    async def running(self) -> dict[str, set[str]]:
        """What each of them keeps alive now, without those that are away."""
        return await _present({name: form.running() for name, form in self.forms.items()})

    async def usurped(self) -> dict[str, set[str]]:
        """The releases of each of which somebody else holds a port, without those of what is away."""
        return await _present({name: form.usurped() for name, form in self.forms.items()})

    async def known(self) -> dict[str, set[str]]:
        """What each of them has anything of, without those that are away."""
        return await _present({name: form.known() for name, form in self.forms.items()})


async def _present(asked: Mapping[str, Awaitable[set[str]]]) -> dict[str, set[str]]:
    found = {}
    for name, answer in asked.items():
        try:
            found[name] = await answer
        except Unavailable as away:
            log.debug("the runtime %s is away: %s", name, away.message)
    return found
