"""Asks a panel everything that can be asked of it, about everything that it knows, and compares what it answers with
what it answered before.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

Json = Any
AT_ONCE = 4
SECONDS = 60
# Answered for ever, and never with the same; by `deployment.log` and `deployment.wait` the same is asked.
# One has no end; the other is the document itself, which tests of its own compare.
NOT_ASKED = {
    "deployment.follow",
    "deployment.followLines",
    "deployment.followSharedLines",
    "settings.getOpenApiDocument",
}
# What is sent where a value is needed that is no id: it fits what the seed made.
SENT: Mapping[str, str] = {
    "owner": "team",
    "repo": "app",
    "repositoryName": "app",
    "serviceName": "web",
    "text": "e",
    "timeout": "0",
    "q": "s",
}
IDS = {"id", "serviceId"}  # of what kind, another parameter says
# What only narrows a search, and is asked about for a few of them.
NARROWS = {"projectId", "environmentId", "userId", "resourceId", "serverId", "appName"}
FEW = 6
DEAR = {"application.detect", "backup.listBackupFiles"}  # each starts programs: asked about as few
# What else is asked: what searches find, and parts of lists.
MORE: Sequence[tuple[str, Mapping[str, str]]] = (
    *(("deployment.search", {"status": each, "counts": "true"}) for each in ("done", "error", "pending,running")),
    *(("deployment.search", {"trigger": each}) for each in ("api", "webhook", "schedule", "rollback")),
    *(
        ("deployment.search", {"type": each, "limit": "1000"})
        for each in ("application", "compose", "database", "previewDeployment", "server", "schedule", "backup", "run")
    ),
    ("deployment.search", {"text": "version", "counts": "true"}),
    ("deployment.search", {"limit": "3"}),
    ("deployment.allCentralized", {"limit": "5"}),
    ("auditLog.all", {"limit": "500"}),
    *(("auditLog.all", {"limit": "500", "action": each}) for each in ("create", "update", "delete")),
    *((f"{each}.search", {"q": "sh"}) for each in ("application", "compose", "project", "postgres", "environment")),
)
# What may differ: fields of the answers to these queries, and why. All else is compared byte for byte.
UNSTEADY: Sequence[tuple[Sequence[str], Collection[str], str]] = (
    (("disk.usage",), {"measuredAt"}, "the time of the last look"),
    (("disk.usage",), {"machine", "servers"}, "what whole disks have free, to which others write"),
    (("disk.usage",), {"services"}, "what was measured by now, some time after a start"),
    (("disk.free",), {"free"}, "others write to the same disk"),
    (("settings.about",), {"startedAt"}, "the time of the start"),
    (("server.getServerTime",), {"time"}, "the time"),
    (
        ("server.all", "server.one", "server.buildServers", "server.withSSHKey"),
        {"lastSeenAt", "factsAt", "clockDriftSeconds", "diskFreeBytes", "outOfReachSince"},
        "when the server was looked at last, and what was so at that moment",
    ),
    (("server.validate",), {"clockDriftSeconds", "diskFreeBytes"}, "what is so at this very moment"),
    (("user.apiKeys", "user.get"), {"lastRequest"}, "the time of this very question"),
    (("application.readOutput",), {"cursor"}, "it names who reads, anew each time"),
    (
        ("docker.getContainers", "docker.getContainersByAppNameMatch", "docker.getStackContainersByAppName"),
        {"status"},
        "the engine's own words for how long a container is up",
    ),
)

# What answers have had since the step, each by what ordered it; the step itself has no part in it.
SINCE: Sequence[tuple[Sequence[str], Collection[str], str]] = (
    (("auditLog.all",), {"credential", "nextCursor"}, "pages: people act by sessions too, and read on in a long list"),
    (("user.all", "user.get", "user.one"), {"byGroups"}, "pages: a provider's groups may give a role"),
    (("certificates.all", "certificates.one"), {"goodUntil"}, "pages: until when a certificate is good"),
    (
        ("domain.one", "domain.byApplicationId", "domain.byComposeId"),
        {"issued", "look"},
        "pages: how a certificate is got, what answers",
    ),
    (("release.all", "release.one"), {"unknown"}, "pages: since when nobody knows whether it serves"),
    (("settings.health",), {"troubles"}, "mends: a loop shows what it could not do"),
)
# Refused as before, in other words, which name where the figures are that there were not before.
REWORDED = {"application.readAppMonitoring", "server.getServerMetrics"}


@dataclass(frozen=True, order=True, slots=True)
class Question:
    """A query with its parameters."""

    procedure: str
    given: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return " ".join((self.procedure, *(f"{name}={value}" for name, value in self.given)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered, as it came."""

    status: int
    type: str
    body: bytes

    def steady(self, procedure: str) -> bytes:
        """The body without what may differ."""
        if self.status != httpx.codes.OK:
            return b"" if procedure in REWORDED else self.body
        fields = {field for queries_, fields, _ in (*UNSTEADY, *SINCE) for field in fields if procedure in queries_}
        return json.dumps(_without(json.loads(self.body), fields)).encode() if fields else self.body


