"""Texts from outside that would like to be more than text, and a world in which each text that a page can show is one
of them: by the operations as far as they take it, by the tables where others than operations write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from sqlalchemy import Column, String, Table, Text, func, insert, select, update

from headway.api.operation import Kind, Operation
from headway.features.servers import store as server_store
from headway.features.servers.model import ServerFacts
from headway.features.services.application.artifacts import dump_artifact
from headway.features.services.application.model import AppSettings
from headway.features.services.application.snapshot import Snapshot
from headway.features.services.model import ReleaseState
from headway.infra.db.tables import metadata
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Bundle, Commit
from headway.operations import all_pages, bare_registry
from tests.integration.http.access_rows import MUTATION
from tests.integration.http.access_table import TABLE
from tests.integration.http.preview_rows import pull_request
from tests.integration.http.test_access_table import given_to, things_of
from tests.integration.http.world import World
from tests.integration.web.test_pages import _ids, _with_session
from tests.integration.web.watched import WITH_AN_ENGINE
from tests.support.panel.addresses import chosen_of

SECRET = "hunter2-that-nobody-is-shown"
PRODUCT = str(1337 * 7331)  # what a template makes of the one below
_CONTROLS = "".join(map(chr, (*range(1, 9), 11, 12, *range(14, 32), *range(127, 160))))
_TEMPLATE = "{{1337*7331}}${1337*7331}#{1337*7331}<%= 1337*7331 %>{%if 1%}{{config}}{%endif%}{#no#}"

PAYLOADS: Mapping[str, str] = {
    "markup": '"><img src=x onerror=alert(1)><b><a href=//evil.example>out</a><style>*{display:none}</style>',
    "a script": (
        "</title></textarea></script></style><script>alert(1)</script><script src=//evil.example/x.js></script>"
    ),
    "event attributes": "\" onfocus=\"alert(1)\" autofocus onmouseover='alert(2)' ' onload='alert(3)' tabindex=1 x=\"",
    "a link that is a script": "javascript:alert(document.domain)//%0aalert(1)",
    "a page in a link": "data:text/html,<script>alert(1)</script>",
    "other elements": (
        "<svg/onload=alert(1)><iframe srcdoc='<script>alert(1)</script>'></iframe><base href=//evil.example/>"
        "<meta http-equiv=refresh content='0;url=//evil.example'><form action=//evil.example><input name=form_token>"
    ),
    "template syntax": _TEMPLATE,
    "control characters": f"a{_CONTROLS}b",
    "terminal escapes": (
        "\x1b[31mred\x1b]0;title\x07\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07\x1b[2J\x1b[1;1H\x9b31m"
    ),
    "right to left": "admin\u202egnp.exe\u2066\u2067\u2068\u2069\u200f\u061c\u202d\u202bx",
    "10,000 characters": "W" * 10_000,
    "NUL": "a\x00b<scr\x00ipt>alert(1)</scr\x00ipt>",
    "lines": "one\r\ntwo\nthree\u2028four\u2029five\x85six\rseven" + "\n" * 40 + "end",
    "quotes": '\' " ` &quot; &#34; &amp;lt; \\ \\" <!-- --> ]]> */ //',
    "look-alikes": (
        "\u0440\u0430\u0443\u0440al \uff1cscript\uff1ealert(1)\uff1c/script\uff1e"
        " \u200b\ufeff\u00ad\U0001f4a5 z" + "\u0301" * 200 + "\U000e0041"
    ),
    "another place": "https://evil.example/x.png",
}

# What is not typed, since it is not what a person writes: what a call is about, and whether and how it is done.
_CLOSED = re.compile(r"(Id|Ids|Type|Url|Status|^type|^provider|^role|^env|^composeFile|^certificateData)$")
_SECRETS = re.compile(r"(?i)(password|secret|token|privateKey|accessKey|apiKey|^code$|key$)")
_LEFT = re.compile(  # what signs in, ends, or is about the panel itself
    r"^(account|settings|user\.createApiKey|deployment|disk|docker|rollback|organization\.(create$|update|delete))"
)
_VERBS = ("create", "update", "save", "add", "import")
_TRIES = 6

# The texts of these columns come from outside, be it by people, by servers, by forges or by programs.
FREE: Mapping[str, tuple[str, ...]] = {
    "api_keys": ("name",),
    "audit_log": ("user_name", "user_email", "api_key_name", "subject_name"),
    "certificates": ("name",),
    "channels": ("name", "last_error"),
    "commit_statuses": ("error",),
    "deployments": (
        *("title", "description", "error_message", "triggered_by_name", "triggered_by_key_name"),
        *("commit_message", "commit_author", "commit_branch"),
    ),
    "destinations": ("name",),
    "domains": ("service_name", "resolver", "entrypoint"),
    "environments": ("name", "description"),
    "git_providers": ("name",),
    "group_rules": ("name",),
    "hook_deliveries": ("event", "sent_id", "sent_by"),
    "hosts": ("name",),
    "invitations": ("email",),
    "kept_files": ("path",),
    "logins": ("username",),
    "notices": ("last_error", "about"),
    "organizations": ("name", "logo"),
    "passkeys": ("name",),
    "previews": ("title", "url", "author", "branch", "approved_by", "report_error"),
    "projects": ("name", "description"),
    "redirects": ("regex", "replacement"),
    "registries": ("name", "url", "image_prefix", "username"),
    "releases": ("image", "missing"),
    "schedules": ("name", "description", "service_name"),
    "servers": ("name", "description", "username", "away_why"),
    "services": ("name", "description"),
    "sessions": ("address", "agent"),
    "setbacks": ("sentence",),
    "ssh_keys": ("name", "description", "public_key"),
    "users": ("name", "email"),
}
# Those of the others, which hold what no stranger has written, or are sealed; where an operation takes what is sealed
# it is typed there.
OURS: Mapping[str, str] = {
    "backups.settings": "sealed",
    "certificates.certificate": "read as a certificate before it is kept",
    "certificates.private_key": "sealed",
    "channels.target": "sealed",
    "databases.settings": "sealed",
    "deployments.answers": "JSON of our own making",
    "deployments.handle": "of our own making",
    "deployments.log_path": "of our own making",
    "deployments.secrets": "sealed",
    "deployments.verdict": "of our own making",
    "destinations.reach": "sealed",
    "environments.env": "sealed",
    "git_providers.api_url": "read as an address before it is kept",
    "git_providers.secrets": "sealed",
    "git_providers.url": "read as an address before it is kept",
    "hook_addresses.token": "sealed",
    "hook_deliveries.track": "read as a branch or a tag of the service before it is kept; it is compared, not shown",
    "identities.issuer": "read as an address before it is kept; on no page",
    "identities.subject": "on no page",
    "installation.probe": "of our own making",
    "logins.hash": "of our own making",
    "machine_allowances.allowed_by_name": "on no page",
    "machine_allowances.value": "on no page",
    "machine_grants.granted_by_name": "on no page",
    "own_routings.routing": "read as YAML of Traefik before it is kept",
    "passkeys.credential": "of an authenticator's making, read as a key before it is kept; on no page",
    "passkeys.credential_id": "as that",
    "passkeys.host": "read as the name of the panel before it is kept",
    "passwords.hash": "of our own making",
    "passwords.sign_in_name": "by which people sign in: typed in the pages before a session",
    "previews.source_url": "read as an address before it is kept",
    "projects.env": "sealed",
    "registries.password": "sealed",
    "releases.folder": "of our own making",
    "releases.record": "sealed",
    "removed_deployments.record": "on no page",
    "schedules.text": "sealed",
    "second_factors.secret": "sealed",
    "servers.address": "read as a host name before it is kept",
    "servers.host_key": "read as a key before it is kept",
    "services.env": "sealed",
    "ssh_keys.private_key": "sealed",
    "steps.result": "of our own making",
    "told_statuses.context": "on no page",
    "told_statuses.error": "on no page",
    "told_statuses.path": "on no page",
    "undos.data": "of our own making",
    "volume_backups.settings": "sealed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A world that is full of a text: the ids of what it has, by their names in addresses, and of its other kinds of
    service; ``taken`` counts the fields of operations that took it.
    """

    ids: Mapping[str, str]
    others: Mapping[str, str]
    taken: int

    def addresses(self) -> dict[str, str]:
        """Every page that this world has, its parts and forms, and the pages of services of each kind, with what is
        looked for in them.
        """
        found: dict[str, str] = {}
        for path, make in all_pages().items():
            if path in WITH_AN_ENGINE:
                continue
            found |= _pieces(path, self.ids, path)
            if path.startswith("/services/{serviceId}") and path.count("{") == 1:
                for kind, service_id in self.others.items():
                    found |= _pieces(path, {**self.ids, "{serviceId}": service_id}, f"{path} ({kind})")
            page = make()
            for name in page.several:
                found[f"{path}/{name}"] = f"{path}/{name}?{chosen_of(path, self.ids)}"
        return found

    def named_by(self, text: str) -> dict[str, str]:
        """The pages of things that are called so in the address: of nothing, or of what is only made."""
        words = quote(text[:300], safe="")
        last = {
            path: f"{path.rpartition('{')[0]}{words}{path.rpartition('}')[2]}" for path in all_pages() if "{" in path
        }
        return {f"{path} of words": _filled_in(address, self.ids) for path, address in last.items()}


