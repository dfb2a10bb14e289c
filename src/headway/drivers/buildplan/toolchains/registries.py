"""Where packages come from on a host: as the operator has set, else as its own npm and pip are configured."""

from __future__ import annotations

import base64
import configparser
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.toolchains.inventory import ENV, PYTHON
from headway.drivers.buildplan.toolchains.store import Store
from headway.infra.hosts.command import command
from headway.infra.hosts.work import Work
from headway.kernel.dataclass import dataclass
from headway.kernel.secret import Secret

SCRIPT = Path(__file__).with_name("registry_script.py").read_text()
_PUBLIC: Mapping[str, str] = {"npm": "https://registry.npmjs.org", "pypi": "https://pypi.org/simple"}
_SETTINGS: Mapping[str, str] = {"npm": "HEADWAY_NPM_REGISTRY", "pypi": "HEADWAY_PYPI_INDEX"}
_NPM_FILES = ("/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc", "{home}/.npmrc")
_PIP_FILES = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf", "{home}/.pip/pip.conf", "{home}/.config/pip/pip.conf")
_AUTHORIZED = re.compile(r"//(?P<place>[^\s=]+?)/?:(?P<how>_authToken|_auth)")
_LIST_SECONDS = 90.0
_FRESH = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A registry of npm's (``npm``) or an index of Python's (``pypi``). ``authorization`` opens it, made of the
    ``login`` where its address has one; ``cafile`` has the authorities that vouch for it, where they are not the
    machine's; ``proxy`` leads to it.
    """

    form: str
    url: str
    authorization: Secret | None = None
    login: Secret | None = None
    cafile: str | None = None
    proxy: str | None = None

    @property
    def place(self) -> str:
        """Its host, as people are told it."""
        return urlsplit(self.url).hostname or self.url

    @property
    def asked(self) -> dict[str, Any]:
        """What the script is told of it."""
        opens = None if self.authorization is None else self.authorization.reveal()
        return {
            "form": self.form,
            "registry": self.url,
            "authorization": opens,
            "cafile": self.cafile,
            "proxy": self.proxy,
        }

    def package(self, name: str) -> str:
        """The address of a package's list of versions."""
        return f"{self.url}/{name.replace('/', '%2F')}" if self.form == "npm" else f"{self.url}/{name}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One version of a package: where it lies, its hash as npm writes them, and the versions of what it runs on."""

    url: str
    proof: str
    runs_on: str = ""


Versions = Mapping[str, Package]


class RegistryAway(BuildError):
    """A registry does not answer, or refuses."""


async def find_registry(work: Work, store: Store, form: str) -> Registry:
    """The registry for the host of a run. Nothing that a build has or a repository says is looked at."""
    given = store.sources.npm if form == "npm" else store.sources.pypi
    own = None if given is None else given.reveal()
    files = [name.format(home=store.home) for name in (_NPM_FILES if form == "npm" else _PIP_FILES)]
    texts = [(data or b"").decode(errors="replace") for data in await work.host.read_files(files, limit=65_536)]
    return of_npmrc(texts, own) if form == "npm" else of_pip(texts, own)


def of_npmrc(texts: list[str], own: str | None) -> Registry:
    """The registry that npm's files name, or the operator's ``own``; later files go before earlier ones."""
    said: dict[str, str] = {}
    for text in texts:
        for line in text.splitlines():
            name, sign, value = line.partition("=")
            if sign and not name.lstrip().startswith(("#", ";")) and "${" not in value:
                said[name.strip()] = value.strip().strip("'\"")
    url, login = _parted(own or said.get("registry") or _PUBLIC["npm"])
    authorization = _basic(login)
    for name, value in said.items():
        match = _AUTHORIZED.fullmatch(name)
        if match and url.partition("//")[2].startswith(match["place"]):
            authorization = Secret(f"{'Bearer' if match['how'] == '_authToken' else 'Basic'} {value}")
    proxy = said.get("https-proxy") or said.get("proxy")
    return Registry(form="npm", url=url, authorization=authorization, cafile=said.get("cafile"), proxy=_set(proxy))


def of_pip(texts: list[str], own: str | None) -> Registry:
    """The index that pip's files name, or the operator's ``own``; later files go before earlier ones."""
    said: dict[str, str] = {}
    for text in texts:
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
        try:
            parser.read_string(text)
        except configparser.Error:
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                said |= {name.replace("_", "-"): value for name, value in parser.items(section) if value}
    url, login = _parted(own or said.get("index-url") or _PUBLIC["pypi"])
    return Registry(
        form="pypi",
        url=url,
        authorization=_basic(login),
        login=login,
        cafile=said.get("cert"),
        proxy=_set(said.get("proxy")),
    )


