"""What a seed does to a world: deploys of every length and luck, wishes to end them, and disasters of all kinds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from headway.core.deployments.model import Deployment, Lane
from headway.core.deployments.status import Intent
from headway.kernel.errors import HeadwayError
from tests.simulation.injection import ERRORS, Injector
from tests.simulation.machine import State
from tests.simulation.world import Panel, World
from tests.support.panel.factories import request

STORM_SECONDS = 12.0
CALM_SECONDS = 400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """Which disasters a storm has."""

    crashes: int = 0
    pauses: int = 0
    stops: int = 0
    reboots: int = 0
    upgrades: int = 0
    anchors_killed: int = 0
    database_away: int = 0
    host_away: int = 0
    links_cut: int = 0
    injected: int = 0
    lost_answers: float = 0.0
    second_panel: bool = False


def forecast(chance: Random) -> Weather:
    """The weather of a seed: often one kind of disaster alone, so that what fails can be understood."""

    def some(likely: float) -> int:
        return chance.choice([1, 1, 2, 3]) if chance.random() < likely else 0

    likely = chance.choice([0.0, 0.15, 0.5])
    second = chance.random() < 0.3
    return Weather(
        crashes=chance.choice([0, 1, 1, 2, 4]),
        pauses=some(0.6 if second else likely / 2),
        stops=some(likely),
        reboots=some(likely / 2),
        upgrades=some(likely / 2),
        anchors_killed=some(likely),
        database_away=some(likely),
        host_away=some(likely),
        lost_answers=chance.choice([0.0, 0.0, 0.0, 0.02]),
        second_panel=second,
        links_cut=some(0.6 if second else likely / 2),
        injected=some(likely),
    )


class Storm:
    """Plays one seed's storm and then waits for the calm."""

    def __init__(self, made: World, weather: Weather) -> None:
        self._made = made
        self._chance = made.chance
        self._weather = weather
        self._wanted = ["a", "b"] if weather.second_panel else ["a"]
        chance = made.chance
        numbers = {int(10 / (0.003 + chance.random())): chance.choice(ERRORS) for _ in range(weather.injected)}
        made.loop.pierce = Injector(at=numbers).pierced

    async def play(self) -> None:
        """The whole of it."""
        made = self._made
        for panel_id in self._wanted:
            made.start_panel(panel_id)
        self._prepare_disasters()
        happenings = sorted(self._happenings(), key=lambda happening: happening[0])
        for at, happen in happenings:
            await asyncio.sleep(max(0.0, at - made.loop.time()))
            happen()
            self._revive()
        await self._calm()

    async def _calm(self) -> None:
        made, border = self._made, self._made.border
        border.die_at.clear()
        border.pause_at.clear()
        border.away_until.clear()
        border.lost_answers = 0.0
        for panel in list(made.panels.values()):
            if panel.process.is_paused:
                panel.process.go_on()
        await made.until(self._is_calm, CALM_SECONDS, "everything has ended")

    def _is_calm(self) -> bool:
        self._revive()
        return self._made.is_calm()

    def _revive(self) -> None:
        """Whoever keeps the panels alive does so; what holds the data directory while paused has no successor."""
        for panel_id in self._wanted:
            panel = self._made.panels[panel_id]
            if not panel.process.is_alive or panel.task.done():
                panel.process.kill()
                self._made.start_panel(panel_id)

    def _prepare_disasters(self) -> None:
        border, weather = self._made.border, self._weather
        border.lost_answers = weather.lost_answers
        border.die_at = {int(10 * 1.0 / (0.01 + self._chance.random())) for _ in range(weather.crashes)}

    def _happenings(self) -> list[tuple[float, Callable[[], object]]]:
        chance, weather = self._chance, self._weather
        found: list[tuple[float, Callable[[], object]]] = []

        def add(number: int, happen: Callable[[], object], first: float = 0.2) -> None:
            found.extend((chance.uniform(first, STORM_SECONDS), happen) for _ in range(number))

        found += [(chance.uniform(0.0, STORM_SECONDS / 2), self._deploy) for _ in range(chance.choice([1, 1, 2, 3, 5]))]
        add(chance.choice([0, 0, 1, 2]), lambda: self._end_one(Intent.KILL))
        add(chance.choice([0, 0, 1, 1]), lambda: self._end_one(Intent.CANCEL))
        add(weather.pauses, self._pause)
        add(weather.stops, self._stop)
        add(weather.reboots, self._reboot)
        add(weather.upgrades, self._upgrade)
        add(weather.anchors_killed, self._kill_anchor)
        add(weather.database_away, lambda: self._away("db"))
        add(weather.host_away, lambda: self._away("host"))
        add(weather.links_cut, self._made.machine.cut)
        # Whoever keeps the panels alive looks twice a second.
        found += [(0.5 * tick, lambda: None) for tick in range(int(STORM_SECONDS * 2))]
        return found

    def _deploy(self) -> None:
        panel, subject = self._any_panel(), self._chance.choice(["one", "two"])
        wish = request(
            subject_id=subject,
            exclusive_key=f"application:{subject}",
            lane=self._chance.choice([Lane.DEPLOY] * 5 + [Lane.ROLLBACK, Lane.PREVIEW]),
            input={"commands": {name: self._words(name) for name in ("fetch", "build", "migrate")}},
        )
        self._made.ask(panel, self._made.enqueue(panel, wish))

    def _words(self, name: str) -> list[str]:
        chance = self._chance
        words = [f"print {name} began"]
        for number in range(chance.choice([0, 1, 1, 2, 3])):
            words += [f"sleep {chance.choice([0.0, 0.1, 0.5, 1.0, 4.0]):.1f}", chance.choice(
                [f"print {name} {number}", "write half a line", "print s3cret-of-the-plan", "write s3cret-"]
            )]  # fmt: skip
        if chance.random() < 0.1:
            words.append("stubborn")
        return [*words, f"exit {chance.choice([0] * 12 + [1, 3])}"]

    def _end_one(self, intent: Intent) -> None:
        rows = list(self._made.truth.rows.values())
        if rows:
            row, panel = self._chance.choice(rows), self._any_panel()
            self._made.ask(panel, self._ended(panel, row.deployment_id, intent))

    async def _ended(self, panel: Panel, deployment_id: str, intent: Intent) -> None:
        made, stopper = self._made, panel.engine.stopper
        try:
            if intent is Intent.KILL:
                ended: Deployment = await stopper.kill(deployment_id)
            else:
                ended = await stopper.cancel(deployment_id)
        except HeadwayError:
            return
        made.truth.hold(ended.status.ended, f"{ended.seq} was ended, but it is {ended.status}")
        living = made.machine.living(deployment_id)
        made.truth.hold(not living, f"{ended.seq} was ended, but {living} run")

    def _pause(self) -> None:
        panel = self._any_panel()
        if panel.process.is_alive and not panel.process.is_paused:
            panel.process.pause()
            self._made.loop.call_later(self._chance.choice([0.5, 5.0, 31.0, 40.0]), panel.process.go_on)

    def _stop(self) -> None:
        """SIGTERM; the next look starts a successor once it is gone."""
        panel = self._any_panel()
        if panel.process.is_alive:
            panel.context.run(panel.engine.stop)

    def _reboot(self) -> None:
        for panel in list(self._made.panels.values()):
            panel.process.kill()
        self._made.machine.restart()

    def _upgrade(self) -> None:
        """Every panel dies; their successors have new code."""
        self._made.version += 1
        for panel in list(self._made.panels.values()):
            panel.process.kill()

    def _kill_anchor(self) -> None:
        living = [run for run in self._made.machine.runs.values() if run.state is State.WORKING]
        if living:
            self._chance.choice(living).die()

    def _away(self, place: str) -> None:
        self._made.border.away_until[place] = self._made.loop.time() + self._chance.choice([1.0, 4.0, 10.0])

    def _any_panel(self) -> Panel:
        return self._made.panels[self._chance.choice(self._wanted)]
