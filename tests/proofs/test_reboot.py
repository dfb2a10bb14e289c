"""Must show 7: the machine reboots, simulated by ending everything at once and starting again with another boot id.
Applications serve again, what was cut off is ``lost`` with the sentence that says so, what waited runs, and nothing
half-made is left.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support.applications.kept import open_folder
from tests.support.applications.left import left_of
from tests.support.machines.power import answer_of, pull_the_plug
from tests.support.panel.panel import Panel, commit, git_repository, until, web

SENTENCE = "The machine was restarted while this deployment ran, so its processes are gone. Deploy again to repeat it."
NAMES = ("alpha", "beta", "gamma")
RELEASE = "release: echo releasing; sleep 600\n"


@pytest.fixture
def panel() -> Iterator[Panel]:
    with open_folder() as folder:
        made = Panel(folder / "data", HEADWAY_CONCURRENCY="3")
        try:
            yield made.start()
        finally:
            made.clean_up()


@pytest.mark.parametrize("times", [1, 2])
def test_after_a_reboot_all_is_as_the_rows_say(panel: Panel, times: int) -> None:
    ids = deployed(panel)
    begun = {name: hang(panel, ids[name], name) for name in NAMES}
    for name, marker in zip(NAMES, ("building", "releasing", "starting"), strict=True):
        until(lambda name=name, marker=marker: marker in seen(panel, begun[name], name), 30)  # type: ignore[misc]
    waiting = panel.deploy(ids["delta"])
    assert panel.one(waiting)["status"] == "pending"

    began = 0.0
    for number in range(times):  # the second cut comes while the panel brings things up again
        boot = panel.data_dir.parent / f"boot_id.{number}"
        boot.write_text(f"another-boot-{number}\n")
        pull_the_plug(panel)
        began = time.monotonic()
        panel.start(HEADWAY_BOOT_ID_FILE=str(boot))
    until(lambda: all(answer_of(panel, name) == "old" for name in NAMES), 60, what="the applications serve again")
    serving = time.monotonic() - began

    rows = [panel.ended(begun[name], 30) for name in NAMES]
    assert [(row["status"], row["reason"], row["errorMessage"]) for row in rows] == [("error", "lost", SENTENCE)] * 3
    assert panel.done(waiting, 60)["status"] == "done"
    assert panel.visit("delta").text == "old"
    assert panel.visit("stopped").status_code == 404
    for id_ in begun.values():
        until(lambda id_=id_: left_of(panel, id_) == [], 15, what=f"nothing is left of {id_}")  # type: ignore[misc]
    print(f"\n{times} cut(s): applications serve again {serving:.1f} s after the start, 3 lost, 1 that waited done")


def deployed(panel: Panel) -> dict[str, str]:
    """Three applications that serve, one that waits for its first deploy, and one that is stopped."""
    ids = {}
    for name in (*NAMES, "delta", "stopped"):
        url = git_repository(panel.data_dir.parent / name, web("old"))
        ids[name] = panel.application(url, name=name)
        if name != "delta":
            panel.done(panel.deploy(ids[name]), 60)
    panel.post("application.stop", applicationId=ids["stopped"])
    return ids


def hang(panel: Panel, application_id: str, name: str) -> str:
    """A deploy that hangs in its build, in its release command, or in the start of the new release."""
    files = web("new")
    build = None
    match name:
        case "alpha":
            build = "echo building; sleep 600"
        case "beta":
            files["Procfile"] += RELEASE
        case _:
            files["Procfile"] = "web: echo starting; sleep 600\n"
    commit(panel.data_dir.parent / name, files, "new")
    panel.post("application.update", applicationId=application_id, buildCommand=build)
    return panel.deploy(application_id)


def seen(panel: Panel, deployment_id: str, name: str) -> str:
    """The log, and for the application that starts, the step that it is in."""
    if name == "gamma":
        return "starting" if any(step["name"] == "health check" for step in panel.one(deployment_id)["steps"]) else ""
    return panel.deployment_log(deployment_id)
