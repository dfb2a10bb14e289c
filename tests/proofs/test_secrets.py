"""Must show 5: whatever a deployment prints of its secrets, in whatever form and however it ends, after its end no file
that Headway writes holds them unencrypted, nor any answer, event or error.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.sources.servers import make_key, serve_http, serve_ssh, silent_port
from tests.proofs import _printer
from tests.proofs._leaks import DICE, Leaks, make_secrets, text_of, variables_text
from tests.support.panel.panel import WEB, Panel, commit, git_repository, until

KILLS = int(os.environ.get("KILLS", "12"))
CRASHES = int(os.environ.get("CRASHES", "6"))

QUOTED_FORMS = ("plain", "url", "json", "base64 at 1", "base64 in lines at 2", "hex")


class Site:
    """A panel, an application whose variables are secrets and which prints them, and all that must not leak."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self.repository = folder / "repository"
        self.panel = Panel(folder / "data", HEADWAY_LOG_LEVEL="debug", HEADWAY_HEALTH_DEADLINE="20", **env)
        self.secrets = make_secrets()
        self.leaks = Leaks()
        for secret in self.secrets.values():
            self.leaks.add(secret)
        self.application_id = ""

    def set_up(self) -> None:
        """Starts the panel and makes the application."""
        self.panel.start()
        url = git_repository(self.repository, self.files())
        self.application_id = self.panel.application(url, env=variables_text(self.secrets))

    def files(self, build: str = "", release: str = "", start: str = "") -> dict[str, str]:
        """The application's files; each argument is what the printer is told in that place: WAYS STATUS QUOTED."""
        quiet = "'' 0 ''"
        web = f"python3 printer.py start {start or quiet} && exec python3 app.py"
        return {
            "app.py": WEB.replace("VERSION", "up"),
            "printer.py": Path(_printer.__file__).read_text(),
            "build.sh": f"python3 printer.py build {build or quiet}\n",
            "Procfile": f"web: {web}\nrelease: python3 printer.py release {release or quiet}\n",
        }

    def deploy(self, build: str = "", release: str = "", start: str = "") -> str:
        """Commits an application that prints so, and queues its deploy."""
        commit(self.repository, self.files(build, release, start), "printing")
        self.panel.post("application.update", applicationId=self.application_id, buildCommand="sh build.sh")
        return self.panel.deploy(self.application_id)

    def check(self, deployment_id: str) -> Any:  # noqa: ANN401 - a row of the wire
        """A deployment has ended: nothing of its secrets is anywhere."""
        row = self.panel.one(deployment_id)
        assert row["status"] in {"done", "error"}, row
        until(lambda: not list((self.panel.data_dir / "run" / "runs").iterdir()), 20, what="the spool is gone")
        assert list((self.panel.work / "keys").iterdir()) == [], "a key is left"
        with tempfile.TemporaryDirectory() as folder:
            answers = []
            for number, answer in enumerate(self.answers(deployment_id)):
                answers.append(
                    Path(folder, f"{number} {answer.url.path} {answer.url.query.decode()}".replace("/", "."))
                )
                answers[-1].write_bytes(answer.content)
            found = self.leaks.in_files(answers)
        found += self.leaks.in_files(self.written())
        assert found == [], found
        return row

    def written(self) -> list[Path]:
        """Every file that Headway writes: all but workspaces, caches and data of the application itself, and what the
        release that serves prints, which only root can read.
        """
        work = self.panel.work
        users = {work / "releases", work / "caches", work / "data"}
        found = [self.folder / "data.log"]
        for top in (self.panel.data_dir, work, Path("/run/headway")):
            for folder, folders, names in os.walk(top):
                folders[:] = [name for name in folders if Path(folder, name) not in users]
                found += [Path(folder, name) for name in names]
        files = [path for path in dict.fromkeys(found) if path.is_file() and not path.is_symlink()]
        serving = self.panel.get("application.one", applicationId=self.application_id)["servingReleaseId"]
        own = [path for path in files if path.parent.name.startswith("app-") and path.name.startswith(f"r{serving}-")]
        assert all((path.stat().st_uid, path.stat().st_mode & 0o077) == (0, 0) for path in own)
        return [path for path in files if path not in own]

    def answers(self, deployment_id: str) -> Iterator[httpx.Response]:
        """Whatever can be asked about a deployment."""
        application = {"applicationId": self.application_id}
        deployment = {"deploymentId": deployment_id}
        asked: list[tuple[str, dict[str, Any]]] = [
            ("deployment.one", deployment),
            ("deployment.all", application),
            ("deployment.allByType", {"id": self.application_id, "type": "application"}),
            ("deployment.allCentralized", {}),
            ("deployment.queueList", {}),
            ("deployment.readLogs", {**deployment, "tail": 10_000}),
            ("deployment.readLogs", {**deployment, "tail": 3}),
            ("deployment.follow", deployment),
            ("application.readLogs", {**application, "tail": 10_000}),
            *(("application.readLogs", {**application, "tail": tail}) for tail in range(1, 40)),
        ]
        for procedure, query in asked:
            answer = self.panel.client.get(f"/{procedure}", params=query)
            assert answer.status_code == 200, (procedure, answer.text)
            yield answer


