"""A field of a form that changes something is emptied: what was set is gone, or it is said that it cannot be. A form
that is added is tried too, for all of them are found by what the pages have.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import cast

import httpx
import pytest

from headway.api.inputs import expected_of
from headway.features.notifications import store as channels_store
from headway.features.services.database.model import DatabaseKind
from headway.operations import all_pages, bare_registry
from headway.pages.forms import Form, Kind
from headway.pages.page import Visit
from tests.integration.http.notification_rows import FORMS as CHANNELS
from tests.integration.http.server_rows import A_SERVER
from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, signed_in
from tests.integration.web.test_pages import _ids, _with_session
from tests.support.certificates.certificates import certificate_for
from tests.support.forges.forge_apis import Facts, app_key

_CHANGES = re.compile(r"(update|set|save|rename|assign)(?![a-z])\w*")
_OTHERS = re.compile(
    r"(add|approve|begin|change|confirm|copy|create|delete|deploy|drill|duplicate|invite|move|remove|restore|setup|"
    r"validate|clean|kill|cancel)(?![a-z])\w*"
)
_UNSHOWN = frozenset({Kind.FLAG, Kind.SECRET, Kind.SECRET_BLOCK})
_OF_KINDS: Mapping[Kind, str] = {Kind.WHOLE: "7", Kind.NUMBER: "7", Kind.COUNTS: "web=2", Kind.PAIRS: "node=22"}
# What is set before it is emptied, by the field, or by the form and the field: no default, for that it is gone is seen
# by what is there after.
_FILLED: Mapping[str, str] = {
    "certificateType": "letsencrypt",
    "composeFile": "services: {}\n",
    "composeType": "stack",
    "composePath": "below/compose.yml",
    "change-volume cronExpression": "0 3 * * *",
    "commit": "c" * 40,
    "cpuLimit": "2",
    "cpuReservation": "1",
    "customGitBuildPath": "below",
    "customGitUrl": "https://git.example/team/stack.git",
    "dataVolume": "other",
    "dockerfile": "below/Dockerfile",
    "externalAddress": "0.0.0.0",  # noqa: S104 - what is set, and listened at by nobody
    "externalAdminPort": "9",
    "externalPort": "5432",
    "githubAppId": "7",
    "githubInstallationId": "7",
    "healthCheckPath": "/health",
    "internalPath": "/below",
    "memoryLimit": "64m",
    "memoryReservation": "32m",
    "messageThreadId": "7",
    "path": "/below",
    "save port": "7",
    "replicas": "2",
    "restartPolicy": "never",
    "retries": "3",
    "timezone": "Europe/Berlin",
    "triggerType": "tag",
    **{f"change-{forge} name": "Ours" for forge in ("github", "gitlab", "gitea", "bitbucket")},
}
# What a form never shows, and so cannot show that it is gone; empty, it stays, and of the first a tick takes it away.
_NEVER_SHOWN = frozenset({"apiUrl", "certificateData"})
_BY_DEFAULT = frozenset({"change-github githubUrl", "change-gitlab gitlabUrl", "change-bitbucket bitbucketUrl"})
_VISIT = cast("Visit", SimpleNamespace(path=defaultdict(lambda: "id"), query=defaultdict(str)))


class _Controls(HTMLParser):
    """What stands in the form at an address, by the names of its fields, and what may be chosen of each."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path, self.values, self.options = path, dict[str, str](), defaultdict[str, list[str]](list)
        self._is_in, self._name, self._kind = False, "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_in = of.get("action") == self.path
        elif self._is_in and tag == "input" and "name" in of:
            if of.get("type") != "checkbox" or "checked" in of:
                self.values[of["name"]] = of.get("value", "")
        elif self._is_in and tag in {"textarea", "select"}:
            self._name, self._kind = of["name"], tag
            self.values[self._name] = ""
        elif self._kind == "select" and tag == "option":
            self.options[self._name].append(of.get("value", ""))
            if "selected" in of:
                self.values[self._name] = of.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_in = False
        if tag == self._kind:
            self._kind = ""

    def handle_data(self, data: str) -> None:
        if self._kind == "textarea":
            self.values[self._name] += data


async def _shown(client: httpx.AsyncClient, address: str) -> _Controls | None:
    """What a form shows; None where its page is of something else."""
    answer = await client.get(address)
    if answer.status_code == 404:
        return None
    assert answer.status_code == 200, (address, answer.status_code, answer.text)
    found = _Controls(address)
    found.feed(answer.text)
    found.values = {name: value.removeprefix("\n") for name, value in found.values.items()}
    return found


def _forms() -> Iterator[tuple[str, str, Form]]:
    """Each form of each page that changes something of which it shows what is set."""
    for path, make in all_pages().items():
        for name, form in make().forms.items():
            verb, shows = form.operation(_VISIT).partition(".")[2], set(form.fields.values()) - _UNSHOWN
            if shows and not form.suggests and not name.startswith("add-") and not _OTHERS.fullmatch(verb):
                assert _CHANGES.fullmatch(verb), f"whether {form.operation(_VISIT)} changes or makes something"
                yield path, name, form