def _filled_in(path: str, ids: Mapping[str, str]) -> str:
    for each, value in ids.items():
        path = path.replace(each, value)
    return path


def _pieces(path: str, ids: Mapping[str, str], name: str) -> dict[str, str]:
    """A page at these ids, its parts and its forms."""
    address = _filled_in(path, ids)
    page = all_pages()[path]()
    found = {name: address}
    found |= {f"{name}/-/{each}": f"{address}/-/{each}" for each in page.parts}
    return found | {f"{name}/{each}": f"{address}/{each}" for each in page.forms}


def asked_with(text: str) -> str:
    """What pages are looked through with, as a query."""
    names = ("text", "find", "of", "status", "serviceId", "environment", "cursor", "lines", "procedure", "folder")
    return urlencode(dict.fromkeys(names, text[:1_000]))


async def filled(world: World, client: httpx.AsyncClient, text: str) -> Filled:
    """Puts the text wherever it can come from; ``client`` is that of whoever has signed in."""
    ids = await _with_session(world, await _ids(world), client)
    things = await things_of(world)
    taken = await _typed(world, things, text)
    await _sent(world, ids["{serviceId}"], text)
    for deployment_id in (ids["{deploymentId}"], things["deployment"]):
        world.write_log(deployment_id, f"{text}\n\x1b[31m{text}\x1b[0m\r{text}\n::step {text}\n{text}")
    release_id = await _released(world, ids["{serviceId}"], text)
    await world.services.db.run(lambda tx: _written(tx, ids, text))
    world.services.access.forget()
    others = {"compose": things["compose"], "postgres": things["postgres"]}
    return Filled(ids={**ids, "{releaseId}": release_id}, others=others, taken=taken)


