"""The forms of a secret are those that real programs print."""

from __future__ import annotations

import base64
import html
import json
import random
import re
import shlex
import subprocess
import urllib.parse
from collections.abc import Callable, Mapping

import pytest

from headway.infra.logs.mask import Masker
from headway.infra.logs.variants import variants_of

AWKWARD = "pä$$ 'w\"ö/rd' <&> +=\\n%41\t~!*x"
KEY = "-----BEGIN KEY-----\n" + "\n".join("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw"[n:] + "x" * n for n in range(6)) + "\n"
PRINTED_BY: Mapping[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "percent": urllib.parse.quote,
    "percent, strict": lambda text: urllib.parse.quote(text, safe=""),
    "percent, lower case": lambda text: re.sub(
        "%..", lambda match: match[0].lower(), urllib.parse.quote(text, safe="")
    ),
    "form": urllib.parse.quote_plus,
    "form, as browsers write it": lambda text: urllib.parse.quote_plus(text, safe="*").replace("~", "%7E"),
    "json": json.dumps,
    "json, not ascii": lambda text: json.dumps(text, ensure_ascii=False),
    "json, upper case": lambda text: re.sub(
        r"\\u[0-9a-f]{4}", lambda match: match[0].upper().replace("U", "u"), json.dumps(text)
    ),
    "json, slashes escaped": lambda text: json.dumps(text).replace("/", "\\/"),
    "shell": shlex.quote,
    "python": repr,
    "python, bytes": lambda text: repr(text.encode()),
    "html": html.escape,
    "html, decimal": lambda text: html.escape(text).replace("&#x27;", "&#39;"),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "crlf": lambda text: text.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("secret", [AWKWARD, KEY.strip(), "it's", 'a"b"c"d"', "söme-päss-wörd"], ids=range(5))
@pytest.mark.parametrize("form", PRINTED_BY)
def test_a_secret_is_masked_in_every_form(form: str, secret: str) -> None:
    printed = PRINTED_BY[form](secret)
    masked = Masker([secret]).mask(f"before {printed} after\n".encode()).decode()
    left = masked.removeprefix("before ").removesuffix(" after\n").strip("'\"b").replace("******", "")
    assert left.strip("=") in {"", base64.b64encode(secret.encode())[-2:].decode().strip("=")}


@pytest.mark.parametrize("width", [0, 4, 60, 64, 76])
@pytest.mark.parametrize(
    "before", ["", "x", "xy", "xyz", "KEY=", "a much longer text stands before it, longer than a line is"]
)
@pytest.mark.parametrize("secret", ["hunter2hunter2", AWKWARD, KEY], ids=["short", "awkward", "several lines"])
def test_base64_of_a_longer_text_is_masked_however_it_is_wrapped(secret: str, before: str, width: int) -> None:
    encoded = subprocess.run(
        ["base64", f"--wrap={width}"], input=f"{before}{secret} after".encode(), capture_output=True, check=True
    ).stdout
    masked = Masker([secret]).mask(encoded)
    assert b"******" in masked
    assert len(b"".join(masked.split())) <= len(base64.b64encode(before.encode())) + len(b"******") + 12


def test_base64_for_urls_is_masked() -> None:
    secret = "???>>>~~~ÿÿÿ"
    masked = Masker([secret]).mask(base64.urlsafe_b64encode(b"ab" + secret.encode() + b"cd"))
    assert masked.count(b"******") == 1
    assert b"Pz8_" not in masked


def test_the_lines_of_a_key_are_masked_one_by_one_too() -> None:
    lines = KEY.splitlines()
    masked = Masker([KEY]).mask(f"    {lines[2]}\n| {lines[4]} |\n".encode())
    assert masked == b"    ******\n| ****** |\n"


def test_a_key_kept_on_one_line_is_masked_when_its_program_has_made_lines_of_it() -> None:
    secret = KEY.strip().replace("\n", "\\n")
    assert Masker([secret]).mask(KEY.encode()) == b"******\n"
    assert Masker([secret]).mask(secret.encode()) == b"******"


def test_white_space_around_a_secret_does_not_hide_it() -> None:
    assert Masker(["  hunter2\n"]).mask(b"is: hunter2.") == b"is: ******."


@pytest.mark.parametrize("secret", ["", "   ", "abc", "\n", "ä"])
def test_what_is_shorter_than_four_bytes_is_no_secret(secret: str) -> None:
    variants = variants_of([secret])
    assert (variants.exact, variants.wrapped) == ((), ())


def test_short_lines_of_a_long_secret_stay_readable() -> None:
    secret = '{\n    "a": 1,\n    "private": "0123456789abcdef"\n}'
    masked = Masker([secret]).mask(b"{\n    ok\n}\n")
    assert masked == b"{\n    ok\n}\n"


def test_an_environment_value_that_is_no_utf8_is_masked_as_the_log_shows_it() -> None:
    secret = b"caf\xe9-secret".decode("utf-8", "surrogateescape")
    assert Masker([secret]).mask(b"caf\xe9-secret") == b"******"
    assert Masker(["\ud800lone-surrogate"]).mask(b"?lone-surrogate") == b"******"


def test_the_forms_come_in_one_order_whatever_the_order_of_the_secrets() -> None:
    assert variants_of([AWKWARD, KEY, "hunter2"]) == variants_of(["hunter2", KEY, AWKWARD, "hunter2"])


def test_many_lines_are_masked_by_few_patterns() -> None:
    dice = random.Random(1)
    lines = ["".join(dice.choices("abc/+ \"'<ABCDEF0123456789=", k=9)).strip().ljust(8, "x") for _ in range(13_000)]
    secret = "\n".join(lines)
    masker = Masker([secret, "hunter2 & more"])
    assert len(masker.variants.exact) + len(masker.variants.wrapped) < 20_000
    assert masker.mask(f"hunter2%20%26%20more {lines[-1]} {lines[7000]}".encode()) == b"****** ****** ******"
    assert masker.mask(base64.b64encode(secret.encode())).strip(b"=") == b"******"
    assert masker.mask(json.dumps(secret).encode()) == b'"******"'
    assert masker.mask(urllib.parse.quote(lines[0]).encode()) == b"******", (
        "the first lines are looked for in all forms"
    )


def test_very_many_secrets_are_all_masked_as_they_stand() -> None:
    secrets = [f"secret/{number:06}" for number in range(5_000)]
    masker = Masker(secrets)
    assert len(masker.variants.exact) + len(masker.variants.wrapped) < 30_000
    assert masker.mask(" ".join(secrets).encode()) == b" ".join([b"******"] * len(secrets))
