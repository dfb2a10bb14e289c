"""What a host does not do although its link stands is bounded and shown, and holds up nothing else."""

from __future__ import annotations

from headway.infra.hosts.base import HostUnreachable
from headway.kernel.errors import HeadwayError
from tests.simulation.border import Fault
from tests.simulation.machine import Machine
from tests.simulation.world import Panel, World, play, world
from tests.support.panel.factories import add_host, request

SHORT = {"fetch": ["print fetching"], "build": ["print building"], "migrate": ["print migrating"]}
FAILING = {**SHORT, "migrate": ["print migrating", "exit 3"]}
FOR_EVER = 100_000


def stuck() -> HostUnreachable:
    """What a host says of processes that a hung disk holds."""
    return HostUnreachable("Processes of the deployment do not end although they were killed.")


def with_a_server(made: World) -> Machine:
    """A server whose runs are judged as those here are."""
    server = Machine("server")
    server.started, server.removed = made.machine.started, made.machine.removed
    made.servers = [server]
    made.store.perform(lambda tx: add_host(tx, "server"))
    return server


async def deployed(made: World, panel: Panel, name: str, commands: dict[str, list[str]], host_id: str = "here") -> str:
    wish = request(host_id, subject_id=name, exclusive_key=name, input={"commands": commands})
    return await made.ask(panel, made.enqueue(panel, wish))


def loops(panel: Panel) -> list[str]:
    """The loops that could not do something."""
    return sorted(each.loop for each in panel.parts.troubles.all())


def test_a_server_on_which_something_does_not_end_works_on_after_a_minute() -> None:
    async def script(made: World) -> None:
        server = with_a_server(made)
        panel = made.start_panel()
        made.border.faults += [Fault("close", stuck()), Fault("forget", stuck(), FOR_EVER)]
        await deployed(made, panel, "first", SHORT, "server")
        await made.until(lambda: bool(made.truth.rows) and made.all_ended(), 20, "it has ended", every=0.001)
        server.cut()
        second = await deployed(made, panel, "second", SHORT, "server")
        await made.until(lambda: second in made.truth.ends, 75, "the server works on")
        assert loops(panel) == ["leftover"]
        made.border.faults.clear()
        await made.until(lambda: not server.runs, 900, "what was left is ended")

    with world("stuck on a server") as made:
        play(made, script)
        assert {row.status for row in made.truth.rows.values()} == {"done"}


def test_an_undo_that_is_not_answered_is_shown_and_holds_up_no_other() -> None:
    async def script(made: World) -> None:
        panel = made.start_panel()
        made.border.faults += [
            Fault("undo release", HeadwayError("The engine does not answer."), 2),
            Fault("undo release", HostUnreachable("It did not answer (remove) within 20 s.")),
        ]
        for name in ("first", "second"):
            await deployed(made, panel, name, FAILING)
        await made.until(lambda: len(made.truth.ends) == 2, 20, "both have failed", every=0.001)
        assert len(made.effects.releases) == 2
        await made.until(lambda: len(made.effects.releases) == 1, 5, "one of them is taken back", every=0.001)
        assert loops(panel) == ["undo"]
        await made.until(lambda: not made.effects.releases, 130, "so is the other")

    with world("unanswered undo") as made:
        play(made, script)
