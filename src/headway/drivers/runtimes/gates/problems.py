"""Why a machine allows no gates, tried out."""

from __future__ import annotations

from headway.drivers.runtimes.gates.panel_gates import CONTAINERS, SWARM, Gates
from headway.drivers.runtimes.gates.socket_code import Accounts
from headway.drivers.runtimes.gates.table_content import Ports, home


def gates_problem(panel_id: str) -> str | None:
    """Why this machine allows no gates, None where it does; tried on a panel's groups, which the caller removes."""
    tried = Gates(panel_id=panel_id, accounts=Accounts(first=1, end=2), ports=Ports())
    tried.keep(())
    return tried.problem


def apart_problem(panel_id: str) -> str | None:
    """Why the kernel of this machine judges no containers, None where it does; tried as ``gates_problem`` is."""
    tried = Gates(panel_id=panel_id, accounts=Accounts(first=1, end=2, home=home()), ports=Ports())
    tried.contain(slices=False)
    tried.mark(ruled=False)
    tried.clear()
    return tried.problems.get(CONTAINERS) or tried.problems.get(SWARM)