@pytest.fixture
def site() -> Iterator[Site]:
    with made() as site:
        yield site


@contextlib.contextmanager
def made(**env: str) -> Iterator[Site]:
    """A site in a folder that build accounts can reach."""
    with tempfile.TemporaryDirectory(prefix="headway-secrets-") as folder:
        Path(folder).chmod(0o711)
        site = Site(Path(folder), **env)
        try:
            site.set_up()
            yield site
        finally:
            site.panel.clean_up()


def test_a_deploy_that_ends_well(site: Site) -> None:
    """Every form, at once, byte by byte and over the edges of the pipe, by build, release command and start."""
    ways = "'at once,by bytes,over the pipe' 0 ''"
    deployment_id = site.deploy(build=ways, release=ways, start="'at once' 0 ''")
    spool = until(lambda: list((site.panel.data_dir / "run" / "runs").glob("*/spool")), 20, what="a spool")[0]
    state = spool.stat()
    assert (state.st_uid, stat.S_IMODE(state.st_mode)) == (0, 0o600)
    assert stat.S_IMODE(spool.parent.stat().st_mode) & 0o077 == 0
    site.panel.done(deployment_id, 120)
    site.check(deployment_id)
    check_marks(site, deployment_id)


def check_marks(site: Site, deployment_id: str) -> None:
    """Each form was printed, and in its place there are stars and, of base64, what stood around the secret."""
    log = (site.panel.data_dir / "logs" / f"{deployment_id}.log").read_text()
    count = 0
    for place in ("build", "release"):
        for way in ("", " by bytes", " over the pipe"):
            for name, secret in site.secrets.items():
                for form in _printer.forms(secret):
                    begin = f"<{place}{way} {name} {form}|"
                    assert log.count(begin) == 1, (begin, log.count(begin))
                    shown = log.partition(begin)[2].partition("|>")[0]
                    assert "******" in shown, (begin, shown)
                    assert len(shown.replace("******", "")) < 40 * (form.startswith("base64 in") or 1), (begin, shown)
                    count += 1
    print(f"\n{len(site.secrets)} secrets, {count} printings masked, {len(site.leaks.pieces)} pieces looked for")


def test_builds_and_release_commands_that_fail_with_a_secret_in_the_error_line(site: Site) -> None:
    quoting = [(name, form) for name in site.secrets for form in QUOTED_FORMS]
    for number, (name, form) in enumerate(quoting):
        what = f"'' {number % 2 + 3} '{name},{form}'"
        deployment_id = site.deploy(**{("build", "release")[number % 2]: what})
        site.panel.ended(deployment_id, 60)
        row = site.check(deployment_id)
        assert (row["status"], row["reason"]) == ("error", "failed"), row
        assert "exit status" in row["errorMessage"], row
        assert "******" in row["errorMessage"], row
    print(f"\n{len(quoting)} errors quoted a secret")