def _filled(of: str, name: str, kind: Kind, shown: _Controls) -> str:
    """What is to be set in a field, which stays as it is where it has something that is no default."""
    known = _FILLED.get(of, _FILLED.get(name, ""))
    if known and known in shown.options.get(name, [known]):
        return known
    plain = shown.values[name] or next((each for each in shown.options.get(name, ()) if each), "")
    return plain or _OF_KINDS.get(kind, "kept")


async def _wrong(client: httpx.AsyncClient, address: str, label: str, form: Form) -> Sequence[str]:
    """What becomes of each field of a form that is not as it should be, when it is emptied."""
    found = []
    for name, kind in form.fields.items():
        if kind in _UNSHOWN or name in _NEVER_SHOWN:
            continue
        shown = await _shown(client, address)
        assert shown is not None
        if name not in shown.values or (name in shown.options and "" not in shown.options[name]):
            continue  # several that are ticked, and what cannot be emptied
        of = f"{label.rpartition(' ')[2]} {name}"
        value = _filled(of, name, kind, shown)
        if value != shown.values[name]:
            answer = await client.post(address, data={**shown.values, name: value}, headers=OWN)
            filled = await _shown(client, address)
            assert filled is not None
            if answer.status_code != 303 or not filled.values[name]:
                told = " ".join(re.findall(r'<p class="(?:problem-title lines|field-problem)">([^<]*)', answer.text))
                found.append(f"{of}: {value!r} was not taken, give another to try it with: {told}")
                continue
            shown = filled
        answer = await client.post(address, data={**shown.values, name: ""}, headers=OWN)
        after = await _shown(client, address)
        assert after is not None
        if answer.status_code == 303 and after.values[name] == shown.values[name] and of not in _BY_DEFAULT:
            found.append(f"{label} {name}: it said that it is saved, and {after.values[name]!r} is what it was")
        if answer.status_code >= 400 and after.values != shown.values | {"once": after.values["once"]}:
            found.append(f"{label} {name}: it said that nothing was done, and something was")
        if answer.status_code == 303 and after.values[name] != shown.values[name]:
            again = await client.post(address, data={**after.values, name: shown.values[name]}, headers=OWN)
            assert again.status_code in {303, 409, 422}, again.text
    return found


async def _things(world: World, client: httpx.AsyncClient) -> Sequence[Mapping[str, str]]:
    """The ids of what the pages are of, once for each kind that there is of it."""
    ids = await _with_session(world, await _ids(world), client)
    place = {"environmentId": ids["{environmentId}"]}
    compose = (await world.post("compose.create", name="stack", **place, sourceType="raw", composeFile=_COMPOSE))[
        "composeId"
    ]
    host = await world.post("domain.create", composeId=compose, host="s.example.org", serviceName="web", port=80)
    own = await world.post("domain.create", applicationId=ids["{serviceId}"], host="a.example.org")
    of_compose = {"{serviceId}": compose, "{kind}": "compose", "{sourceId}": compose, "{domainId}": host["domainId"]}
    await world.post("compose.saveEnvironment", composeId=compose, env="NODE_ENV=test\n")
    databases = []
    for kind in DatabaseKind:
        known = {name: given for name, given in _LOGIN.items() if name in _taken(kind)}
        made = await world.post(f"{kind.value}.create", name=kind.value, **place, **known)
        databases.append({"{serviceId}": made[f"{kind.value}Id"], _ROUTER: kind.value})
        given = {f"{kind.value}Id": made[f"{kind.value}Id"], "env": "NODE_ENV=test\n"}
        await world.post(f"{kind.value}.saveEnvironment", **given)
    return [
        *({**ids, **each} for each in await _others(world, compose, databases[0]["{serviceId}"])),
        {**ids, "{domainId}": own["domainId"], _ROUTER: "application"},
        {**ids, **of_compose, _ROUTER: "compose"},
        *({**ids, **each} for each in databases),
    ]


_LOGIN = {"databaseName": "shop", "databaseUser": "keeper", "databasePassword": "hunter2-of-a-database"}


def _taken(kind: DatabaseKind) -> Collection[str]:
    operation = bare_registry().named(f"{kind.value}.create")
    assert operation is not None
    return expected_of(operation.input).keys()


_ROUTER = "router"
_COMPOSE = "services:\n  web:\n    image: nginx\n  other:\n    image: nginx\n"