Answers = Mapping[tuple[str, Question], Answer]  # by who asks


@dataclass
class Inquiry:
    """Who asks (names with the keys that they show), the document of what can be asked, and what there is to ask about,
    each kind of id in the order in which it was met.
    """

    url: str
    callers: Mapping[str, str]
    known: dict[str, dict[str, None]] = field(default_factory=dict)
    document: Json = None

    def explore(self) -> list[tuple[str, Question]]:
        """Every question about what the answers to the others have told of, by everybody."""
        self.document = json.loads(self._asked([("owner", Question("openapi.json"))])[0].body)
        names = {each["name"] for _, parameters in queries(self.document) for each in parameters}
        asked: dict[Question, None] = {}
        while new := [each for each in questions(self.document, self.known) if each not in asked]:
            asked |= dict.fromkeys(new)
            for answer in self._asked([(name, each) for each in new for name in self.callers]):
                if answer.status == httpx.codes.OK and answer.type == "application/json":
                    for name, value in _ids(json.loads(answer.body)):
                        if name in names:
                            self.known.setdefault(name, {})[value] = None
        return [(name, each) for each in asked for name in self.callers]

    def ask(self, about: Iterable[tuple[str, Question]]) -> Answers:
        """What is answered to these."""
        pairs = list(about)
        return dict(zip(pairs, self._asked(pairs), strict=True))

    def _asked(self, pairs: Sequence[tuple[str, Question]]) -> list[Answer]:
        with (
            httpx.Client(base_url=self.url, timeout=SECONDS, trust_env=False) as client,
            ThreadPoolExecutor(AT_ONCE) as pool,
        ):
            return list(pool.map(lambda pair: self._one(client, *pair), pairs))

    def _one(self, client: httpx.Client, name: str, question: Question) -> Answer:
        headers = {"x-api-key": self.callers[name]}
        answer = client.get(f"/{question.procedure}", params=dict(question.given), headers=headers)
        type_ = answer.headers.get("content-type", "").partition(";")[0]
        return Answer(status=answer.status_code, type=type_, body=answer.content)


def queries(document: Json) -> Iterator[tuple[str, list[Json]]]:
    """The name of every query, and its parameters."""
    for path, methods in document["paths"].items():
        name = path.removeprefix("/")
        if "get" in methods and name not in NOT_ASKED:
            yield name, [each for each in methods["get"].get("parameters", ()) if each["in"] == "query"]


