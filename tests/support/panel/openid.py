"""A provider of OpenID Connect that runs, npm's, and a browser without a screen that signs in there."""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx

from tests.support.panel.panel import free_port

PACKAGES: Mapping[str, str] = {"oidc-provider": "9.13.3"}
CLIENT_ID, SECRET = "headway", "a-secret-of-a-test"
_PROGRAM = Path(__file__).with_name("openid_provider.mjs")
_MOST_STEPS = 12


@dataclass(kw_only=True)
class RunningProvider:
    """One that runs, and the people that it knows."""

    issuer: str
    people: Path
    process: subprocess.Popen[str]

    def knows(self, person: str, *groups: str, **claims: object) -> None:
        """From now on it tells this of somebody."""
        known = json.loads(self.people.read_text())
        name = f"{person.title()} of the provider"
        self.people.write_text(json.dumps({**known, person: {"name": name, "groups": groups, **claims}}))

    def stop(self) -> None:
        """It is away from now on."""
        self.process.kill()
        self.process.wait(30)

    def settings(self, **more: str) -> dict[str, str]:
        """What a panel is started with that lets people in by it."""
        of_client = {"HEADWAY_OIDC_CLIENT_ID": CLIENT_ID, "HEADWAY_OIDC_CLIENT_SECRET": SECRET}
        return {"HEADWAY_OIDC_ISSUER": self.issuer, **of_client, **more}


@contextmanager
def provider(installed: Path, folder: Path, redirect_uri: str, **client: object) -> Iterator[RunningProvider]:
    """One that sends people back to this address."""
    people, port = folder / "people.json", free_port()
    people.write_text("{}")
    told = {"client_id": CLIENT_ID, "client_secret": SECRET, "redirect_uris": [redirect_uri], **client}
    argv = ["node", str(_PROGRAM), str(installed), str(port), str(people), json.dumps(told)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "listening"
            yield RunningProvider(issuer=f"http://127.0.0.1:{port}", people=people, process=process)
        finally:
            process.kill()


def signed_in_there(address: str, person: str) -> str:
    """Signs in at the provider as somebody, consents, and gives the address that the browser is sent back to."""
    with httpx.Client(trust_env=False) as browser:
        answer = browser.get(address)
        for _ in range(_MOST_STEPS):
            if answer.is_redirect:
                to = urljoin(str(answer.url), answer.headers["location"])
                if not to.startswith(address.partition("/auth")[0]):
                    return to
                answer = browser.get(to)
                continue
            form = re.search(r'<form[^>]* action="([^"]+)"', answer.text)
            assert form is not None, answer.text
            hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
            answer = browser.post(html.unescape(form[1]), data={**hidden, "login": person, "password": "any"})
    raise AssertionError("the provider asks without end")