def test_starts_that_fail_with_a_secret_in_the_last_line(site: Site) -> None:
    shown = [(name, form) for name in ("LEAK_PLAIN", "LEAK_KEY", "LEAK_LONG", "LEAK_URL") for form in QUOTED_FORMS]
    ways = ["''"] * len(shown) + ["'at once'", "'by bytes'"]
    for (name, form), way in zip([*shown, shown[0], shown[1]], ways, strict=True):
        deployment_id = site.deploy(start=f"{way} 5 '{name},{form}'")
        site.panel.ended(deployment_id, 60)
        row = site.check(deployment_id)
        assert (row["status"], row["reason"]) == ("error", "failed"), row
        assert "status 5" in row["errorMessage"], row
        assert "******" in row["errorMessage"], row
        print(f"  {row['errorMessage']}")
    print(f"\n{len(ways)} crashing starts quoted a secret")


def test_deploys_that_are_killed_in_the_middle_of_a_secret(site: Site) -> None:
    for number in range(KILLS):
        deployment_id = site.deploy(build="'for ever' 0 ''")
        site.panel.running(deployment_id, "******")
        time.sleep(DICE.random() * 0.5)
        if number % 3 == 2:
            site.panel.post("deployment.cancel", deploymentId=deployment_id)
        else:
            site.panel.post("deployment.killProcess", deploymentId=deployment_id)
        row = site.check(deployment_id)
        assert row["status"] == "error", row
    print(f"\n{KILLS} deploys were killed in the middle of a secret")


def test_deploys_that_outlive_their_panel(site: Site) -> None:
    ways = "'at once,by bytes' 0 ''"
    for number in range(CRASHES):
        deployment_id = site.deploy(build=ways, release=ways)
        site.panel.running(deployment_id, "<build")
        time.sleep(DICE.random() * 4)
        site.panel.kill()
        on_disk = site.leaks.in_files(list((site.panel.data_dir / "logs").iterdir()))
        assert on_disk == [], on_disk
        site.panel.start()
        site.panel.done(deployment_id, 120)
        site.check(deployment_id)
        print(f"\n{number}: recovered and ended done")


def test_deploys_that_are_lost(site: Site) -> None:
    for number in range(CRASHES):
        deployment_id = site.deploy(build="'for ever' 0 ''")
        anchor = int(site.panel.running(deployment_id, "******")["pid"])
        time.sleep(DICE.random() * 0.5)
        if number % 2:
            site.panel.kill()
        os.kill(anchor, signal.SIGKILL)
        if number % 2:
            site.panel.start()
        site.panel.ended(deployment_id, 60)
        row = site.check(deployment_id)
        assert (row["status"], row["reason"]) == ("error", "lost"), row
    print(f"\n{CRASHES} deploys were lost")


def test_a_deploy_that_prints_more_than_is_kept() -> None:
    for cap in ("1MiB", "1100KiB", "1200KiB", "1300KiB"):
        with made(HEADWAY_SPOOL_CAP=cap) as site:
            deployment_id = site.deploy(build="'more than is kept' 0 ''")
            site.panel.done(deployment_id, 120)
            site.check(deployment_id)
            log = (site.panel.data_dir / "logs" / f"{deployment_id}.log").read_text()
            left_out = log.partition("headway: ")[2].partition("bytes are left out here]")[0].split()[-1]
            print(f"\n{cap}: {left_out} bytes of secrets left out in the middle")


def test_keys_and_passwords_of_repositories(site: Site) -> None:
    password = f"p@ss/{text_of(16)}:ü&="
    token = f"ghp_{text_of(36)}"
    git_repository(site.folder / "served" / "app.git", site.files())
    for secret in (password, token):
        site.leaks.add(secret)
    quoted = _printer.forms(password)["url"].decode()
    for login, address in ((f"user:{password}", f"user:{quoted}"), (f"{token}:", token)):
        for right in (True, False):
            expected = login if right else "somebody:else"
            with serve_http(site.folder / "served", login=expected) as server:
                url = f"http://{address}@127.0.0.1:{server.port}/app.git/.git"
                row = fetch(site, url)
            assert (row["status"] == "done") is right, row
    (site.folder / "ssh").mkdir()
    with serve_ssh(site.folder / "ssh") as server:
        for key, right in ((server.key, True), (server.strangers_key, False)):
            made = site.panel.post("sshKey.create", name=text_of(8), privateKey=key)
            site.leaks.add(key)
            site.leaks.forget(made["publicKey"])  # is in the private one, too
            url = f"ssh://root@127.0.0.1:{server.port}{site.folder}/served/app.git"
            row = fetch(site, url, customGitSSHKeyId=made["sshKeyId"])
            assert (row["status"] == "done") is right, row


