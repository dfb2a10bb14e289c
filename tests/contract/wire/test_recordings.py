"""Answers recorded from the API whose clients are spoken to here, replayed: the same status, form and shape, but for
the differences that are on purpose, each of which stands with its reason beside its recording.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from headway.core.deployments.leases import Lease
from headway.core.deployments.status import Status
from headway.features.services.model import ReleaseState
from tests.contract.wire.recordings import RECORDINGS, cases, compare
from tests.integration.http.world import KEYS, World, open_world

HEADERS: Mapping[str, Mapping[str, str]] = {
    **{name: {"x-api-key": key} for name, key in KEYS.items()},
    "nobody": {},
    "unknown key": {"x-api-key": "nope"},
    "bearer": {"authorization": f"Bearer {KEYS['owner']}"},
}
ALL = [case for path in RECORDINGS.rglob("*.json") for case in cases(str(path.relative_to(RECORDINGS).with_suffix("")))]
EMPTY_AT_FIRST = {"queue", "failing"}
Json = Any


@pytest.mark.parametrize("file", sorted(path.stem for path in RECORDINGS.glob("*.json")))
async def test_clients_get_what_they_know(tmp_path: Path, sqlite_template: Path, file: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as world:
        scene = Scene(world)
        await scene.set_up(empty=file in EMPTY_AT_FIRST)
        if file == "rollback":
            await scene.leave()
        for case in cases(file):
            await scene.replay(case)


def test_there_are_recordings() -> None:
    assert len(ALL) >= 75


def test_every_difference_is_one_and_has_a_reason() -> None:
    for case in ALL:
        if "differs" in case:
            wanted = {key: value for key, value in case["differs"].items() if key != "reason"}
            assert len(case["differs"]["reason"]) > 20, case["name"]
            assert any(case["recorded"].get(key) != value for key, value in wanted.items()), case["name"]


class Scene:
    """Three applications, as they were when the answers were recorded, and what the recordings call them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids: dict[str, str] = {}
        self._lease: Lease | None = None

    async def set_up(self, *, empty: bool) -> None:
        """The applications; unless ``empty``, one has a deployment that is done and one a deployment that failed."""
        for name in ("trivial", "slow", "fail"):
            self._ids[name] = await self._world.application(name)
        if not empty:
            self._ids["done"] = await self._world.ended(self._ids["trivial"])
            self._ids["failed"] = await self._world.ended(self._ids["fail"], Status.ERROR)
            self._world.write_log(self._ids["done"], "built\n")

    async def leave(self) -> None:
        """What can be gone back to, and what cannot, for nothing of it was kept."""
        given = {"deployment_id": self._ids["done"], "image": "no-such-image:v9"}
        self._ids["kept"] = await self._world.kept(self._ids["trivial"], **given)
        self._ids["bare"] = await self._world.release(self._ids["trivial"], state=ReleaseState.RETIRED)

    async def replay(self, case: Mapping[str, Json]) -> None:
        """Sends what was recorded and compares what comes."""
        if case.get("before") == "ends":
            assert self._lease is not None
            await self._world.end(self._lease)
        headers = dict(HEADERS[case["caller"]])
        if "contentType" in case:
            headers["content-type"] = case["contentType"]
        answer = await self._world.nobody.request(
            case["method"],
            f"http://headway.test{self._filled(case['path'])}",
            content=self._filled(case["body"]).encode() if "body" in case else None,
            headers=headers,
        )
        compare(case, answer)
        await self._go_on(case.get("then"), answer)

    async def _go_on(self, then: str | None, answer: httpx.Response) -> None:
        if then is None:
            return
        self._lease = await self._world.claim()
        if then == "fails":
            self._ids["failed"] = answer.headers["x-deployment-id"]
            self._world.write_log(self._ids["failed"], "about-to-fail\n")
            await self._world.end(self._lease, Status.ERROR, "Step build: exit status 7")

    def _filled(self, text: str) -> str:
        for name, value in self._ids.items():
            text = text.replace(f"{{{name}}}", value)
        return text
