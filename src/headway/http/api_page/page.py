"""The page itself, as HTML: every procedure with its input, its answer, an example and a form to try it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from headway.core.access.model import Role
from headway.core.access.policy import Permission
from headway.http.openapi_texts import Field, Style, in_words, inputs_of, note

Json = Mapping[str, Any]

_STYLE = Style(
    shape=lambda name: f'<a href="#shape-{escape(name)}">{escape(name)}</a>',
    literal=lambda text: f"<code>{escape(text)}</code>",
    plain=escape,
)
_PEOPLE: Mapping[Role, str] = {
    Role.MEMBER: "owners, admins and members",
    Role.ADMIN: "owners and admins",
    Role.OWNER: "owners",
}
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def render(document: Json, permissions: Mapping[str, Permission], *, styles: str, script: str) -> str:
    """The page of an OpenAPI document and of what its operations take; ``styles`` and ``script`` are where its two
    other files are.
    """
    operations = [(path.removeprefix("/"), *next(iter(methods.items()))) for path, methods in document["paths"].items()]
    routers = {tag["name"]: tag["description"] for tag in document["tags"]}
    sections = [
        _router(router, text, permissions, [each for each in operations if each[2]["tags"] == [router]])
        for router, text in routers.items()
    ]
    shapes = "".join(_shape(name, schema) for name, schema in document["components"]["schemas"].items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Headway API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{escape(styles)}">
<script src="{escape(script)}" defer></script>
</head>
<body>
<a class="skip" href="#content">Skip to the procedures</a>
<header>
<h1>Headway API</h1>
<form id="tools" role="search">
<label class="field">Search <input id="search" type="search" autocomplete="off"
 placeholder="deploy, log, key …"></label>
<label class="field">API key <input id="key" type="password" autocomplete="off" spellcheck="false"
 placeholder="kept in this page only"></label>
</form>
</header>
<div class="columns">
<nav aria-label="Routers">{_navigation(routers, operations)}</nav>
<main id="content">
<section class="words">{_introduction()}</section>
<p id="none" hidden>Nothing matches. <button type="button" id="clear">Show all</button></p>
{"".join(sections)}
<section id="shapes"><h2>Shapes</h2>
<p>A field that does not apply is null, not absent, unless it is called optional here.</p>
{shapes}</section>
</main>
</div>
</body>
</html>
"""


def _introduction() -> str:
    return """<p>Queries are <code>GET</code> with query parameters, mutations <code>POST</code> with a JSON object, at
<code>/api/…</code>; the same procedures are at <code>/api/trpc/…</code> for tRPC's clients. The key goes into the
header <code>x-api-key</code>, or after <code>Authorization: Bearer</code>. The whole description for programs is
<code>/api/openapi.json</code>.</p>
<p>The examples read the panel's address and the key from <code>HEADWAY_URL</code> and <code>HEADWAY_API_KEY</code>.
What you try here is done for real, on this panel, with the key that you enter above; the key leaves this page in
requests to this panel only, and is forgotten when the page is closed.</p>
"""


def _navigation(routers: Mapping[str, str], operations: Iterable[tuple[str, str, Json]]) -> str:
    number = {router: sum(each[2]["tags"] == [router] for each in operations) for router in routers}
    links = "".join(
        f'<li><a href="#{escape(router)}">{escape(router)} <span>{number[router]}</span></a></li>' for router in routers
    )
    return f'<ul>{links}<li><a href="#shapes">Shapes</a></li></ul>'


def _router(
    name: str, text: str, permissions: Mapping[str, Permission], operations: Iterable[tuple[str, str, Json]]
) -> str:
    procedures = "".join(_procedure(permissions[each[0]], *each) for each in operations)
    name = escape(name)
    return f'<section class="router" id="{name}"><h2>{name}</h2><p>{escape(text)}.</p>{procedures}</section>\n'


def _procedure(permission: Permission, name: str, method: str, operation: Json) -> str:
    fields = inputs_of(operation) if "parameters" in operation or "requestBody" in operation else []
    searched = " ".join([name, operation["summary"], *(each.name for each in fields)]).lower()
    return f"""<details class="procedure" id="{escape(name)}-" data-search="{escape(searched)}">
<summary><span class="method {method}">{method.upper()}</span> <b>{_breakable(name)}</b>
<span class="summary">{escape(operation["summary"])}</span></summary>
<p class="who">{_who(permission)}</p>
{_inputs(fields)}
<p><b>Answer:</b> {_answer(operation)}. <b>Errors:</b> {_errors(operation)}.</p>
<h3>Example</h3>
<pre tabindex="0"><code>{escape(curl(name, method, fields))}</code></pre>
{_form(permission, name, method, operation, fields)}
</details>
"""


def _breakable(name: str) -> str:
    """A long name may be broken where a word begins."""
    return _HUMP.sub("<wbr>", escape(name).replace(".", ".<wbr>"))


