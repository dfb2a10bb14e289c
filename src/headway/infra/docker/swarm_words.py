"""What an engine says when it has no swarm, or one that cannot work."""

from __future__ import annotations

from headway.infra.docker.api import EngineRefused
from headway.kernel.errors import Unavailable

_NONE = ("This node is not a swarm manager", "node is not part of a swarm", "This node is not part of a swarm")
_AWAY = ("does not have a leader", "too few managers", "context deadline exceeded", "rpc error", "raft:", "Timeout")


class SwarmAway(Unavailable):
    """There is a swarm, and it does not work now."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The Docker swarm of this machine does not work now ({why}). See docker node ls: most of its managers "
            "have to be up."
        )


def is_none(refused: EngineRefused) -> bool:
    """Whether the engine manages no swarm at all."""
    return any(word in refused.message for word in _NONE)


def away(refused: EngineRefused) -> SwarmAway | None:
    """The refusal as an absence, where it is one that passes; None where it is about what was asked."""
    said = refused.message.removeprefix("Docker refuses: ")
    is_passing = refused.status >= 500 and any(word in said for word in _AWAY) and "InvalidArgument" not in said
    return SwarmAway(said) if is_passing else None