def fetch(site: Site, url: str, **fields: str) -> Any:  # noqa: ANN401 - a row of the wire
    """Deploys from another address; the row."""
    site.panel.post("application.update", applicationId=site.application_id, customGitUrl=url, **fields)
    deployment_id = site.panel.deploy(site.application_id)
    site.panel.ended(deployment_id, 60)
    return site.check(deployment_id)


@pytest.mark.parametrize("ending", ["failed", "killed", "lost"])
def test_a_key_in_use_when_the_panel_or_the_run_dies(site: Site, ending: str) -> None:
    with silent_port() as port, tempfile.TemporaryDirectory() as folder:
        key = make_key(Path(folder, "key"))
        site.leaks.add(key)
        made = site.panel.post("sshKey.create", name="key", privateKey=key)
        settings = {"customGitUrl": f"ssh://git@127.0.0.1:{port}/app.git", "customGitSSHKeyId": made["sshKeyId"]}
        site.panel.post("application.update", applicationId=site.application_id, **settings)
        deployment_id = site.panel.deploy(site.application_id)
        file = until(lambda: list((site.panel.work / "keys").iterdir()), 20, what="the key is used")[0]
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert "PRIVATE KEY" in file.read_text()
        site.leaks.add(file.read_text())
        site.leaks.forget(made["publicKey"])  # is in the private one, too
        anchor = int(site.panel.one(deployment_id)["pid"])
        site.panel.kill()
        if ending == "lost":
            os.kill(anchor, signal.SIGKILL)
        site.panel.start()
        if ending == "killed":
            site.panel.post("deployment.killProcess", deploymentId=deployment_id)
        assert site.panel.ended(deployment_id, 60)["reason"] == ending
        site.check(deployment_id)


def test_inputs_that_are_refused(site: Site) -> None:
    """Errors about variables, keys and addresses do not repeat them."""
    key = site.secrets["LEAK_KEY"]
    secret = site.secrets["LEAK_PLAIN"]
    site.leaks.add("tok-" + secret)
    refused: list[tuple[str, dict[str, Any]]] = [
        ("application.saveEnvironment", {"env": f"KEY={key}"}),
        ("application.saveEnvironment", {"env": f"{secret}+/=x"}),
        ("application.saveEnvironment", {"env": f"KEY='{secret}"}),
        ("application.saveEnvironment", {"env": [secret]}),
        ("application.update", {"env": {"KEY": secret}}),
        ("application.update", {"sourceType": secret, "env": f"KEY={secret}"}),
        ("application.update", {"customGitUrl": f"https://user:{secret}@"}),
        ("application.update", {"customGitUrl": f"ftp://user:{secret}@host/x"}),
        ("application.update", {"customGitUrl": f"https://tok-{secret}@host/x y"}),
        ("application.update", {"customGitUrl": f"user:{secret}@host/x"}),
        ("sshKey.create", {"name": "x", "privateKey": key + "x"}),
        ("sshKey.create", {"name": "x", "privateKey": secret}),
    ]
    for procedure, body in refused:
        answer = site.panel.client.post(f"/{procedure}", json={"applicationId": site.application_id, **body})
        assert answer.status_code == 400, (procedure, answer.text)
        assert site.leaks.within(answer.content) == [], (procedure, answer.text)
        print(f"  {procedure}: {answer.json()['message']}")
    deployment_id = site.panel.deploy(site.application_id)
    site.panel.ended(deployment_id)
    site.check(deployment_id)