def _who(rule: Permission) -> str:
    if rule.least is Role.GUEST:
        return "For everybody, without a key."
    key = "any key" if rule.scope is None else f"a key that has the scope <code>{rule.scope}</code>"
    given = " (in what they were given)" if rule.in_project and rule.least is Role.MEMBER else ""
    return f"For {_PEOPLE[rule.least]}{given}, with {key}."


def _inputs(fields: Iterable[Field]) -> str:
    rows = "".join(
        f"<tr><th scope=row><code>{_breakable(each.name)}</code></th><td>{in_words(each.schema, _STYLE)}</td>"
        f"<td>{note(each, _STYLE)}</td></tr>"
        for each in fields
    )
    head = "<thead><tr><th scope=col>input</th><th scope=col>takes</th><th></th></tr></thead>"
    return f'<div class="wide"><table>{head}<tbody>{rows}</tbody></table></div>' if rows else "<p>It takes nothing.</p>"


def _answer(operation: Json) -> str:
    answer = operation["responses"]["200"]
    headers = ", ".join(f"<code>{escape(header)}</code>" for header in answer.get("headers", ()))
    content = answer.get("content", {})
    if "application/json" in content:
        said = in_words(content["application/json"]["schema"], _STYLE)
    elif content:
        said = "plain text" if "text/plain" in content else "a stream of server-sent events"
    else:
        said = "none"
    return f"{said}, with the headers {headers}" if headers else said


def _errors(operation: Json) -> str:
    statuses = [status for status in operation["responses"] if status >= "400"]
    return ", ".join(f"<code>{status}</code>" for status in statuses)


def _shape(name: str, schema: Json) -> str:
    required = schema.get("required", ())
    rows = "".join(
        f"<tr><th scope=row><code>{_breakable(field)}</code></th>"
        f"<td>{in_words(each, _STYLE)}{'' if field in required else ', optional'}</td></tr>"
        for field, each in schema["properties"].items()
    )
    about = escape(schema.get("description", ""))
    return (
        f'<details class="shape" id="shape-{escape(name)}"><summary><b>{_breakable(name)}</b></summary>'
        f'<p>{about}</p><div class="wide"><table><tbody>{rows}</tbody></table></div></details>'
    )


def curl(name: str, method: str, fields: Iterable[Field]) -> str:
    """A command that calls a procedure with what it must be given."""
    given = {each.name: example(each) for each in fields if each.required}
    key = '-H "x-api-key: $HEADWAY_API_KEY" '
    if method == "get":
        query = "&".join(f"{field}={value}" for field, value in given.items())
        stream = "-N " if name.endswith(".follow") else ""
        return f'curl -sS {stream}{key}\\\n  "$HEADWAY_URL/api/{name}{"?" if query else ""}{query}"'
    body = json.dumps(given)
    return f"curl -sS {key}-H 'content-type: application/json' \\\n  -d '{body}' \\\n  \"$HEADWAY_URL/api/{name}\""


def example(field: Field) -> Any:  # noqa: ANN401 - any JSON value
    """A value that shows what a field takes."""
    schema = next((each for each in field.schema.get("anyOf", ()) if each.get("type") != "null"), field.schema)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "boolean":
            return True
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "array":
            return []
        case "object":
            return {}
        case _:
            return _HUMP.sub("_", field.name).upper()


def _form(permission: Permission, name: str, method: str, operation: Json, fields: Iterable[Field]) -> str:
    controls = _body_control(fields) if method == "post" else "".join(map(_query_control, fields))
    headers = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"]
    controls += "".join(
        f'<label class="field">{escape(header)} <input data-header="{escape(header)}" autocomplete="off"></label>'
        for header in headers
    )
    keyless = ' data-keyless="yes"' if permission.least is Role.GUEST else ""
    return f"""<form class="try" data-name="{escape(name)}" data-method="{method.upper()}"{keyless}>
<h3>Try it</h3>
{controls}
<p class="buttons"><button type="submit">{"Call" if method == "get" else "Call, and change this panel"}</button>
<button type="button" class="stop" hidden>Stop</button></p>
<p class="outcome" role="status" hidden></p>
<pre class="output" tabindex="0" hidden></pre>
</form>"""


def _query_control(field: Field) -> str:
    mark = " (required)" if field.required else ""
    return (
        f'<label class="field">{escape(field.name)}{mark} '
        f'<input data-query="{escape(field.name)}" autocomplete="off" spellcheck="false"></label>'
    )


def _body_control(fields: Iterable[Field]) -> str:
    body = json.dumps(
        {each.name: "" if isinstance(example(each), str) else example(each) for each in fields if each.required},
        indent=2,
    )
    rows = body.count("\n") + 2
    control = f'<textarea data-body rows="{rows}" spellcheck="false">{escape(body)}</textarea>'
    return f'<label class="field">Body {control}</label>'