async def _others(world: World, compose: str, database: str) -> Sequence[Mapping[str, str]]:
    pem, key = certificate_for("seeded.example.org")
    channels = [
        (await world.post(f"notification.create{form}", name=form, **given))["notificationId"]
        for form, given in CHANNELS.items()
    ]
    endpoint = await world.post("notification.create", name="hook", endpoint="http://nowhere.invalid/hook")
    apprise = await world.post("notification.create", name="apprise", url="json://nowhere.invalid")
    channels += [endpoint["notificationId"], apprise["notificationId"]]
    forges = [
        await world.post("github.create", githubAppId="1", githubInstallationId="2", githubPrivateKey=app_key(Facts())),
        await world.post("gitlab.create", accessToken="x", groupName="team"),
        await world.post("bitbucket.create", bitbucketEmail="a@example.org", apiToken="x"),
    ]
    told = {"name": "b", "schedule": "0 3 * * *", "databaseType": "postgres", "database": "shop"}
    backup = await world.post("backup.create", **told, postgresId=database, prefix="here")
    schedule = await world.post(
        "schedule.create",
        name="s",
        cronExpression="* * * * *",
        script="true",
        scheduleType="compose",
        composeId=compose,
        serviceName="web",
    )
    s3 = {"name": "s3", "provider": "AWS", "bucket": "b", "accessKey": "a", "secretAccessKey": "x"}
    bucket = await world.post("destination.create", **s3, region="eu", endpoint="https://s3.example")
    certificate = await world.post("certificates.create", name="seeded", certificateData=pem, privateKey=key)
    await world.post("server.create", **{**A_SERVER, "name": "between"})
    return [
        {"{destinationId}": bucket["destinationId"]},
        *({"{notificationId}": each} for each in channels),
        *({"{gitProviderId}": each["gitProviderId"]} for each in forges),
        {"{backupId}": backup["backupId"]},
        {"{scheduleId}": schedule["scheduleId"]},
        {"{certificateId}": certificate["certificateId"]},
    ]


def _address(path: str, form: str, ids: Mapping[str, str]) -> str:
    for name, value in ids.items():
        path = path.replace(name, value)
    return f"{path}/{form}"


_ROUTERS = {each.value for each in DatabaseKind}
_PARTS: Mapping[str, Callable[[str, str], bool]] = {
    "databases": lambda path, name: path.startswith("/services/") and name.rpartition("-")[2] in _ROUTERS,
    "services": lambda path, name: path.startswith("/services/") and name.rpartition("-")[2] not in _ROUTERS,
    "others": lambda path, _name: not path.startswith("/services/"),
}


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("part", _PARTS)
async def test_what_is_emptied_is_taken_away_or_refused_aloud(world: World, part: str) -> None:
    wrong, missed = list[str](), list[str]()
    async with signed_in(world) as client:
        things = await _things(world, client)
        for path, name, form in (each for each in _forms() if _PARTS[part](*each[:2])):
            of = {ids.get(_ROUTER) for ids in things} & {name.rpartition("-")[2]}
            fitting = [ids for ids in things if not of or "{serviceId}" not in path or ids.get(_ROUTER) in of]
            for address in dict.fromkeys(_address(path, name, ids) for ids in fitting):
                shown = await _shown(client, address)
                if shown is not None:
                    wrong += await _wrong(client, address, f"{path} {name}", form)
                    break
            else:
                missed.append(f"{path}/{name}")
    assert missed == [], "there is nothing of which it is"
    assert wrong == [], "\n".join(wrong)


async def _ticked(client: httpx.AsyncClient, address: str, name: str, **typed: str) -> None:
    """A form is sent as it is shown, but for what is typed and the tick that takes this field's value away."""
    shown = await _shown(client, address)
    assert shown is not None
    assert f'name="away.{name}"' in (await client.get(address)).text
    data = {**shown.values, **typed, f"away.{name}": "true"}
    answer = await client.post(address, data=data, headers=OWN)
    assert answer.status_code == 303, answer.text


async def test_what_no_form_shows_is_taken_away_by_the_tick_beside_it(world: World) -> None:
    vault = world.platform.data_dir.vault
    application_id = await world.application(webhookSecret="s" * 20)
    asked = {"name": "hub", "accessToken": "x", "apiUrl": "https://api.example.org"}
    provider_id = (await world.post("github.create", **asked))["gitProviderId"]
    told = {"name": "hook", "endpoint": "http://nowhere.invalid/hook", "headers": {"authorization": "Bearer x"}}
    channel_id = (await world.post("notification.createCustom", **told))["notificationId"]
    async with signed_in(world) as client:
        await _ticked(client, f"/git-providers/{provider_id}/change-github", "apiUrl", accessToken="y")
        await _ticked(client, f"/notifications/{channel_id}/change-custom", "headers.authorization")
        await _ticked(client, f"/services/{application_id}/settings/pushes-application", "webhookSecret")
    provider = await world.get("github.one", githubId=provider_id)
    assert (provider["apiUrl"], provider["has"]) == ("https://api.github.com", ["token"])
    channel = await world.services.db.read(lambda tx: channels_store.find(tx, channel_id, vault))
    assert (channel.target.url, channel.target.headers) == ("http://nowhere.invalid/hook", {})
    assert (await world.get("application.one", applicationId=application_id))["hasWebhookSecret"] is False
