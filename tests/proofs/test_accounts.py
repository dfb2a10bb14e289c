"""Must show 8: a build and an application that reach for what is not theirs, signal, and fill processes and memory are
refused, and the panel and its neighbours serve on.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.proofs import _impostor, _intruder
from tests.proofs._neighbours import (
    MODES,
    PROCESSES,
    Site,
    account_with,
    made,
    most_processes,
    pids_with,
    processes_of,
    watch,
)
from tests.support.panel.panel import git_repository, until, web

pytestmark = pytest.mark.root

HIDDEN = re.compile(r"\b\d{2,}\b|/sys/fs/cgroup|/proc/\d+/|to the group of")  # not each process leads a group
INTRUDER = Path(_intruder.__file__)
IMPOSTOR = Path(_impostor.__file__)
# Every process begins a session of its own: so none of them shares its processor time with the others.
BOMB = """\
import os
print("lit", flush=True)
while True:
    try:
        os.fork() or os.setsid()
    except OSError:
        pass
"""
EATER = """\
import sys, time
held = []
try:
    while True:
        held.append(b"x" * (1 << 20))
        time.sleep(0.001)
except MemoryError:
    held.clear()
    sys.exit("MemoryError")
"""


@pytest.fixture(scope="module", params=MODES)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    print(f"\n== {request.param}")
    with made(request.param) as site:
        yield site


@pytest.fixture
def watched(site: Site) -> Iterator[None]:
    """The panel and both neighbours go on all the while."""
    before = set(site.pids())
    with watch(site.panel, slowest_seconds=3 if site.has_groups else 15, starved=not site.has_groups):
        yield
    assert set(site.pids()) == before
    assert site.panel.one(site.building["deploymentId"])["status"] == "running"


def test_what_the_intruder_looks_for_is_there_and_can_be_found_by_root(site: Site) -> None:
    """Else a refusal would prove nothing."""
    env = {
        "TARGETS": json.dumps(site.targets()),
        "HEADWAY_DEPLOYMENT_ID": site.building["deploymentId"],
        "HEADWAY_RELEASE_ID": site.serving["deploymentId"],
    }
    ended = subprocess.run([sys.executable, INTRUDER, "look"], env=env, capture_output=True, check=True, timeout=60)

    found = findings(ended.stdout.decode())
    assert len(found) > 100
    assert {name: said for name, said in found.items() if not said.startswith(_intruder.ALLOWED)} == {}
    # A setuid program does give root to an account that may gain rights.
    nobody = subprocess.run([site.setuid], user=61234, group=61234, extra_groups=[], capture_output=True, check=True)
    assert "euid=0" in nobody.stdout.decode()


def test_a_build_and_an_application_are_refused_all_of_it(site: Site, watched: None) -> None:
    procfile = "web: python3 intruder.py; exec python3 app.py\n"
    files = web("intruder", Procfile=procfile) | {"intruder.py": INTRUDER.read_text()}
    before = site.everything()
    application_id = site.panel.application(
        git_repository(site.folder / "intruder", files), name="intruder", buildCommand="python3 intruder.py"
    )
    site.panel.post("application.saveEnvironment", applicationId=application_id, env=targets_variable(site))

    row = site.panel.done(site.panel.deploy(application_id), 120)

    of_build = findings(site.panel.deployment_log(row["deploymentId"]))
    of_application = findings(site.panel.get("application.readLogs", applicationId=application_id, tail=10_000))
    check_refused("the build", of_build)
    check_refused("the application", of_application)
    assert any(name.startswith("own release") for name in of_application)
    assert site.everything() == before
    site.panel.post("application.delete", applicationId=application_id)


def test_killing_everybody_reaches_nobody_else(site: Site, watched: None) -> None:
    files = web("vandal", Procfile="web: kill -KILL -1; exec python3 app.py\n")
    application_id = site.panel.application(
        git_repository(site.folder / "vandal", files), name="vandal", buildCommand="kill -KILL -1; echo survived"
    )

    row = site.panel.done(site.panel.deploy(application_id), 60)

    assert "survived" in site.panel.deployment_log(row["deploymentId"])
    assert site.panel.visit("vandal").text == "vandal"
    site.panel.post("application.delete", applicationId=application_id)


def test_a_fork_bomb_in_a_build_is_bounded_and_ends_with_a_kill(site: Site, watched: None) -> None:
    url = git_repository(site.folder / "bomb-in-build", web("x") | {"bomb.py": BOMB})
    application_id = site.panel.application(url, name="bomb-in-build", buildCommand="python3 bomb.py")
    deployment_id = site.panel.deploy(application_id)
    site.panel.running(deployment_id, "lit")

    marker = f"HEADWAY_DEPLOYMENT_ID={deployment_id}".encode()
    most = most_processes(account_with(marker), seconds=3)
    anchor = int(site.panel.one(deployment_id)["pid"])
    began = time.monotonic()
    site.panel.post("deployment.killProcess", deploymentId=deployment_id)
    took = time.monotonic() - began
    left = pids_with(marker)

    print(f"a fork bomb in a build: at most {most} processes, killed in {took * 1000:.0f} ms")
    assert PROCESSES // 2 < most <= PROCESSES
    row = site.panel.one(deployment_id)
    assert (row["status"], row["reason"]) == ("error", "killed")
    assert left <= {anchor}
    until(lambda: not pids_with(marker), 5, what="the anchor's own end, right after the end is written")
    site.panel.post("application.delete", applicationId=application_id)


def test_a_fork_bomb_in_an_application_is_bounded_and_ends_with_a_stop(site: Site, watched: None) -> None:
    files = web("x", Procfile="web: python3 bomb.py\n") | {"bomb.py": BOMB}
    application_id = site.panel.application(
        git_repository(site.folder / "bomb", files), name="bomb", healthDeadlineSeconds=10
    )
    deployment_id = site.panel.deploy(application_id)
    marker = f"HEADWAY_RELEASE_ID={deployment_id}".encode()
    account = account_with(marker)

    most = most_processes(account, seconds=3)
    row = site.panel.ended(deployment_id, 60 if site.has_groups else 240)
    site.panel.post("application.stop", applicationId=application_id)

    print(f"a fork bomb in an application: at most {most} processes; the deployment: {row['errorMessage']}")
    assert PROCESSES // 2 < most <= PROCESSES
    assert row["status"] == "error"
    assert not pids_with(marker)
    assert not processes_of(account)
    site.panel.post("application.delete", applicationId=application_id)


def test_a_build_that_fills_the_memory_ends_for_that_reason(site: Site, watched: None) -> None:
    files = web("x") | {"eat.py": EATER}
    application_id = site.panel.application(
        git_repository(site.folder / "eating-build", files), name="eating-build", buildCommand="python3 eat.py"
    )

    row = site.panel.ended(site.panel.deploy(application_id), 60)

    assert (row["status"], row["reason"]) == ("error", "out_of_memory" if site.has_groups else "failed")
    assert ("more memory than it may" if site.has_groups else "MemoryError") in row["errorMessage"]
    site.panel.post("application.delete", applicationId=application_id)


def test_an_application_that_fills_the_memory_is_ended_within_its_bound(site: Site, watched: None) -> None:
    files = web("x", Procfile="web: python3 eat.py\n") | {"eat.py": EATER}
    application_id = site.panel.application(
        git_repository(site.folder / "eating", files), name="eating", healthDeadlineSeconds=30
    )

    row = site.panel.ended(site.panel.deploy(application_id), 60)

    print(f"an application that fills its memory: {row['errorMessage']}")
    assert (row["status"], row["reason"]) == ("error", "failed")
    assert re.search("memory bound was reached|MemoryError", row["errorMessage"])
    site.panel.post("application.delete", applicationId=application_id)


def test_an_application_cannot_pass_for_the_edge(site: Site) -> None:
    """By its marker and its arguments a panel finds the edge again that it has started."""
    (edge,) = pids_with(b"HEADWAY_DAEMON=" + bytes(site.panel.data_dir / "edge"))
    arguments = Path(f"/proc/{edge}/cmdline").read_bytes()
    marker = f"HEADWAY_DAEMON={site.panel.data_dir / 'edge' / 'daemon.json'}"
    files = {"impostor.py": IMPOSTOR.read_text(), "Procfile": "worker: exec python3 impostor.py\n"}
    application_id = site.panel.application(
        git_repository(site.folder / "impostor", files), name="impostor", env=f"{marker}\nARGUMENTS={arguments.hex()}"
    )
    row = site.panel.done(site.panel.deploy(application_id), 60)
    (impostor,) = pids_with(f"HEADWAY_RELEASE_ID={row['deploymentId']}".encode())
    until(lambda: Path(f"/proc/{impostor}/cmdline").read_bytes() == arguments, what="it looks like the edge")

    os.kill(edge, signal.SIGKILL)

    until(lambda: pids_with(marker.encode()) - {edge, impostor}, what="another edge")
    until(lambda: serves(site), what="the neighbour serves again")
    assert Path(f"/proc/{impostor}").exists()
    site.panel.post("application.delete", applicationId=application_id)


@dataclass(frozen=True, kw_only=True)
class Deceit:
    """A repository that wants to lead the panel astray, and what the error then says (None: the deploy is done)."""

    links: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    said: str | None


# {data} is the panel's folder, {work} that of builds and releases, {neighbour} the neighbour's release.
DECEITS = {
    "Procfile": Deceit(links={"Procfile": "{data}/vault.key"}, said="Procfile is a symbolic link that leads out"),
    "Procfile by a detour": Deceit(
        links={"a": "{data}", "Procfile": "a/vault.key"}, said="Procfile is a symbolic link that leads out"
    ),
    "requirements.txt": Deceit(links={"requirements.txt": "{data}/vault.key"}, said="requirements.txt is a symbolic"),
    "index.html": Deceit(links={"index.html": "{data}/vault.key"}, said="index.html is a symbolic link that leads out"),
    "the build path": Deceit(
        links={"inside": "{data}"},
        settings={"customGitBuildPath": "/inside"},
        said="The build path 'inside' leads out of the repository|There is no folder 'inside'",
    ),
    "a neighbour as the build path": Deceit(
        links={"inside": "{neighbour}"}, settings={"customGitBuildPath": "inside"}, said="build path"
    ),
    "what the build publishes": Deceit(
        settings={"buildCommand": "mkdir out; ln -s {data}/vault.key out/index.html", "publishDirectory": "out"},
        said="index.html is a symbolic link that leads out",
    ),
    "the folder that the build publishes": Deceit(
        settings={"buildCommand": "ln -s {neighbour} out", "publishDirectory": "out"},
        said="index.html is a symbolic link that leads out",
    ),
    "the build path after the look at it": Deceit(
        files={"inside/app.py": "", "inside/Procfile": "web: cat app.py release.json vault.key; sleep 600"},
        settings={"customGitBuildPath": "inside", "buildCommand": "cd ..; rm -r inside; ln -s {neighbour} inside"},
        said="a symbolic link in the place of its build path",
    ),
    "the release itself": Deceit(
        files=web("x"), settings={"buildCommand": "rm -rf $PWD/* $PWD; ln -s {data} $PWD"}, said="can't open file"
    ),
    "what is sealed": Deceit(
        files=web("x"),
        settings={"buildCommand": "ln -s {data} a; ln -s {work} b; ln -s {neighbour} c; ln {data}/vault.key d; true"},
        said=None,
    ),
}


@pytest.mark.parametrize("deceit", DECEITS)
def test_links_lead_the_panel_nowhere(site: Site, watched: None, deceit: str) -> None:
    case = DECEITS[deceit]
    names = {"data": site.panel.data_dir, "work": site.panel.work, "neighbour": site.neighbour}
    before = site.everything()
    name = re.sub("[^a-z]+", "-", deceit.lower())
    repository = site.folder / f"deceit-{name}"
    lay_links(repository, {path: target.format_map(names) for path, target in case.links.items()})
    given = {key: value.format_map(names) for key, value in case.settings.items()}
    application_id = site.panel.application(
        git_repository(repository, {"page.txt": "hello", **case.files}), name=name, healthDeadlineSeconds=10, **given
    )

    row = site.panel.ended(site.panel.deploy(application_id), 60)

    print(f"{deceit}: {row['status']}: {row['errorMessage']}")
    assert row["status"] == ("done" if case.said is None else "error")
    assert re.search(case.said or "", row["errorMessage"] or "")
    told = site.panel.deployment_log(row["deploymentId"]) + json.dumps(row)
    for closed in (site.panel.data_dir / "vault.key", site.neighbour / "app.py"):
        assert closed.read_text().strip().partition("\n")[0] not in told
    site.panel.post("application.delete", applicationId=application_id)
    assert site.everything() == before


def test_the_file_server_serves_nothing_that_its_account_may_not_read(site: Site, watched: None) -> None:
    targets = site.targets()
    repository = site.folder / "site"
    secrets = {f"secret{number}.txt": path for number, path in enumerate(targets["secrets"])}
    folders = {f"folder{number}": path for number, path in enumerate(targets["folders"])}
    lay_links(repository, secrets | folders)
    url = git_repository(repository, {"index.html": "a site", ".hidden": "not shown"})
    application_id = site.panel.application(url, name="site")
    row = site.panel.done(site.panel.deploy(application_id), 60)

    assert site.panel.visit("site").text == "a site"
    asked = [f"/{name}" for name in secrets]
    asked += [f"/{name}/{file}" for name in folders for file in ("", "vault.key", "app.py", "release.json")]
    asked += ["/.hidden", "/../../../../vault.key", "/%2e%2e/%2e%2e/vault.key", f"/..{targets['secrets'][0]}"]
    answers = {path: site.panel.visit("site", path) for path in asked}
    # A site of one page answers with that page wherever there is no file.
    told = {path: answer.text for path, answer in answers.items() if answer.status_code < 400}
    assert set(told.values()) <= {"a site"}, told
    assert all(answers[f"/{name}"].status_code >= 400 for name in secrets)
    key = (site.panel.data_dir / "vault.key").read_bytes().strip()
    assert not any(key in answer.content for answer in answers.values())
    assert row["status"] == "done"
    site.panel.post("application.delete", applicationId=application_id)


def test_without_a_key_the_panel_tells_nothing(site: Site) -> None:
    """What an application can reach, since it is on the same machine."""
    base = f"http://127.0.0.1:{site.panel.port}/api"
    for procedure in ("project.all", f"deployment.one?deploymentId={site.serving['deploymentId']}", "settings.health"):
        answer = httpx.get(f"{base}/{procedure}", trust_env=False, timeout=10)
        assert (answer.status_code, answer.text) == (401, '{"message":"Unauthorized"}'), procedure


def serves(site: Site) -> bool:
    """Whether the neighbour answers."""
    try:
        return site.panel.visit("neighbour").text == "undisturbed"
    except httpx.TransportError:
        return False


def check_refused(who: str, found: Mapping[str, str]) -> None:
    """Every try was refused, and for the right reason: not because there was nothing, but for processes and control
    groups, of which nobody sees those of others.
    """
    allowed = {name: said for name, said in found.items() if not said.startswith(_intruder.REFUSED)}
    assert allowed == {}
    reasons = Counter(said.partition(" ")[2] for said in found.values())
    print(f"{who}: {len(found)} tries, all refused: {dict(reasons.most_common(8))}")
    assert len(found) > 400
    not_there = {name for name, said in found.items() if said.partition(" ")[2] in {"ENOENT", "ESRCH", "ENOTDIR"}}
    assert {name for name in not_there if not HIDDEN.search(name)} == set()


def findings(text: str) -> dict[str, str]:
    """The intruder's lines in a log, by name."""
    lines = (line.split("\t") for line in text.splitlines() if f"{_intruder.MARK}\t" in line)
    return {name: said for _, name, said in lines}


def targets_variable(site: Site) -> str:
    """The targets as a line of variables."""
    return f"TARGETS='{json.dumps(site.targets())}'"


def lay_links(repository: Path, links: Mapping[str, str]) -> None:
    """Symbolic links in what is going to be a repository."""
    repository.mkdir()
    for name, target in links.items():
        (repository / name).symlink_to(target)
