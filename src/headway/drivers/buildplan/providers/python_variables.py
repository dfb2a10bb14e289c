"""Variables that the settings of a Python application read, and whose values a release knows when it starts: the hosts
that it answers for, its own address, and where its database lies while that is a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from headway.drivers.buildplan.providers import python_code
from headway.drivers.buildplan.providers.python_paths import assigned
from headway.drivers.buildplan.providers.python_readers import spelled_out
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import ADDRESS, DATA, DOMAIN, DOMAINS, ORIGINS, PLAIN

_READ = re.compile(
    r"""(environ(?:\.get)?[ \t]*[\[(]|\bgetenv\(|\benv(?:\.\w+)?\(|(?<![.\w])config\("""
    r"""|\b(?:get_?|\w{1,30}_)?env_?\w*\()\s{0,80}["']([A-Z][A-Z0-9_]{1,60})["']"""
)
_DEFAULT = re.compile(
    r"\s*,\s*(?:cast[ \t]*=[ \t]*\w{1,40}[ \t]*,?[ \t]*)?(?:default[ \t]*=[ \t]*)?(\[[^\]]{0,200}\]|[^)\n]{0,200})"
)
_ALLOWED = re.compile(r"^[ \t]*ALLOWED_HOSTS[ \t]*(?::[^=\n]+)?\+?=(?!=)", re.MULTILINE)
_LEADS_TO_HTTPS = re.compile(r"^[ \t]*SECURE_SSL_REDIRECT[ \t]*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
_NAMES_HTTPS = re.compile(r"SSL|HTTPS|TLS|SECURE|REDIRECT")
_IS_OFF = re.compile(r"""(?:["'](?:false|off|no|0)?["']|(?:false|none|0)\b|$)""", re.IGNORECASE)
_TURNED_ROUND = re.compile(r"\bnot\b(?![ \t]+in\b)|!=")
_OFFS = (
    (re.compile(r"\b(?:env_)?int\(|[\"'][01][\"']"), "0"),
    (re.compile(r"[\"']o(?:n|ff)[\"']", re.IGNORECASE), "off"),
    (re.compile(r"\bbool\([ \t]*os\."), ""),  # by which any text is true
)
_BY_A_FUNCTION = re.compile(
    r"""\w\(\s{0,80}["']([A-Z][A-Z0-9_]{0,60}ALLOWED_HOSTS?|ALLOWED_HOSTS?)["'](?P<rest>[^\n]*)"""
)
_OR_ALL = re.compile(r"""\bor[ \t]+\[[ \t]*["']\*""")
_LISTS_HOSTS = re.compile(r"(?:DJANGO_)?ALLOWED_HOSTS?")
_NAMES_A_HOST = re.compile(r"HOST|DOMAIN|SERVER_NAME|FQDN")
_TRUSTS = re.compile(r"CSRF_TRUSTED_ORIGINS?$|^TRUSTED_ORIGINS?$")
_ITSELF = re.compile(
    r"(?:DJANGO_|WAGTAILADMIN_)?(?:SITE|BASE|APP|PUBLIC|ROOT|EXTERNAL|WEBSITE)_(?:BASE_)?(?:URL|ROOT|ORIGIN)"
)
_THIS_MACHINE = re.compile(r"""["']https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|example\.\w+)""")
_SPLIT = re.compile(r"""\bsplit\([ \t]*(?:["']([^"'\n])["'])?""")
_LIST = re.compile(r"list|Csv\(", re.IGNORECASE)
_QUOTED = re.compile(r"""["']([\w., -]+)["']""")
_DATABASE = re.compile(r"(?:[A-Z]+_)?(?:DATABASE_UR[LI]|DB_UR[LI]|SQLALCHEMY_DATABASE_URI)")
_SQLITE = re.compile(r"(sqlite(?:\+\w+)?):///(?!:memory:)")
_SQLITE_NAME = re.compile(r"^(?:[^/]+/){0,2}[^/]+\.(?:sqlite3?|db)$")
_ASIDE = re.compile(r"(?:^|/)(?:tests?|docs?|examples?|samples?|scripts?|migrations|conftest\.py|test_)")
_SSL = re.compile(r"ssl_?(?:require|mode)", re.IGNORECASE)
_FILE = re.compile(
    r"""sqlite3["'],?[ \t]*\n[ \t]*["']NAME["'][ \t]*:[^\n"']{0,80}(?:environ(?:\.get)?[(\[]|getenv\()"""
    r"""[ \t]*["'](\w+)["'][ \t]*,"""
)
_NEEDED = re.compile(r"environ[ \t]*\[|(?:env|config)(?:\.str)?\(")
_IS_SET = re.compile(r"\][ \t]*=(?!=)")
_OR_OTHER = re.compile(r"""\bor[ \t]+(?!None\b|["']{2})""")
FILES: Sequence[str] = (".env", *(f"{folder}/.env" for folder in ("app", "src", "config", "backend")))
_READS_FILE = re.compile(r"dotenv|read_env|decouple|env_file|environs")
_SET = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Z][A-Z0-9_]{1,60})[ \t]*=[ \t]*[^\s#]", re.MULTILINE)
_KEEPS = re.compile(r"[A-Z][A-Z0-9_]{0,30}_DATA_(?:DIR|PATH|ROOT|FOLDER|DIRECTORY)")
_LAST = re.compile(r"""[/"']([\w.-]+)/?["'][ \t)]*$""")
_FAR = 200
_MOST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A variable that is set unless the user sets it; ``value`` names what a release is told, ``note`` says so."""

    name: str
    value: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A variable that an expression reads first: its name, and the ``text`` that reads it, as far as its name."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A variable that is read, what it is where nobody sets it, and what the text does with it; ``is_open``: it lets in
    everybody then.
    """

    name: str
    before: str
    default: str
    separator: str
    is_needed: bool
    has_other: bool
    is_open: bool


def first_read(made: str) -> Named | None:
    """The variable that an expression reads first, None where it reads none."""
    match = _READ.search(made)
    return None if match is None else Named(name=match[2], text=match[0])


def hosts(texts: Sequence[str]) -> Iterator[Given]:
    """The variables that Django's ALLOWED_HOSTS is made of, and those of the origins that it trusts."""
    for text in texts:
        inside = [
            each
            for match in _ALLOWED.finditer(text)
            for each in reads(assigned(text, match.end()))
            if _NAMES_A_HOST.search(each.name)
        ]
        called = [
            each for match in _ALLOWED.finditer(text) if not inside for each in _called(assigned(text, match.end()))
        ]
        for each in (*inside, *called, *(each for each in reads(text) if _LISTS_HOSTS.fullmatch(each.name))):
            if not each.is_open:
                note = f"ALLOWED_HOSTS comes from {each.name}, and is its own host names unless you set it."
                yield Given(name=each.name, value=_joined(each, DOMAINS, DOMAIN), note=note)
        for each in reads(text):
            if _TRUSTS.search(each.name) and not each.is_open:
                value = ORIGINS if each.separator == "," else ADDRESS
                note = f"CSRF_TRUSTED_ORIGINS comes from {each.name}, and is its own address unless you set it."
                yield Given(name=each.name, value=value, note=note)


def _called(made: str) -> Iterator[Read]:
    """The list of hosts that a function of which nothing is known is told the name of."""
    match = _BY_A_FUNCTION.search(made)
    if match is not None and not made.lstrip().startswith("["):
        yield Read(
            name=match[1],
            before="",
            default=match["rest"],
            separator=",",
            is_needed=False,
            has_other=False,
            is_open="*" in made,
        )


def itself(texts: Sequence[str]) -> Iterator[Given]:
    """The variables with its own address, which is one of this machine where nobody sets it."""
    for each in (each for text in texts for each in reads(text)):
        if _ITSELF.fullmatch(each.name) and _THIS_MACHINE.match(each.default):
            yield Given(name=each.name, value=ADDRESS, note=f"{each.name} is its own address unless you set it.")


def https(texts: Sequence[str]) -> Iterator[Given]:
    """The variable by which Django sends everybody on to HTTPS, unless it does not where nobody sets it."""
    for text in texts:
        for match in _LEADS_TO_HTTPS.finditer(text):
            value = assigned(text, match.end())
            for each in reads(value):
                is_on = each.is_needed or not _IS_OFF.match(each.default.strip())
                if is_on and _NAMES_HTTPS.search(each.name) and not _TURNED_ROUND.search(value):
                    off = next((off for pattern, off in _OFFS if pattern.search(value)), "False")
                    note = f"{each.name} is {off or 'empty'} while its address has no HTTPS, unless you set it."
                    yield Given(name=each.name, value=f"{off}{PLAIN}", note=note)


def folders(texts: Sequence[str], tree: Tree) -> Iterator[Given]:
    """The variable that names the folder of its data, where that is one of its own while nobody sets it, and the
    repository puts nothing there.
    """
    for each in (each for text in texts for each in reads(text)):
        last = _LAST.search(each.default)
        is_filled = last is not None and any(name.startswith(f"{last[1]}/") for name in tree.names)
        if _KEEPS.fullmatch(each.name) and last is not None and not is_filled:
            yield Given(name=each.name, value=DATA, note=f"{each.name} is the folder that stays, unless you set it.")


def sources(tree: Tree) -> list[str]:
    """The texts of its own sources, as far as they were read."""
    names = (name for name in sorted(tree.contents) if name.endswith(".py") and not _ASIDE.search(name))
    return [*spelled_out([python_code.source(tree, name) for name in names])]


def of_file(tree: Tree) -> frozenset[str]:
    """The variables of a file of them that is in the repository and read by the sources: theirs, as it is written."""
    if not any(_READS_FILE.search(python_code.source(tree, name)) for name in tree.contents if name.endswith(".py")):
        return frozenset()
    return frozenset(name for file in FILES for name in _SET.findall(tree.text(file)))


def has_database(tree: Tree) -> bool:
    """Whether the repository brings a file of SQLite, which would be missed elsewhere."""
    return any(_SQLITE_NAME.search(name) for name in tree.names)


def database(texts: Sequence[str]) -> Given | None:
    """The variable that leads to the database, where that is a file of SQLite as long as nobody sets it."""
    named = [each for text in texts for each in reads(text)]
    for text in texts:
        if (match := _FILE.search(text)) and [each.name for each in named].count(match[1]) == 1:
            return _stays(match[1], f"{DATA}/db.sqlite3")
        read = [*_READ.finditer(text)][:_MOST]
        ends = [*(each.start() for each in read[1:]), len(text)]  # what follows the next one is of that
        for match, end in zip(read, ends, strict=False):
            after = text[match.end() : min(end, match.end() + _FAR)].split("\n\n")[0]
            kind = _SQLITE.search(after)
            may_lack = "[" not in match[1] and not _SSL.search(after)
            if may_lack and kind is not None and _DATABASE.fullmatch(match[2]):
                return _stays(match[2], f"{kind[1]}:///{DATA}/db.sqlite3")
    return None


def _stays(name: str, value: str) -> Given:
    said = "the database is a file of SQLite in the folder that stays (DATA_DIR)"
    return Given(name=name, value=value, note=f"Unless you set {name}, {said}.")


def _joined(read: Read, several: str, one: str) -> str:
    """Its own hosts, those of checks on this machine, and those that the text names itself."""
    if not read.separator:
        return one
    own = (each.strip() for quoted in _QUOTED.findall(read.default) for each in quoted.split(read.separator))
    first = several if read.separator == "," else one
    return read.separator.join(dict.fromkeys((first, "localhost", "127.0.0.1", *(each for each in own if each))))


def reads(text: str) -> Iterator[Read]:
    for count, match in enumerate(_READ.finditer(text)):
        if count == _MOST:
            return
        after = text[match.end() : match.end() + _FAR]
        line = after.split("\n", maxsplit=1)[0]
        default = _DEFAULT.match(after)
        split = _SPLIT.search(after)
        separator = (split[1] or " ") if split else "," if _LIST.search(match[1] + line) else ""
        yield Read(
            name=match[2],
            before=text[text.rfind("\n", 0, match.start()) + 1 : match.start()][-_FAR:],
            default=default[1] if default else "",
            separator=separator,
            has_other=_OR_OTHER.search(line) is not None,
            is_open="*" in (default[1] if default else "") or _OR_ALL.search(line) is not None,
            is_needed=_NEEDED.fullmatch(match[1]) is not None
            and not (default and default[1])
            and not _IS_SET.match(line),
        )
