"""Whether the value of a variable is taken for a secret: by what its name says, then by what it looks like.

Whatever nothing speaks for is one: a word too many that is masked is a smaller harm than one too few.
"""

from __future__ import annotations

import ipaddress
import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TOKENS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_NAMES = _words(
    """
    APIKEY AUTHORIZATION BEARER CERT CERTIFICATE CREDENTIAL CREDENTIALS CREDS DSN ENCRYPTION HASH HMAC JWT KEY
    KEYS LICENSE NONCE OTP PASS PASSPHRASE PASSWD PASSWORD PASSWORDS PEM PEPPER PIN PRIVATE PSK PW PWD SALT
    SECRET SECRETS SEED SIGNATURE SIGNING TOKEN TOKENS TOTP WEBHOOK
    """
)
_SECRET_WITHIN = re.compile("secret|token|passw|passphrase|apikey|credential|privatekey", re.IGNORECASE)
# What a name ends with that says what kind of thing its value is.
_OPEN_ENDINGS = _words(
    """
    ADDRESS BACKEND BASE BIND BRANCH BROKER BROKERS BUCKET BYTES CITY COLOR COUNT COUNTRY CURRENCY DATABASE DB
    DIR DIRECTORY DOMAIN DOMAINS DRIVER EMAIL ENABLED ENDPOINT ENDPOINTS ENGINE ENV ENVIRONMENT FILE FOLDER
    FORMAT FROM HOST HOSTNAME HOSTS KIND LANGUAGE LEVEL LIMIT LOCALE MINUTES MODE MODULE NAME ORIGIN ORIGINS
    PATH PORT PREFIX PROVIDER QUEUE REGION SCHEMA SECONDS SERVER SERVERS SIZE SITE STAGE SUFFIX TABLE TAG THEME
    THREADS TIER TIMEOUT TIMEZONE TITLE TOPIC TYPE URI URL URLS USER USERNAME VERSION WORKERS ZONE
    """
)
_ENDINGS_OF_HOSTS = _words(
    """
    ai app arpa at au be biz br ca ch cloud cluster cn co com cz de dev dk edu es eu example fi fr gov home in
    info int internal invalid io it jp lan local localdomain localhost me net nl no nz online org pl pt ru se
    site svc tech test uk us xyz
    """
)
# Letters as words have them, and numbers beside them: nothing that was drawn by lot.
_PLAIN = re.compile(r"[A-Z]?[a-z]{1,20}\d{0,4}|[a-z]{2,12}(?:[A-Z][a-z]{2,12}){1,4}|[A-Z]{1,16}\d{0,4}|v?\d{1,8}")
_WORD = re.compile(r"[A-Za-z]?[a-z]{1,11}")
_PIECES = re.compile(r"[ _./:,;@+-]+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_URL = re.compile(
    r"(?:jdbc:)?[a-z][a-z0-9+.-]{0,31}://(?:(?P<user>[^/?#@:]*)@)?(?P<host>\[[0-9a-f:.]+\]|[^/?#@:\[\]]*)(?::\d{1,5})?(?P<path>/[^?#]*)?",
    re.IGNORECASE,
)
_HOST = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^\s/?#@:\[\]]+)(?::(?P<port>\d{1,5}))?", re.IGNORECASE)
_EMAIL = re.compile(r"(?P<user>[^\s@:/]+)@(?P<host>[^\s@:/]+)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_VERSION = re.compile(r"v?\d{1,4}(?:\.\d{1,6}){1,3}(?:-[a-z]{1,12}\d{0,4})?")
_PATH = re.compile(r"(?:\.{0,2}/)[^\s:]*")


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable that nobody has marked is taken for a secret."""
    tokens = [token.upper() for token in _TOKENS.findall(name)]
    if _SECRET_WITHIN.search(name.replace("_", "")) or not _SECRET_NAMES.isdisjoint(tokens):
        return True
    tells = bool(tokens) and tokens[-1] in _OPEN_ENDINGS
    text = value.strip()
    return not all(_is_open(each.strip(), tells=tells) for each in text.split(","))


def _is_open(text: str, *, tells: bool) -> bool:
    """Whether it looks like something that is no secret. ``tells``: its name says what kind of thing it is."""
    if _WORD.fullmatch(text) or _MOMENT.fullmatch(text) or _VERSION.fullmatch(text):
        return True
    if (url := _URL.fullmatch(text)) is not None:
        user, path = url["user"] or "", url["path"] or ""
        is_token = bool(user) and text.lower().startswith("http")  # a name alone is what opens it there
        return _is_host(url["host"], is_named=True) and _is_plain(user) and _is_plain(path) and not is_token
    host = _HOST.fullmatch(text)
    if host is not None and (tells or "." in host[1] or host[1] == "localhost") and _is_host(host[1], is_named=tells):
        return True
    if (mail := _EMAIL.fullmatch(text)) is not None:
        return _is_plain(mail["user"]) and _is_host(mail["host"], is_named=True)
    return (tells or _PATH.fullmatch(text) is not None) and _is_plain(text) and not {*":@"} & {*text}


def _is_plain(text: str) -> bool:
    return all(_PLAIN.fullmatch(piece) for piece in _PIECES.split(text) if piece)


def _is_host(text: str, *, is_named: bool) -> bool:
    """Whether it is an address, or a name of a host. Where nothing else says that it is one, by its ending."""
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        labels = text.rstrip(".").split(".")
        is_name = all(_LABEL.fullmatch(label) for label in labels) and _is_plain(text)
        return is_name and (is_named or labels[-1].lower() in _ENDINGS_OF_HOSTS)
    return True