async def configured(work: Work, *, node: bool, python: bool) -> dict[str, str]:
    """What tools of a build are told of the machine's own configuration, of which most read none: the authorities that
    it trusts, and npm's file, which is looked for beside another Node. What lies in anybody's home is not for builds.
    """
    npm = [name for name in _NPM_FILES if "{home}" not in name]
    pip = [name for name in _PIP_FILES if "{home}" not in name]
    found = await work.host.read_files([*npm, *pip], limit=65_536)
    texts = [(data or b"").decode(errors="replace") for data in found]
    env: dict[str, str] = {}
    if node:
        cafile = of_npmrc(texts[: len(npm)], None).cafile
        there = [name for name, data in zip(npm, found, strict=False) if data is not None]
        env |= {"npm_config_globalconfig": there[0]} if there else {}
        # Yarn goes by what Node trusts; its own variable is one that Yarn 2 ends for, since it does not know it.
        env |= dict.fromkeys(("NODE_EXTRA_CA_CERTS", "DENO_CERT"), cafile) if cafile else {}
    if python:
        cafile = of_pip(texts[len(npm) :], None).cafile
        env |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), cafile) if cafile else {}
    return env


async def list_versions(
    work: Work, store: Store, registry: Registry, name: str, *, wheel: str = "", needed: str | None = None
) -> Versions:
    """The versions of a package. What was listed in the last hours is not asked for again, unless the one that is
    ``needed`` was not there yet; where the registry is away, it is what was listed last. Raises RegistryAway.
    """
    file = f"{store.folder}/.lists/{registry.form}-{name.replace('/', '+')}.json"
    known = _known(await work.host.read_file(file, limit=16 << 20), registry)
    if known is not None and known[1] and (needed is None or needed in known[0]):
        return known[0]
    asked = {"do": "list", "url": registry.package(name), "wheel": wheel, **registry.asked}
    try:
        answer = await ask(
            work,
            store,
            registry,
            f"versions of {name.replace('@', '').replace('/', '+')}",
            asked,
            seconds=_LIST_SECONDS,
        )
    except RegistryAway:
        if known is None or (needed is not None and needed not in known[0]):
            raise
        return known[0]
    noted = {"at": datetime.now(UTC).isoformat(), "registry": registry.url, "versions": answer["versions"]}
    await work.host.make_folder(f"{store.folder}/.lists", mode=0o700)
    await work.host.write_file(file, json.dumps(noted).encode(), lasting=False)
    return _packages(answer["versions"], registry)


async def ask(
    work: Work, store: Store, registry: Registry, name: str, asked: Mapping[str, Any], *, seconds: float
) -> dict[str, Any]:
    """What the script answers, which runs under the account that fetches. Raises RegistryAway with what to do."""
    asking = command(
        *(PYTHON, "-I", "-c", SCRIPT),
        account=store.account,
        env=ENV,
        stdin=json.dumps(asked).encode(),
        capture=True,
        limits=store.limits,
        step_seconds=seconds,
    )
    ended = await work.command(name, asking, check=False)
    if not ended.succeeded:
        raise RegistryAway(_told(registry, f"it took longer than {seconds:.0f} s, or more than is allowed"))
    answer: dict[str, Any] = json.loads(ended.output)
    if "refused" in answer:
        raise RegistryAway(_told(registry, work.masked(str(answer["refused"]))))
    return answer


def _told(registry: Registry, why: str) -> str:
    return (
        f"The registry {registry.place} could not give it: {why}. Let this machine reach it, or name one that it "
        f"reaches ({_SETTINGS[registry.form]})."
    )


def _known(data: bytes | None, registry: Registry) -> tuple[Versions, bool] | None:
    """What was listed before of the same registry, and whether that was lately."""
    if data is None:
        return None
    try:
        noted = json.loads(data)
    except ValueError:  # the power failed while it was written
        return None
    if noted["registry"] != registry.url:
        return None
    age = datetime.now(UTC) - datetime.fromisoformat(noted["at"])
    return _packages(noted["versions"], registry), timedelta(0) <= age < _FRESH


def _packages(versions: Mapping[str, list[str]], registry: Registry) -> Versions:
    """As packages. A mirror of npm's names the public registry for what it has itself, as npm knows."""
    public = _PUBLIC["npm"]
    found = {}
    for version, (url, proof, runs_on) in versions.items():
        place = registry.url + url.removeprefix(public) if url.startswith(f"{public}/") else url
        found[version] = Package(url=place, proof=proof, runs_on=runs_on)
    return found


def _parted(text: str) -> tuple[str, Secret | None]:
    """An address, and the login that it has, apart."""
    parts = urlsplit(text.strip().rstrip("/"))
    user, at, place = parts.netloc.rpartition("@")
    url = urlunsplit((parts.scheme, place, parts.path, "", ""))
    return url, Secret(user) if at else None


def _basic(login: Secret | None) -> Secret | None:
    """A login as it is sent."""
    if login is None:
        return None
    return Secret("Basic " + base64.b64encode(unquote(login.reveal()).encode()).decode())


def _set(text: str | None) -> str | None:
    return None if text in {None, "", "null", "false"} else text
