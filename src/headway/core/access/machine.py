"""Who may use the machine itself: whoever owns it, and whom its owner gave it to."""

from __future__ import annotations

from headway.core.access.model import Actor
from headway.kernel.errors import Forbidden


class MachineRefused(Forbidden):
    """A setting reaches the machine, which the caller was not given. ``what`` is the setting as a subject in the
    singular: "A bind mount of /srv".
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} reaches the machine itself. That is for owners of the panel's first organisation, with a key for "
            "all projects, and for organisations that they have given the machine to."
        )


def may_use_the_machine(actor: Actor) -> bool:
    """Whether the caller may have settings that reach the machine: its files, its network, its root account.

    It is true for an owner of the first organisation, and for whom that owner granted it, with a key for all
    projects. A start does not ask this of whoever starts.
    """
    return actor.on_machine and actor.terms.projects is None


def require_machine(actor: Actor, what: str) -> None:
    """Raises MachineRefused where the caller may not use the machine."""
    if not may_use_the_machine(actor):
        raise MachineRefused(what)
