"""Must show 2: 10,000 deliveries in a burst, a third of them duplicates, while 20 builds run and the panel is SIGKILLed
three times. The senders repeat until they get a 2xx. Each unique delivery is acted on exactly once, the answers come
within 100 ms at the 99th percentile, and the panel's memory grows by less than 30 MB.
"""

from __future__ import annotations

import json
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.applications.kept import open_folder
from tests.support.panel.panel import Panel, git_repository, until, web
from tests.unit.features.webhooks import deliveries as sent

DELIVERIES, UNIQUE, SERVICES, BUILDS, SENDERS, KILLS = 10_000, 6_667, 10, 20, 4, 3
MOST_GROWTH_BYTES = 30_000_000
MOST_SECONDS = 0.1
Json = Any


@pytest.fixture
def panel() -> Iterator[Panel]:
    with open_folder() as folder:
        made = Panel(folder / "data", HEADWAY_CONCURRENCY=str(BUILDS), HEADWAY_KEEP_DEPLOYMENTS="100000")
        try:
            yield made.start()
        finally:
            made.clean_up()


@dataclass
class Burst:
    """What is to be sent, and what came of it: ``seconds`` are those of answers that came at the first attempt."""

    port: int
    tasks: queue.SimpleQueue[tuple[str, str] | None] = field(default_factory=queue.SimpleQueue)
    seconds: list[float] = field(default_factory=list)
    attempts: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    deployments: dict[str, set[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self) -> None:
        """Sends until there is nothing more to send."""
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api", timeout=10, trust_env=False) as client:
            while (task := self.tasks.get()) is not None:
                self._deliver(client, *task)

    def _deliver(self, client: httpx.Client, url: str, sent_id: str) -> None:
        headers, body = sent.pushed(int(sent_id))
        for attempt in range(600):
            began = time.monotonic()
            try:
                answer = client.post(url, headers=headers, content=body)
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            if answer.status_code == 200:
                self._note(sent_id, answer.json(), time.monotonic() - began, first=attempt == 0)
                return
            assert answer.status_code == 503, answer.text
            time.sleep(0.1)
        pytest.fail(f"{sent_id} was never answered")

    def _note(self, sent_id: str, answer: Json, seconds: float, *, first: bool) -> None:
        with self.lock:
            self.answered[sent_id] += 1
            if first:
                self.seconds.append(seconds)
            self.deployments.setdefault(sent_id, set()).add(answer["services"][0]["deploymentId"])


def test_each_unique_delivery_is_acted_on_exactly_once(panel: Panel) -> None:
    building = begin_builds(panel)
    ids = [
        panel.application("https://git.example/team/app.git", f"told-{n}", customGitBranch="main")
        for n in range(SERVICES)
    ]
    for each in ids:
        panel.post("application.update", applicationId=each, webhookSecret=sent.SECRET)
    burst = Burst(port=panel.port)
    tasks = tasks_of([address(panel, each) for each in ids])
    senders = [threading.Thread(target=burst.send) for _ in range(SENDERS)]
    began = time.monotonic()
    growth = []
    for sender in senders:
        sender.start()
    for part in range(KILLS + 1):
        share = tasks[part * len(tasks) // (KILLS + 1) : (part + 1) * len(tasks) // (KILLS + 1)]
        growth.append(send_part(panel, burst, share))
        if part < KILLS:
            for task in share[:200]:  # so that it dies while they come
                burst.tasks.put(task)
            time.sleep(0.3)
            panel.kill()
            panel.start()
    for _ in senders:
        burst.tasks.put(None)
    for sender in senders:
        sender.join(300)
    seconds = time.monotonic() - began

    assert set(burst.answered) == {sent_id for _, sent_id in tasks}
    assert all(len(found) == 1 for found in burst.deployments.values()), "a delivery was acted on twice"
    kept, rows = acted_on(panel, ids)
    assert kept == Counter(dict.fromkeys(burst.deployments, 1))
    assert sorted(rows) == sorted(each for found in burst.deployments.values() for each in found)
    assert all(panel.one(each)["status"] == "running" for each in building), "the builds go on"
    slow = sorted(burst.seconds)
    p50, p99 = slow[len(slow) // 2], slow[len(slow) * 99 // 100]
    print(
        f"\n{sum(burst.answered.values())} answers in {seconds:.0f} s for {len(kept)} unique deliveries, {len(rows)} "
        f"deployments, {KILLS} SIGKILLs; p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, "
        f"memory grew by at most {max(growth) / 1e6:.1f} MB"
    )
    assert max(growth) < MOST_GROWTH_BYTES
    assert p99 < MOST_SECONDS


def send_part(panel: Panel, burst: Burst, share: Sequence[tuple[str, str]]) -> int:
    """Sends a share and waits until it is answered; by how many bytes the panel has grown since its first answers."""
    for task in share[:100]:
        burst.tasks.put(task)
    drained(burst)
    before = memory(panel)
    for task in share[100:]:
        burst.tasks.put(task)
    drained(burst)
    return memory(panel) - before


def drained(burst: Burst) -> None:
    """All that was to be sent is on its way."""
    until(burst.tasks.empty, 600, what="the senders have nothing left")


def memory(panel: Panel) -> int:
    """What the panel holds of the machine's memory."""
    assert panel.process is not None
    pages = int(Path(f"/proc/{panel.process.pid}/statm").read_text().split()[1])
    return pages * 4096


def tasks_of(addresses: Sequence[str]) -> list[tuple[str, str]]:
    """What is sent, in an order that is the same in each run: every unique delivery, and duplicates of some."""
    chance = random.Random(7)
    unique = [(addresses[number % len(addresses)], str(number)) for number in range(UNIQUE)]
    tasks = unique + chance.choices(unique, k=DELIVERIES - UNIQUE)
    chance.shuffle(tasks)
    return tasks


def address(panel: Panel, application_id: str) -> str:
    """Where an application is told."""
    return f"/deploy/{panel.get('application.one', applicationId=application_id)['refreshToken']}"


def begin_builds(panel: Panel) -> list[str]:
    """Builds that say something all the time."""
    url = git_repository(panel.data_dir.parent / "building", web("x"))
    command = "while true; do echo building; sleep 0.5; done"
    begun = [panel.deploy(panel.application(url, f"builds-{n}", buildCommand=command)) for n in range(BUILDS)]
    for each in begun:
        panel.running(each, "building", 120)
    return begun


def acted_on(panel: Panel, application_ids: Sequence[str]) -> tuple[Counter[str], list[str]]:
    """How often each delivery was kept, by its sender's id; and the deployments that webhooks have asked for."""
    kept: Counter[str] = Counter()
    rows: list[str] = []
    for application_id in application_ids:
        before: Json = None
        while True:
            query = {"applicationId": application_id, "limit": 200} | ({"before": before} if before else {})
            part = panel.get("webhook.deliveries", **query)
            kept.update(each["sentId"] for each in part["items"])
            before = part["before"]
            if before is None:
                break
        found = panel.get("deployment.all", applicationId=application_id)
        rows += [row["deploymentId"] for row in found]
        waiting = [row for row in found if row["status"] == "pending"]
        assert len(waiting) == 1, json.dumps(waiting)[:500]
    return kept, rows