async def _typed(world: World, things: Mapping[str, str], text: str) -> int:
    """Gives the text to each field of each operation that makes or changes something."""
    operations = {each.name: each for each in bare_registry() if each.kind is Kind.MUTATION and not each.uploads}
    taken = 0
    for name, row in TABLE.items():
        if row.method == MUTATION and name.partition(".")[2].startswith(_VERBS) and not _LEFT.match(name):
            taken += await _typed_into(world, operations[name], given_to(name, things), text)
    return taken


async def _typed_into(world: World, operation: Operation, given: Mapping[str, Any], text: str) -> int:
    """How many of an operation's fields take it; it is called without those that do not."""
    fields = {
        name: SECRET if _SECRETS.search(name) else text
        for name, expected in operation.expected.items()
        if expected.type == "string" and not expected.options and not _CLOSED.search(name)
    }
    for _ in range(_TRIES):
        answer = await world.owner.post(f"/{operation.name}", json={**given, **fields})
        assert answer.status_code < 500 or answer.status_code == 503, (operation.name, answer.text)
        if answer.status_code == 200:
            return len(fields)
        data = answer.json().get("data") or {}
        refused = set((data.get("zodError") or {}).get("fieldErrors", ())) & fields.keys()
        if not refused:
            break
        fields = {name: value for name, value in fields.items() if name not in refused}
    alone = [
        (await world.owner.post(f"/{operation.name}", json={**given, name: value})).status_code
        for name, value in fields.items()
    ]
    assert not [each for each in alone if each == 500], operation.name
    return alone.count(200)