def questions(document: Json, known: Mapping[str, Collection[str]]) -> list[Question]:
    """What can be asked about these things: each query with every id that fits, alone where it needs none."""
    found = [Question(name, tuple(given.items())) for name, given in MORE]
    for name, parameters in queries(document):
        needed = [each for each in parameters if each.get("required")]
        plain = [each for each in needed if each["name"] not in IDS]
        of = next((each["name"] for each in parameters if each["name"] in IDS), None)
        always = [("timeout", SENT["timeout"])] if any(each["name"] == "timeout" for each in parameters) else []
        values = [_values(each, known)[: FEW if name in DEAR else None] for each in plain]
        for chosen in itertools.product(*values):
            base = [*always, *zip((each["name"] for each in plain), chosen, strict=True)]
            if of and (type_ := _type(parameters, base)):
                found += [Question(name, (*base, (of, each))) for each in known.get(f"{type_}Id", ())]
            else:
                found.append(Question(name, tuple(base)))
                found += _about_one(name, base, parameters, known)
    return list(dict.fromkeys(found))


def _about_one(
    name: str, base: list[tuple[str, str]], parameters: list[Json], known: Mapping[str, Collection[str]]
) -> Iterator[Question]:
    """The same about one thing more, for which there is a parameter that need not be given."""
    for each in parameters:
        if not each.get("required") and each["name"] in known:
            few = 1 if name in DEAR else FEW if each["name"] in NARROWS else None
            values = itertools.islice(known[each["name"]], few)
            yield from (Question(name, (*base, (each["name"], value))) for value in values)


def _type(parameters: list[Json], base: list[tuple[str, str]]) -> str | None:
    """The type of the thing whose id is asked for as ``id``, where one is named."""
    types = {each["name"] for each in parameters if each["name"].lower().endswith("type") and each.get("required")}
    return next((value for name, value in base if name in types), None)


def _values(parameter: Json, known: Mapping[str, Collection[str]]) -> list[str]:
    name, schema = parameter["name"], parameter["schema"]
    if choices := schema.get("enum"):
        return [str(each) for each in choices]
    if name in SENT:
        return [SENT[name]]
    return list(itertools.islice(known.get(name, ()), FEW if name == "appName" else None))


def _ids(answer: Json) -> Iterator[tuple[str, str]]:
    """Whatever an answer names that can be asked about."""
    if isinstance(answer, dict):
        for name, value in answer.items():
            if isinstance(value, str) and value and (name.endswith("Id") or name == "appName"):
                yield name, value
            else:
                yield from _ids(value)
    elif isinstance(answer, list):
        for each in answer:
            yield from _ids(each)


def _without(answer: Json, fields: Collection[str]) -> Json:
    if isinstance(answer, dict):
        return {name: _without(value, fields) for name, value in answer.items() if name not in fields}
    return [_without(each, fields) for each in answer] if isinstance(answer, list) else answer


def differences(before: Answers, after: Answers) -> list[str]:
    """What is answered otherwise than before: who asked what, and where the answers part."""
    assert before.keys() == after.keys()
    found = []
    for (who, question), was in before.items():
        now = after[(who, question)]
        if (was.status, was.type) != (now.status, now.type):
            found.append(f"{who}: {question}: {was.status} {was.body[:200]!r} became {now.status} {now.body[:200]!r}")
        elif (one := was.steady(question.procedure)) != (other := now.steady(question.procedure)):
            at = next(
                (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
            )
            shown = slice(max(0, at - 80), at + 120)
            found.append(f"{who}: {question}: …{one[shown]!r} became …{other[shown]!r}")
    return found


def told(answers: Answers) -> str:
    """How many answers there are, by what they say."""
    good = sum(each.status == httpx.codes.OK for each in answers.values())
    asked = {question.procedure for _, question in answers}
    answered = {question.procedure for (_, question), each in answers.items() if each.status == httpx.codes.OK}
    size = sum(len(each.body) for each in answers.values()) / 1e6
    return (
        f"{len(answers)} answers ({good} of them to what was let in, {size:.1f} MB) to {len(asked)} queries; never "
        f"let in: {', '.join(sorted(asked - answered)) or 'none'}"
    )
