"""``service.log``, ``logLines`` and ``findInLog``: what a release has written, by its lines and as a file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from headway.drivers.runtimes.launch.launcher import RECORD
from headway.drivers.runtimes.process.programs import Layout
from headway.drivers.runtimes.process.record import render_record
from headway.infra.db.tables.services import releases
from headway.infra.hosts.base import HostUnreachable
from headway.kernel.artifacts import Bundle, HealthCheck, Process, ReleaseSpec
from headway.kernel.secret import Secret
from tests.integration.http.test_service_overview import lose_server_of
from tests.integration.http.test_service_pages import serving
from tests.integration.http.world import World

ESC = "\x1b"
SECRET = "correct-horse-battery"


@dataclass(frozen=True)
class Shop:
    """An application whose release serves, and writes."""

    world: World
    application: str
    layout: Layout
    app_name: str
    release: str

    def log(self, process: str) -> Path:
        return self.layout.log_of(self.release, self.app_name, process)

    def writes(self, text: str, process: str = "web") -> None:
        with self.log(process).open("a") as file:
            file.write(text)

    async def get(self, operation: str, **given: Any) -> Any:  # noqa: ANN401 - JSON
        return await self.world.get(f"service.{operation}", serviceId=self.application, **given)

    async def answer(
        self,
        operation: str,
        client: httpx.AsyncClient | None = None,
        **given: Any,  # noqa: ANN401 - of the wire
    ) -> httpx.Response:
        params = {"serviceId": self.application, **given}
        return await (client or self.world.owner).get(f"/service.{operation}", params=params)


async def writing(world: World, *processes: str, name: str = "shop", env: str = "") -> Shop:
    """One of these processes, as its deployment would have left it; it was started with the variable TOKEN."""
    application, deployment, release = await serving(world, name)
    if env:
        await world.post("application.saveEnvironment", applicationId=application, env=env)
    app_name = (await world.get("application.one", applicationId=application))["appName"]
    data_dir = world.platform.data_dir
    layout = Layout(root=data_dir.work / "native")
    spec = ReleaseSpec(
        release_id=release,
        deployment_id=deployment,
        application_id=application,
        app_name=app_name,
        artifact=Bundle(
            folder=str(data_dir.path),
            processes=tuple(Process(name=each, command="true") for each in processes or ("web",)),
        ),
        uid=None,
        gid=None,
        port=None,
        env={"TOKEN": Secret(SECRET)},
        health=HealthCheck(),
    )
    layout.release(release).mkdir(parents=True)
    record = render_record(spec, vault=data_dir.vault, home="", groups=())
    (layout.release(release) / RECORD).write_text(record)
    shop = Shop(world, application, layout, app_name, release)
    shop.log("web").parent.mkdir(parents=True, exist_ok=True)
    for each in processes or ("web",):
        shop.log(each).touch()
    return shop


async def out_of_reach(shop: Shop) -> None:
    """Its server does not answer any more."""
    of_it = releases.c.release_id == shop.release
    await shop.world.services.db.run(lambda tx: lose_server_of(tx, shop.application))
    await shop.world.services.db.run(lambda tx: tx.execute(update(releases).where(of_it).values(host_id="far")))


@pytest.fixture
async def shop(world: World) -> Shop:
    return await writing(world)


def texts(found: Any) -> dict[int, str]:  # noqa: ANN401 - JSON
    return {row["n"]: "".join(text for _, text in row["runs"]) for row in found["rows"]}


async def test_lines_come_by_their_numbers_with_colours_and_times(shop: Shop) -> None:
    shop.writes(f"one\n{ESC}[31mtwo ✅\nthr{ESC}[0mee\n")
    os.utime(shop.log("web"), (1_700_000_000, 1_700_000_000))
    found = await shop.get("logLines", **{"from": 2})
    assert (found["names"], found["of"], found["first"], found["total"], found["kept"]) == (["web"], "web", 2, 3, 1)
    assert found["ended"] is False
    at = {"at": "2023-11-14T22:13:20.000Z", "caughtUp": True, "cut": 0, "open": False}
    assert found["rows"] == [
        {"n": 2, "runs": [["ansi-red", "two ✅"]], **at},
        {"n": 3, "runs": [["ansi-red", "thr"], ["", "ee"]], **at},
    ]
    assert texts(await shop.get("logLines", count=1)) == {3: "three"}
    assert texts(await shop.get("logLines", around=1, count=2)) == {1: "one", 2: "two ✅"}


async def test_secrets_stay_out_of_lines_hits_and_the_file(world: World) -> None:
    shop = await writing(world, env="OTHER_TOKEN=another-secret-of-it")
    shop.writes(f"it is {SECRET} and another-secret-of-it\n")
    assert texts(await shop.get("logLines")) == {1: "it is ****** and ******"}
    for text in (SECRET, "horse", "another"):
        assert (await shop.get("findInLog", text=text))["hits"] == [], text
    assert (await shop.answer("log")).text == "it is ****** and ******\n"


async def test_a_text_is_found_and_gone_to(shop: Shop) -> None:
    shop.writes("".join(f"line {number}\n" for number in range(1, 30)))
    found = await shop.get("findInLog", text="LINE 2", ignoreCase=True, **{"from": 21})
    assert (found["hits"], found["total"], found["next"]) == ([2, *range(20, 30)], 11, 21)
    back = await shop.get("findInLog", text="line 2", direction="backward", **{"from": 19})
    assert back["next"] == 2
    assert (await shop.get("findInLog", text="nowhere"))["total"] == 0


async def test_all_of_it_is_a_file(shop: Shop) -> None:
    text = "".join(f"{ESC}[32mline {number}{ESC}[0m {'x' * 100}\n" for number in range(8_000))  # several pieces
    shop.writes(text)
    whole = await shop.answer("log")
    assert (whole.status_code, whole.text == text) == (200, True)
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert whole.headers["content-disposition"] == f'attachment; filename="{shop.app_name}.log"'
    plain = await shop.answer("log", plain="true")
    assert plain.text.splitlines()[-1] == f"line 7999 {'x' * 100}"
    assert ESC not in plain.text


async def test_each_process_has_a_log_of_its_own_and_all_are_one_file(world: World) -> None:
    shop = await writing(world, "web", "worker")
    shop.writes("GET /\n")
    shop.writes("sent a mail\n", "worker")
    found = await shop.get("logLines")
    assert (found["names"], found["of"], texts(found)) == (["web", "worker"], "web", {1: "GET /"})
    assert texts(await shop.get("logLines", of="worker")) == {1: "sent a mail"}
    assert (await shop.get("findInLog", of="worker", text="mail"))["hits"] == [1]
    assert (await shop.answer("log")).text == "web | GET /\nworker | sent a mail\n"
    one = await shop.answer("log", of="worker")
    assert one.text == "sent a mail\n"
    assert one.headers["content-disposition"] == f'attachment; filename="{shop.app_name}-worker.log"'


async def test_what_is_written_out_of_a_page_goes_on_where_it_was_read(shop: Shop) -> None:
    shop.writes("one\n")
    first = await shop.get("logLines")
    shop.writes("two\nthree\n")
    more = await shop.get("logLines", generation=first["generation"], **{"from": first["total"]})
    assert (texts(more), more["total"]) == ({1: "one", 2: "two", 3: "three"}, 3)
    again = await shop.answer("logLines", generation="0123456789abcdef")
    assert (again.status_code, "begun anew" in again.text) == (409, True)


async def test_of_what_serves_nothing_there_is_no_log(world: World) -> None:
    application = await world.application("idle")
    found = await world.get("service.logLines", serviceId=application)
    assert (found["names"], found["of"], found["total"], found["rows"]) == ([], None, 0, [])
    assert (await world.get("service.findInLog", serviceId=application, text="x"))["hits"] == []
    refused = await world.owner.get("/service.log", params={"serviceId": application})
    assert (refused.status_code, "Nothing of it serves" in refused.text) == (409, True)


async def test_what_cannot_be_meant_is_refused(shop: Shop) -> None:
    for operation, given, status in (
        ("logLines", {"from": 1, "around": 1}, 400),
        ("logLines", {"from": 0}, 400),
        ("logLines", {"count": 1_001}, 400),
        ("logLines", {"generation": "../x"}, 400),
        ("logLines", {"of": "x" * 201}, 400),
        ("logLines", {"of": "../../etc/passwd"}, 404),
        ("findInLog", {"text": ""}, 400),
        ("findInLog", {"text": "a\nb"}, 400),
        ("findInLog", {"text": "x" * 201}, 400),
        ("findInLog", {"text": "x", "of": "nobody"}, 404),
        ("log", {"of": "nobody"}, 404),
        ("log", {"plain": "perhaps"}, 400),
    ):
        answer = await shop.answer(operation, **given)
        assert answer.status_code == status, (operation, given, answer.text)
    assert (
        "Nothing that is called “nobody” runs of it now." in (await shop.answer("log", of="nobody")).json()["message"]
    )


async def test_who_may_not_see_the_service_reads_nothing_of_it(shop: Shop) -> None:
    shop.writes("one\n")
    world = shop.world
    for client, status in ((world.member, 404), (world.stranger, 404), (world.nobody, 401)):
        for operation, given in (("logLines", {}), ("findInLog", {"text": "o"}), ("log", {})):
            answer = await shop.answer(operation, client, **given)
            assert answer.status_code == status, (operation, answer.text)
            assert "one" not in answer.text


async def test_a_machine_out_of_reach_is_told_of(shop: Shop) -> None:
    await out_of_reach(shop)
    for operation, text in (("logLines", {}), ("findInLog", {"text": "o"}), ("log", {})):
        answer = await shop.answer(operation, None, **text)
        assert answer.status_code == 503, (operation, answer.text)
        assert "has not taken up its servers yet" in answer.json()["message"]


async def test_a_file_whose_machine_goes_away_says_so_in_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.writes("".join(f"line {number} {'x' * 100}\n" for number in range(8_000)))
    runtime = type(shop.world.platform.features.applications.lifecycle.driver.tools.runtimes.of("native"))
    read, asked = runtime.pieces, list[object]()

    async def goes_away(self: Any, release_id: str, behind: Any, masked: Any) -> Any:  # noqa: ANN401 - as it is given
        asked.append(behind)
        if len(asked) > 3:
            raise HostUnreachable("far does not answer.")
        return await read(self, release_id, behind, masked)

    monkeypatch.setattr(runtime, "pieces", goes_away)
    told = (await shop.answer("log")).text
    assert told.startswith("line 0 ")
    assert told.endswith("[headway] What follows cannot be read now: far does not answer.\n")
