"""The page about the API, made from the registry of procedures and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headway.api.operation import File, Operation, Text
from headway.http.openapi import document
from headway.http.openapi_texts import Style, in_words, inputs_of, note
from headway.operations import bare_registry
from script.api_differences import DIFFERENCES
from script.markdown import NOTE, page, table

Json = Mapping[str, Any]

_STYLE = Style(shape=lambda name: f"[{name}](#{name.lower()})", literal=lambda text: f"`{text}`")


def api_page() -> str:
    """Every procedure with its input and its answer, and where we differ."""
    registry = bare_registry()
    procedures = sorted(registry, key=lambda each: each.name)
    described = document(registry)
    routers = dict.fromkeys(each.name.partition(".")[0] for each in procedures)
    texts = {tag["name"]: tag["description"] for tag in described["tags"]}
    return page(
        NOTE.format(source="the api/ folders of src/headway/features, script/api_page.py and api_differences.py"),
        "# The API",
        *_introduction(),
        "## Where it differs from Dokploy's, and why",
        """
        Clients of Dokploy's API work unchanged with the procedures that there are so far; the others answer 404. What
        follows is otherwise on purpose. Recordings of its answers, in `tests/cases/recordings`, are replayed as
        tests; where ours differs, the reason stands beside the recording.
        """,
        table(("case", "there", "here", "why"), DIFFERENCES),
        *(
            part
            for router in routers
            for part in _router(router, texts[router], [each for each in procedures if _is_of(each, router)], described)
        ),
        "## Shapes",
        "A field that does not apply is null, not absent, unless it is called optional here.",
        *(part for name, schema in described["components"]["schemas"].items() for part in _shape(name, schema)),
    )


def _introduction() -> Sequence[str]:
    return (
        """
        Every procedure can be called in two ways, with the same keys, rules, inputs and answers. The whole API is
        described for programs in OpenAPI 3.1, at `/api/openapi.json` and by `settings.getOpenApiDocument`; both need
        a key, for without one nobody learns what exists. `GET /api/health` is for everybody.
        """,
        "## REST",
        """
        Queries are GET with plain query parameters, mutations POST with a JSON object. The answer is the bare JSON
        value; a procedure without a result answers 200 and no bytes.
        """,
        (
            "```sh\n"
            'curl -H "x-api-key: $KEY" "$PANEL/api/deployment.all?applicationId=$ID"\n'
            'curl -H "x-api-key: $KEY" -H "content-type: application/json" -d "{\\"applicationId\\": \\"$ID\\"}" \\\n'
            '  "$PANEL/api/application.deploy"\n'
            "```"
        ),
        """
        The key travels in `x-api-key`, or after `Authorization: Bearer`. Without a known key everything answers 401
        and `{"message":"Unauthorized"}`. Other errors carry a sentence and a code:
        """,
        (
            "```json\n"
            '{"message": "Deployment not found", "code": "NOT_FOUND",\n'
            ' "data": {"code": "NOT_FOUND", "httpStatus": 404, "path": "deployment.one", "zodError": null}}\n'
            "```"
        ),
        """
        An input that is not what the procedure takes is told field by field in `issues` (REST) and `zodError` (both).
        Fields that a procedure does not know are ignored, and named in the answer's header `x-headway-ignored`, so that
        a misspelt one is seen; fields of an application that nothing here acts on are kept and given back. Repeated and
        trailing slashes are sent to the clean path (308).
        """,
        """
        Answers to queries carry an `etag`; who sends it back as `if-none-match` hears 304 and nothing else as long as
        the answer is the same.
        """,
        """
        A call that queues a deployment takes the header `idempotency-key`, any text of up to 255 characters. Sent
        again within 24 hours, also after a crash of the panel, the same call with the same key starts nothing; the
        answer is the first one's, with `idempotent-replayed: true`. The same key with another call answers 422. Keys
        of one caller are unknown to others.
        """,
        "## Deployments",
        """
        Lists are whole, or with `limit` a part; `x-next-cursor` is then the `cursor` of the next one.
        `deployment.search` looks through deployments of every type, newest first. A call looks for some milliseconds
        at most: a page may therefore be short, or empty, and still have a `nextCursor`; then `lookedBackTo` says how
        far it has come, and the next call goes on from there. With `counts` it tells how many match in all, or with
        `atLeast` that there are no fewer. Of `text` every word must stand somewhere in title, description, error
        message, or the commit's message or hash; capitals of the Latin alphabet do not matter.
        """,
        """
        `deployment.usual` tells how long a deployment and its steps usually take (half, and nineteen of twenty, of the
        last 20 that were done, of the same service, kind and host; of fewer than five nothing), when what runs is
        expected to end, and when what waits is expected to begin and behind what; `deployment.usualDurations` the first
        for many at once. `deployment.compare` tells what a deployment changed against what served before it,
        `deployment.sameFailures` how often its service has failed in the same way before, and `deployment.strip` gives
        the newest deployments of one service as bars. `deployment.figures` counts for each day in UTC (90 at most) how
        many ended in which way, and how long they took, waited, and were until a failure was mended.
        """,
        """
        `deployment.wait` answers when a deployment has ended (or runs, with `until=running`), at the latest after
        `timeout` seconds; who hears `reached: false` asks again. It does so too when the panel stops.
        """,
        """
        `trigger` says what asked for a deployment: `manual` a person, `api` a program with a key, or a `webhook`, a
        `schedule` or a `rollback`. A caller is taken for a program unless it sends `x-headway-trigger: manual`, as the
        command line does at a terminal. `triggeredBy` names user and key as they were called then. `steps` are those
        of the run so far, with their times.
        """,
        """
        Of each application (schedule, backup, …) the newest 100 ended deployments are kept with their logs; settings
        (`HEADWAY_KEEP_DEPLOYMENTS`, `HEADWAY_KEEP_DEPLOYMENTS_FOR`) change that for all, `keepDeployments` and
        `keepDays` for one application. Neither what waits or runs goes, nor what left a release that is still there.
        """,
        "## Logs",
        """
        `deployment.readLogs` gives the last lines, `deployment.follow` the log with steps and status as it grows,
        `deployment.searchLog` the lines with a text, page by page, and `deployment.log` the file, of which
        `range: bytes=FROM-` gives what came since (206, or 416 when nothing did); with `plain=true` it comes without
        colours. `deployment.lines` gives lines by their numbers, with colours as classes and the times at which they
        were read, `deployment.followLines` such lines as they come, and `deployment.find` the numbers of all lines that
        have a text. Clients that know the WebSocket
        `/listen-deployment?logPath=…&serverId=…` find it: text as it comes, the key in a header, closed with 1000 when
        the log has ended and with 1012 or 1013 when the reader was too slow or the panel stops. `logPath` is what a
        row says there; it is looked up, and nothing is ever opened by it.
        """,
        "## tRPC",
        """
        `GET /api/trpc/<procedure>?input={"json":{…}}` for queries and `POST /api/trpc/<procedure>` with `{"json":{…}}`
        for mutations answer `{"result":{"data":{"json":…}}}`, or `{"error":{"json":{"message","code","data"}}}`. A
        result that is none is `{"json":null,"meta":{"values":["undefined"],"v":1}}`. Inputs are taken without the
        `json` around them too. With `?batch=1` the names are separated by commas and the inputs numbered from
        `"0"`; the answer is a list, with the status that all have, else 207. The wrong method answers 405. Streams are
        for REST only.
        """,
    )


def _router(name: str, text: str, procedures: Iterable[Operation], described: Json) -> Iterable[str]:
    yield f"## {name}"
    yield f"{text}."
    for procedure in procedures:
        path = described["paths"][f"/{procedure.name}"]
        method, operation = next(iter(path.items()))
        rule = procedure.permission
        where = " of the projects it was given" if rule.in_project and rule.least.word == "member" else ""
        yield f"### {procedure.name}"
        yield f"`{method.upper()} /api/{procedure.name}`"
        scope = "any key" if rule.scope is None else f"scope {rule.scope}"
        nobody = rule.least.word == "guest"
        who = "everybody, without a key" if nobody else f"{rule.least.word}{where} and above, {scope}"
        yield f"{procedure.summary}. For: {who}. Answer: {_answer(procedure, operation)}."
        fields = _fields(operation)
        if fields:
            yield table(("input", "takes", ""), fields)


def _is_of(procedure: Operation, router: str) -> bool:
    return procedure.name.partition(".")[0] == router


def _answer(procedure: Operation, operation: Json) -> str:
    answer = operation["responses"]["200"]
    if procedure.output is File:
        return "plain text, or with `range` a part of it"
    if procedure.output is Text:
        return "plain text"
    if procedure.streams:
        return "a stream of server-sent events"
    if procedure.output is None:
        headers = ", ".join(f"`{name}`" for name in answer.get("headers", ()))
        return f"none, with the headers {headers}" if headers else "none"
    return _type(answer["content"]["application/json"]["schema"])


def _fields(operation: Json) -> list[tuple[str, str, str]]:
    return [(f"`{each.name}`", _type(each.schema), note(each, _STYLE)) for each in inputs_of(operation)]


def _shape(name: str, schema: Json) -> Iterable[str]:
    required = schema.get("required", ())
    yield f"### {name}"
    yield schema["description"]
    yield table(
        ("field", "type"),
        [
            (f"`{field}`", _type(each) + ("" if field in required else ", optional"))
            for field, each in schema["properties"].items()
        ],
    )


def _type(schema: Json) -> str:
    """A schema in words."""
    return in_words(schema, _STYLE)
