"""Must show 6: with three builds and a release command running, one deployment waiting, and all four applications under
load, to this version: from the release before, whose kind of deployment is an older one, and from the first version
with the same kind. No request fails, every build ends as the design says, no line of a log is lost or doubled, none is
forgotten.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from headway.features.services.application.deploy import VERSION
from tests.support.applications.kept import carrying, open_folder
from tests.support.applications.left import left_of
from tests.support.applications.visitors import Visitors
from tests.support.panel.panel import Panel, commit, git, git_repository, until, web

ROOT = Path(__file__).resolve().parents[2]
# The last commit of the release before this one: the heart, with one kind of deployment.
BEFORE = "d13288bec6bfc6401dbbe69e814afb02d2d55423"
KINDS = ("src/headway/features/services/application/deploy.py", "src/headway/domains/applications/deploy.py")
BUILD = "echo $NAME >> $COUNTS; echo building; while [ ! -e $GATE ]; do sleep 0.05; done; echo built"
RELEASE = "release: echo $NAME-release >> $COUNTS; echo releasing; while [ ! -e $GATE ]; do sleep 0.05; done\n"
BUILDING = ("alpha", "beta", "gamma")
RELEASING = "omega"  # has a release command, in which the upgrade meets it
WAITING = "delta"
SERVING = (*BUILDING, RELEASING)
EVERY = (*SERVING, WAITING)
LAST_SECONDS = 2.0  # of visits after the last build has ended


@contextlib.contextmanager
def checkout(commit: str) -> Iterator[str]:
    """The interpreter of an earlier version, in an environment of its own."""
    with open_folder() as folder:
        clone = folder / "before"
        subprocess.run(["git", "clone", "--quiet", "--no-checkout", str(ROOT), str(clone)], check=True, timeout=120)
        git(clone, "checkout", "--quiet", commit)
        subprocess.run([str(clone / "script/setup")], check=True, timeout=900, env={**os.environ, "VIRTUAL_ENV": ""})
        yield str(clone / ".venv/bin/python")


def first_with(version: int) -> str:
    """The earliest commit whose deploys are of this version: since then the steps are the same."""
    commits = git(ROOT, "log", "--reverse", "--format=%H", f"-SVERSION = {version} ", "--", *KINDS).split()
    return next(commit for commit in commits if f"VERSION = {version} " in kind_at(commit))


def kind_at(commit: str) -> str:
    """The text of the kind in a commit, which has it where it is today or where it lay before."""
    kind = next(each for each in KINDS if git(ROOT, "ls-tree", "--name-only", commit, each))
    return git(ROOT, "show", f"{commit}:{kind}")


@dataclass
class Site:
    """Four applications that serve ``old`` and one that is new, and what is counted of their builds."""

    panel: Panel
    folder: Path
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> list[str]:
        """The builds and release commands that began, in order."""
        return (self.folder / "counts" / "begun").read_text().split()

    def set_up(self) -> None:
        """Deploys the four, with the version before."""
        counts = self.folder / "counts"
        counts.mkdir()
        counts.chmod(0o777)
        (counts / "begun").touch()
        (counts / "begun").chmod(0o666)
        for name in EVERY:
            url = git_repository(self.folder / name, web("old"))
            self.ids[name] = self.panel.application(url, name=name)
            if name in SERVING:
                self.panel.done(self.panel.deploy(self.ids[name]), 60)
        for name in EVERY:
            env = f"NAME={name}\nCOUNTS={counts / 'begun'}\nGATE={counts / 'gate'}"
            build = "echo quick" if name == RELEASING else BUILD
            self.panel.post("application.update", applicationId=self.ids[name], buildCommand=build, env=env)

    def begin(self) -> dict[str, str]:
        """Four deploys under way and one that waits; their ids."""
        for name in EVERY:
            files = web("new")
            commit(self.folder / name, files | {"Procfile": files["Procfile"] + RELEASE * (name == RELEASING)}, "new")
        begun = {name: self.panel.deploy(self.ids[name]) for name in EVERY}
        for name in SERVING:
            self.panel.running(begun[name], "releasing" if name == RELEASING else "building", 60)
        assert self.panel.one(begun[WAITING])["status"] == "pending"
        return begun

    def let_go(self) -> None:
        """Builds and release commands may end."""
        (self.folder / "counts" / "gate").touch()

    def check_none_is_forgotten(self, begun: dict[str, str]) -> None:
        """Every deployment that was begun is in the list and has ended, nothing waits, and of none is anything left but
        its row, its log, and the release of one that is done.
        """
        rows = {row["deploymentId"]: row for row in self.panel.get("deployment.allCentralized")}
        assert begun.keys() == set(EVERY)
        assert set(begun.values()) <= rows.keys()
        assert {row["status"] for row in rows.values()} <= {"done", "error"}
        assert self.panel.get("deployment.queueList") == []
        for id_ in begun.values():
            until(lambda id_=id_: not self._left_running(rows[id_]), 20, what=f"nothing runs of {id_}")  # type: ignore[misc]

    def _left_running(self, row: dict[str, object]) -> list[object]:
        id_ = str(row["deploymentId"])
        if row["status"] == "error":
            return left_of(self.panel, id_)
        return [
            *(self.panel.data_dir / "run" / "runs").glob(f"{id_}.*"),
            *carrying([f"HEADWAY_DEPLOYMENT_ID={id_}\0".encode()]),
        ]


@contextlib.contextmanager
def site_of(python: str) -> Iterator[Site]:
    with open_folder() as folder:
        panel = Panel(folder / "data", HEADWAY_CONCURRENCY="4")
        new, panel.python = panel.python, python
        try:
            panel.start()
            site = Site(panel, folder)
            site.set_up()
            panel.python = new
            yield site
        finally:
            panel.python = new
            panel.clean_up()


def upgraded(site: Site) -> float:
    """Ends the old panel as a service manager does, and starts the new one; seconds without a panel."""
    began = time.monotonic()
    site.panel.stop(20)
    site.panel.start()
    return time.monotonic() - began


def test_the_commit_before_built_in_other_steps() -> None:
    assert f"VERSION = {VERSION} " not in kind_at(BEFORE)


def test_with_the_same_version_of_the_kind_every_build_goes_on() -> None:
    before = checkout(first_with(VERSION))
    with before as python, site_of(python) as site, Visitors(site.panel.edge_port, list(SERVING)) as visitors:
        begun = site.begin()
        away = upgraded(site)
        until(lambda: all(site.panel.one(begun[name])["status"] == "running" for name in SERVING), 20)
        site.let_go()
        rows = {name: site.panel.done(begun[name], 90) for name in begun}
        time.sleep(LAST_SECONDS)

        assert visitors.failures == []
        assert sorted(site.counts) == ["alpha", "beta", "delta", "gamma", "omega-release"], "each ran once"
        for name in (*BUILDING, WAITING):
            lines = site.panel.deployment_log(begun[name]).splitlines()
            assert (lines.count("building"), lines.count("built")) == (1, 1), name
        assert {site.panel.visit(name).text for name in begun} == {"new"}
        assert {name for name, text in visitors.answers if text == "new"} == set(SERVING)
        site.check_none_is_forgotten(begun)
    tell("same", visitors, away, rows)


def test_with_a_newer_version_of_the_kind_builds_begin_anew_but_for_a_release_command() -> None:
    with checkout(BEFORE) as python, site_of(python) as site, Visitors(site.panel.edge_port, list(SERVING)) as visitors:
        begun = site.begin()
        away = upgraded(site)
        lost = site.panel.ended(begun[RELEASING], 60)
        site.let_go()
        rows = {name: site.panel.done(begun[name], 90) for name in begun if name != RELEASING}
        time.sleep(LAST_SECONDS)

        assert visitors.failures == []
        assert (lost["status"], lost["reason"]) == ("error", "lost")
        assert lost["errorMessage"] == (
            "The panel was upgraded while a step ran that must not be repeated. Deploy again."
        )
        assert sorted(site.counts) == ["alpha", "alpha", "beta", "beta", "delta", "gamma", "gamma", "omega-release"]
        assert {name: site.panel.visit(name).text for name in EVERY} == {
            **dict.fromkeys(EVERY, "new"),
            RELEASING: "old",
        }
        site.check_none_is_forgotten(begun)
        again = site.panel.done(site.panel.deploy(site.ids[RELEASING]), 90)
        assert site.panel.visit(RELEASING).text == "new"
    tell("newer", visitors, away, {**rows, RELEASING: lost, f"{RELEASING} again": again})


def tell(what: str, visitors: Visitors, away: float, rows: dict[str, dict[str, object]]) -> None:
    """The figures."""
    ends = ", ".join(f"{name} {row['reason'] or row['status']}" for name, row in rows.items())
    print(
        f"\n{what} version of the kind: {visitors.count} requests, {len(visitors.failures)} failed, the slowest "
        f"{visitors.longest_seconds * 1000:.0f} ms; {away:.1f} s without a panel; {ends}"
    )
