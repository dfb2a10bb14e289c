"""What serves, of all services in a few lines each: told by what the panel says of each, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from headway.cli import output
from headway.cli.answers import answers_of
from headway.kernel.dataclass import dataclass

if TYPE_CHECKING:
    from headway.cli.client import Client
    from headway.cli.lookup import Service

Row = Mapping[str, Any]

_AT_ONCE = 6
_SHOWN_HASH = 7
_ASKED_FOR = frozenset({"cancelled", "killed", "superseded"})  # which is no failure
_KINDS: Mapping[str, str] = MappingProxyType({"application": "app"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A service and how it stands. ``row`` is all that the panel says of it, ``down`` what of it does not serve
    although it is to, or may not (None: all of it does, or is not to).
    """

    kind: str
    project: str
    row: Row
    down: Row | None = None

    @property
    def name(self) -> str:
        return str(self.row["name"])

    @property
    def state(self) -> str:
        """What it does now: serves, stopped, being started, or the reason why it does not serve as it should."""
        status = self._status
        if status == "idle":
            return "stopped" if self._serves or self.row["deployments"] else "never deployed"
        if self.down is not None and status != "running":
            return _down_word(self.down)
        if status == "done":
            return "serves, unstable" if (self.serving or {}).get("unstable") else "serves"
        if not self._serves:
            return {"running": "deploys", "error": "error"}.get(status, status)
        if status == "error":
            return self._after_an_error
        return "serves, deploys" if status == "running" else status

    @property
    def why(self) -> str:
        """Why it does not serve, or why that is not known; "" where it does, or nobody knows."""
        if self.down is None or self._status == "running":
            return ""
        last = f"ended by {self.down['lastExit']}" if self.down["lastExit"] else ""
        names = "" if self.down["all"] or self.down["unknown"] else ", ".join(self.down["names"])
        return ": ".join(each for each in (names, last, self.down["why"] or "") if each)

    @property
    def _after_an_error(self) -> str:
        # A start that came to nothing leaves an error too, and no row that tells of it: what is said holds in any case.
        ended = next((each for each in self.row["deployments"] if each.get("finishedAt")), None)
        if ended is not None and ended.get("status") == "done":
            return "last start did not succeed"
        if ended is not None and ended.get("reason") in _ASKED_FOR:
            return f"last deployment {ended['reason']}, serves unless a start failed since"
        return "serves, error"

    @property
    def _status(self) -> str:
        return str(self.row["composeStatus" if self.kind == "compose" else "applicationStatus"])

    @property
    def _serves(self) -> bool:
        """Whether a release serves, or would if it were not stopped: the deployment that brought it may be gone."""
        if self.kind in {"application", "compose"}:
            return self.row["servingReleaseId"] is not None
        return self.serving is not None

    @property
    def service_id(self) -> str:
        """Its id."""
        return str(self.row[f"{self.kind}Id" if self.kind in {"application", "compose"} else "databaseId"])

    @property
    def last(self) -> Row | None:
        """Its newest deployment."""
        return next(iter(self.row["deployments"]), None)

    @property
    def serving(self) -> Row | None:
        """The deployment whose release serves; None where none does, or its row is no longer there."""
        if self._status == "idle":
            return None
        if self.kind not in {"application", "compose"}:
            set_up = (each for each in self.row["deployments"] if each["kind"].endswith("deploy"))
            done = (each for each in set_up if each["status"] == "done")
            return next(done, None)
        left = (each for each in self.row["deployments"] if (each["rollback"] or {}).get("serves"))
        return next(left, None)

    @property
    def addresses(self) -> list[str]:
        """Where it answers, each once; of a database, how it is reached without its password."""
        domains = [str(each["address"]) for each in self.row.get("domains") or () if each["enabled"]]
        if self.kind in {"application", "compose"}:
            return list(dict.fromkeys([*self.row.get("addresses", ()), *domains]))
        away = self.row["connection"]
        if away is not None:
            return [f"{away['host']}:{away['port']}"]
        port = self.row["externalPort"]
        return [f"{self.row['externalAddress'] or '127.0.0.1'}:{port}"] if port else []

    def as_json(self) -> dict[str, Any]:
        """It for programs: nothing that is not shown to a person, and the rows of the two deployments."""
        return {
            "name": self.name,
            "kind": self.kind,
            "id": self.service_id,
            "project": self.project,
            "environment": (self.row.get("environment") or {}).get("name"),
            "state": self.state,
            "addresses": self.addresses,
            "serving": self.serving,
            "lastDeployment": self.last,
        }


def _down_word(down: Row) -> str:
    if down["unknown"]:
        return "unknown"
    does = "serve" if down.get("runs") else "run"  # a panel of an earlier version does not say
    return f"does not {does}" if down["all"] else f"{does}s only in part"


def overviews(client: Client, services: Iterable[Service]) -> list[Overview]:
    """How each stands now. What is removed meanwhile is left out."""
    from headway.kernel.errors import NotFound

    try:
        down: Mapping[str, Row] = {each["serviceId"]: each for each in client.get("service.down")}
    except NotFound:  # of a panel of an earlier version
        down = {}

    def look(service: Service) -> Overview | None:
        try:
            row = client.get(f"{service.kind}.one", **service.given)
        except NotFound:
            return None
        found = Overview(kind=service.kind, project=service.project, row=row)
        return replace(found, down=down.get(found.service_id))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [found for found in pool.map(look, services) if found is not None]


def made_of(deployment: Row | None) -> str:
    """What a deployment was made of: its commit, else its image, else what it is called; "" of none."""
    if deployment is None:
        return ""
    commit, left = deployment["commit"], deployment["rollback"] or {}
    if commit is not None:
        return f"{commit['hash'][:_SHOWN_HASH]} {commit['message'] or ''}".strip()
    return str(left.get("image") or deployment["title"])


def since(deployment: Row | None, now: datetime) -> str:
    """For how long what a deployment brought serves."""
    end = (deployment or {}).get("finishedAt")
    return "" if end is None else output.rounded((now - output.moment(end)).total_seconds())


def line_of(of: Overview, now: datetime) -> tuple[str, str, str, str, str, str]:
    """A service in one line of a table."""
    last = "" if of.last is None else f"{output.state_of(of.last)} {output.age_of(of.last, now)} ago"
    return of.name, _KINDS.get(of.kind, of.kind), of.state, made_of(of.serving), since(of.serving, now), last


def fields_of(of: Overview, now: datetime) -> Iterator[tuple[str, str]]:
    """One service, in lines of its own."""
    environment = (of.row.get("environment") or {}).get("name")
    yield "Name", of.name
    yield "Kind", of.kind
    yield "Project", f"{of.project} / {environment}" if environment else of.project
    yield "State", of.state
    yield "", of.why
    for number, address in enumerate(of.addresses):
        yield "" if number else "Address", address
    if of.serving is not None:
        version = (of.serving["rollback"] or {}).get("version")
        yield "Serves", made_of(of.serving) + (f" (version {version})" if version else "")
        yield "Since", f"{since(of.serving, now)} ago, {of.serving['finishedAt']}"
        yield "Answered", answers_of(of.serving)
    if of.last is not None:
        yield "Last deployment", f"{output.state_of(of.last)}, {output.age_of(of.last, now)} ago: {of.last['title']}"
        yield "", of.last["errorMessage"] or ""
        yield "", (of.last["waitsFor"] or {}).get("message") or ""
        yield "Deployment ID", of.last["deploymentId"]
