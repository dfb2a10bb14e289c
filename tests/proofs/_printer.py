"""Prints secrets in every form in which programs do: a program that the proof of secrets deploys, and whose forms it
looks for afterwards. It knows nothing of Headway, and the standard library is all that it needs.

``python3 printer.py PLACE WAYS STATUS QUOTED`` prints the values of all variables called ``LEAK_…`` in each of the
``WAYS`` (with commas between them), then, if ``QUOTED`` names a variable and a form (with a comma between), an error
line that quotes it, and ends with ``STATUS``.
"""

from __future__ import annotations

import base64
import html
import json
import os
import random
import shlex
import sys
import time
import urllib.parse

PIPE_BYTES = 65536


def forms(secret: str) -> dict[str, bytes]:
    """A secret's forms by their names, as they are printed: what surrounds the secret in base64 is printed with it."""
    raw = secret.encode()
    form_safe = urllib.parse.quote_plus(secret, safe="*").replace("~", "%7E")
    texts = {
        "plain": secret,
        "url": urllib.parse.quote(secret, safe=""),
        "url path": urllib.parse.quote(secret),
        "url plus": urllib.parse.quote_plus(secret),
        "url form": form_safe,
        "json": json.dumps(secret),
        "json utf-8": json.dumps(secret, ensure_ascii=False),
        "repr": repr(secret),
        "shell": shlex.quote(secret),
        "html": html.escape(secret),
        "hex": raw.hex(),
    }
    found = {name: text.encode() for name, text in texts.items()}
    for before in range(3):
        found[f"base64 at {before}"] = base64.b64encode(b"x" * before + raw + b"yz")
        found[f"base64 for urls at {before}"] = base64.urlsafe_b64encode(b"x" * before + raw + b"yz")
        found[f"base64 in lines at {before}"] = base64.encodebytes(b"x" * before + raw + b"yz")
    found["base64"] = base64.b64encode(raw)
    return found


def cores(secret: str) -> dict[str, bytes]:
    """The forms without what stands around the secret in them: what must not be found."""
    raw = secret.encode()
    found = forms(secret)
    for before in range(3):
        first, last = (before * 8 + 5) // 6, (before + len(raw)) * 8 // 6
        for kind in ("base64", "base64 for urls"):
            found[f"{kind} at {before}"] = found[f"{kind} at {before}"][first:last]
        found[f"base64 in lines at {before}"] = found[f"base64 at {before}"]
    found["base64"] = found["base64"].rstrip(b"=")[: len(raw) * 8 // 6]
    return found


def leaks() -> dict[str, str]:
    """The secrets of this environment."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith("LEAK_")}


def write(data: bytes) -> None:
    """Writes all of it, in as few writes as the pipe takes."""
    while data:
        data = data[os.write(1, data) :]


def marked(place: str, name: str, form: str, data: bytes) -> bytes:
    """A form between marks that say what it is."""
    return f"<{place} {name} {form}|".encode() + data + b"|>\n"


def at_once(place: str) -> None:
    """Every form in a write of its own."""
    for name, secret in leaks().items():
        for form, data in forms(secret).items():
            write(marked(place, name, form, data))


def by_bytes(place: str) -> None:
    """Every form byte by byte, with pauses."""
    generator = random.Random(place)
    for name, secret in leaks().items():
        for form, data in forms(secret).items():
            whole = marked(f"{place} by bytes", name, form, data)
            for position in range(len(whole)):
                write(whole[position : position + 1])
                if len(whole) < 400 and generator.random() < 0.02:
                    time.sleep(0.001)
        time.sleep(0.02)


def over_the_pipe(place: str) -> None:
    """Every form once so that the end of a pipe's room falls into it, in one large write."""
    generator = random.Random(place)
    for name, secret in leaks().items():
        for form, data in forms(secret).items():
            whole = marked(f"{place} over the pipe", name, form, data)
            cut = generator.randrange(1, len(whole))
            line = b"-" * 99 + b"\n"
            filling = line * (PIPE_BYTES // len(line) + 1)
            write(filling[: PIPE_BYTES - cut - 1] + b"\n" + whole)


def for_ever(place: str) -> None:
    """Secrets and nothing else, slowly enough that the end can come anywhere in one."""
    secrets = list(leaks().values())
    generator = random.Random()
    while True:
        for form in forms(generator.choice(secrets)).values():
            for position in range(0, len(form), 7):
                write(form[position : position + 7])
                time.sleep(0.0005)
            write(b"\n")


def more_than_is_kept(place: str) -> None:
    """Secrets without any space between them, until six megabytes are printed."""
    secrets = list(leaks().values())
    generator = random.Random()
    printed = 0
    while printed < 6 << 20:
        data = generator.choice(list(forms(generator.choice(secrets)).values()))
        write(data + b"\n")
        printed += len(data)


WAYS = {
    "at once": at_once,
    "by bytes": by_bytes,
    "over the pipe": over_the_pipe,
    "for ever": for_ever,
    "more than is kept": more_than_is_kept,
}


def main() -> None:
    """See the module's docstring."""
    place, ways, status, quoted = sys.argv[1:]
    for way in filter(None, ways.split(",")):
        WAYS[way](place)
    if quoted:
        name, form = quoted.split(",")
        os.write(2, b"Error: the other side refuses " + forms(os.environ[name])[form] + b"\n")
    sys.exit(int(status))


if __name__ == "__main__":
    main()