async def _sent(world: World, application_id: str, text: str) -> None:
    """What a forge says: pushes and pull requests, their headers too."""
    token = (await world.get("application.one", applicationId=application_id))["refreshToken"]
    words = text.replace("\x00", "")  # which no forge has in its JSON, and which we refuse
    commit = {"id": "d" * 40, "message": words, "author": {"name": words, "username": words}, "modified": [words]}
    push = {
        "ref": f"refs/heads/{words}",
        "after": "d" * 40,
        "commits": [commit],
        "head_commit": commit,
        "sender": {"login": words},
        "pusher": {"name": words},
        "repository": {"default_branch": "main", "full_name": words, "clone_url": words},
    }
    asked = pull_request(7, "e" * 40, title=words, html_url=words, user={"login": words}, labels=[{"name": words}])
    header = re.sub(r"[^\x20-\x7e\xa1-\xff]", "?", text)[:2_000].strip().encode("latin-1") or b"x"
    for event, payload in (("push", push), ("pull_request", asked), (words, push), ("push", words)):
        name = re.sub(r"[^\x20-\x7e]", "?", event).strip()[:200] or "x"
        headers = {b"x-github-event": name.encode(), b"x-github-delivery": header, b"user-agent": header}
        answer = await world.nobody.post(f"/deploy/{token}", json=payload, headers=headers)
        assert answer.status_code < 500, answer.text


async def _released(world: World, application_id: str, text: str) -> str:
    """A release that one can go back to, of such a commit."""
    folder = world.platform.data_dir.work / "releases" / application_id / "of-text"
    folder.mkdir(parents=True)
    commit = Commit(hash="c" * 40, subject=text, author=text, branch=text)
    plain: dict[str, Any] = {"settings": AppSettings(), "variables": {"TOKEN": SECRET}, "mask": (), "hosts": ()}
    snapshot = Snapshot(commit=commit, artifact=dump_artifact(Bundle(folder=str(folder))), **plain)
    given = {"seq": 9, "state": ReleaseState.RETIRED, "folder": str(folder)}
    return await world.release(application_id, snapshot, **given)


def _written(tx: Tx, ids: Mapping[str, str], text: str) -> None:
    """Writes it where stores do for the engine, for servers and for forges."""
    _add_rows(tx, ids)
    for name, columns in FREE.items():
        table = metadata.tables[name]
        values = {each: _clipped(table.c[each], text) for each in columns}
        count = tx.execute(select(func.count()).select_from(table)).scalar_one()
        assert count, f"there is nothing in {name}"
        # What has to be another for each is written to the first alone.
        tx.execute(update(table).prefix_with("OR IGNORE").values(values))
    tables = metadata.tables
    told = {"given": ["name", text, "address"], "name": text, "address": text, text: text}
    tx.execute(update(tables["audit_log"]).values(details=told))
    tx.execute(update(tables["previews"]).values(labels=[text, text]))
    tx.execute(update(tables["hook_payloads"]).values(headers={"x-github-event": text, text[:200]: text}))
    _tell(tx, tables["notices"], "payload", {"title": text, "message": text, "name": text, "reason": text, "why": text})
    for row in tx.execute(select(tables["hook_deliveries"])).all():
        services = [{**each, "message": text} for each in row.services]
        where = tables["hook_deliveries"].c.delivery_id == row.delivery_id
        tx.execute(update(tables["hook_deliveries"]).where(where).values(services=services))
    facts = ServerFacts(system=text, machine=text, docker=text, cores=2)
    server_store.set_facts(tx, ids["{serverId}"], facts)


def _add_rows(tx: Tx, ids: Mapping[str, str]) -> None:
    """Of what only goes on elsewhere makes."""
    deployment_id, tables = ids["{deploymentId}"], metadata.tables
    tx.execute(insert(tables["setbacks"]).values(deployment_id=deployment_id, number=1, steps=0, sentence=""))
    failed = {"attempts": 3, "tell_at": tx.now, "error": ""}
    tx.execute(insert(tables["commit_statuses"]).values(deployment_id=deployment_id, told=None, **failed))


def _tell(tx: Tx, table: Table, column: str, value: object) -> None:
    tx.execute(update(table).values({column: value}))


def _clipped(column: Column[Any], text: str) -> str:
    """As much of it as the column holds, which PostgreSQL would see to."""
    most = column.type.length if isinstance(column.type, String) and not isinstance(column.type, Text) else None
    return text[:most]
