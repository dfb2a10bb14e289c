"""Variables with what a Python application signs by, and what else it is given where its settings are anywhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from headway.drivers.buildplan.providers.python_variables import (
    Given,
    Read,
    database,
    has_database,
    of_file,
    reads,
    sources,
)
from headway.drivers.buildplan.tree import Tree
from headway.kernel.release_facts import OTHERS, SECRET, SECRETS

_PYDANTIC = re.compile(r"\(\w*Base\w*Settings\b")
# A field of pydantic's settings that has no value, or another one at each start.
_FIELD = re.compile(
    r"^[ \t]+(\w+)[ \t]*:[ \t]*(?:pydantic\.)?(?:str|SecretStr)[ \t]*(?:=[ \t]*secrets\.token_\w+\([^\n]*)?$",
    re.MULTILINE,
)
_SIGNS = re.compile(r"""(?:SECRET_KEY["'\]]*|secret_key)[ \t]*(?::[^=\n]{0,40})?=[^=]""")
_RANDOM = re.compile(r"get_random_secret_key|token_(?:hex|urlsafe|bytes)|urandom|uuid4")
# What stands before a variable of any name that is used as the secret key: `SECRET_KEY = os.`, `Sessions(secret_key=`.
_IS_SIGNED_BY = re.compile(
    r"""(?<!\w)(?:SECRET_KEY|secret_key)["'\]]{0,2}[ \t]*(?::[^=\n]{0,40})?[=:](?!=)[ \t]*(?:\w{1,20}[.(]){0,2}$"""
)
_IS_SECRET = re.compile(r"^SECRET[ \t]*(?::[^=\n]{0,40})?=[ \t]*(?:\w{1,20}[.(]){0,2}$")
# `'secret_key': SettingsValue(str, environ_name='SHOP_SECRET')`
_ENTRY = re.compile(r"""["']secret_key["'][ \t]*:[ \t]*[A-Z]\w{0,40}\((?P<terms>[^\n)]{0,160})\)""")
_NAMED = re.compile(r"""["']([A-Z][A-Z0-9_]{0,60})["']""")
_SECRET_NAME = re.compile(r"(?:^|_)SECRET(?:_|$)")
# The keys of other services, which nobody but these can give.
_OF_OTHERS = re.compile(
    r"(?:^|_)(?:AWS|S3|R2|B2|GCS|OSS|COS|MINIO|SPACES|BUCKET|STORAGE|STRIPE|PAY\w{0,40}|RAZORPAY|CLIENT|ACCESS|API"
    r"|\w{0,40}CAPTCHA|TURNSTILE|OAUTH2?|GOOGLE|GITHUB|GITLAB|TWITTER|FACEBOOK|DISCORD|SLACK|TWILIO|MAIL\w{0,40}|WEBHOOK|LDAP|OIDC|SSO|SAML)_"
)


def of_sources(tree: Tree, keep: Collection[str]) -> tuple[Given, ...]:
    """Those of an application that has its settings where it likes: its secret, and its database. What the user has
    stay is where that is already.
    """
    texts = sources(tree)
    own = of_file(tree)
    found = {each.name: each for each in secrets(texts) if each.name not in own}
    stays = database(texts)
    if stays is not None and not keep and stays.name not in own and not has_database(tree):
        found.setdefault(stays.name, stays)
    return tuple(found.values())


def secrets(texts: Sequence[str]) -> Iterator[Given]:
    """The variables with what it signs by, where there is no such secret, or another at each start, while nobody sets
    them.
    """
    for text in texts:
        for each in reads(text):
            if _is_missing(each) if each.name in SECRETS else _is_its_own(each):
                yield _signed_by(each.name)
        yield from (_signed_by(name) for name in _of_entries(text))
        if _PYDANTIC.search(text) and "env_prefix" not in text:
            names = (match[1].upper() for match in _FIELD.finditer(text))
            yield from (_signed_by(name) for name in names if name in SECRETS)


def _is_missing(read: Read) -> bool:
    """Of a variable that is called what all call it: whether nothing lasting takes its place."""
    is_missing = read.is_needed or (not read.default and not read.has_other and _SIGNS.search(read.before))
    return bool(is_missing or _RANDOM.search(read.default))


def _is_its_own(read: Read) -> bool:
    """Of a variable with any name: whether it is the secret key of the application, and nothing lasting takes its
    place.
    """
    is_used = _IS_SIGNED_BY if read.name != OTHERS else _IS_SECRET
    may_be = _SECRET_NAME.search(read.name) is not None and _OF_OTHERS.search(read.name) is None
    if not may_be or is_used.search(read.before) is None or "access_key" in read.before.lower():
        return False
    is_empty = not read.default.strip("\"' ") and not read.has_other
    return is_empty or read.is_needed or _RANDOM.search(read.default) is not None


def _of_entries(text: str) -> Iterator[str]:
    """The names in the entries of a table of settings, where these have no value beside."""
    for match in _ENTRY.finditer(text):
        quoted = re.findall(r"""["'][^"'\n]{0,80}["']""", match["terms"])
        names = [each for each in _NAMED.findall(match["terms"]) if _SECRET_NAME.search(each)]
        if len(quoted) == len(names) == 1 and _OF_OTHERS.search(names[0]) is None:
            yield names[0]


def _signed_by(name: str) -> Given:
    note = f"{name} is a secret of its own, the same for each release, unless you set it."
    return Given(name=name, value=SECRET, note=note)
