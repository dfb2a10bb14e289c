"""The secrets that the proof of secrets deploys with, and the search for them and for pieces of them."""

from __future__ import annotations

import os
import random
import secrets
import string
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.proofs._printer import cores

WINDOW = 24  # so much of a form in one piece is a leak, or all of it where it is shorter
SHORTEST_LINE = 8
DICE = random.Random(secrets.token_bytes(8))


def text_of(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """A random text."""
    return "".join(DICE.choice(alphabet) for _ in range(length))


def make_secrets() -> dict[str, str]:
    """Awkward secrets, new ones for each run."""
    lines = "\n".join(text_of(64, string.ascii_letters + string.digits + "+/") for _ in range(24))
    printable = string.ascii_letters + string.digits + string.punctuation + " "
    return {
        "LEAK_SHORT": text_of(9),
        "LEAK_PLAIN": f"sk-live-{text_of(32)}",
        "LEAK_UNICODE": f"pässwörd {text_of(10, 'äöüßéñçøłžабвгд漢字仮名')} 🔑 {text_of(10, 'абвгдеёжз')}",
        "LEAK_KEY": f"-----BEGIN PRIVATE KEY-----\n{lines}\n{text_of(21)}=\n-----END PRIVATE KEY-----\n",
        "LEAK_QUOTED": f"it's \"{text_of(8)}\" \\back\\{text_of(6)}\\ $HOME `id` {text_of(8)} %s '",
        "LEAK_URL": f"https://user:{text_of(8)}@db/x?a={text_of(6)}&b=c#d e+f%20~g!*(h)',;[{text_of(8)}]",
        "LEAK_JSON": f'{{"key": "{text_of(8)}<&>", "tab\t": "\x01\x7f/{text_of(8)}"}}',
        "LEAK_LONG": text_of(4096, printable).strip(),
        "LEAK_LONG_UNICODE": text_of(2048, "äöüßéñçøłž漢字仮名🔑" + printable).strip(),
    }


def variables_text(variables: dict[str, str]) -> str:
    """The variables as a user writes them."""
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in variables.items()}
    return "".join(f"{name}='{value}'\n" for name, value in quoted.items())


@dataclass
class Leaks:
    """The pieces of secrets that must not be found; ``grep`` looks for all of them at once."""

    pieces: set[bytes] = field(default_factory=set)

    def add(self, secret: str) -> None:
        """Looks for a secret from now on, in all its forms."""
        for form in cores(secret).values():
            self._add_form(form)

    def forget(self, public: str) -> None:
        """Does not look for what is no secret."""
        self.pieces -= {piece for piece in self.pieces if piece in public.encode()}

    def _add_form(self, form: bytes) -> None:
        for line in form.replace(b"\r", b"\n").split(b"\n"):
            text = line.strip()
            if len(text) < SHORTEST_LINE or text.startswith(b"-----"):
                continue
            if len(text) <= WINDOW:
                self.pieces.add(text)
            self.pieces.update(text[at : at + WINDOW] for at in range(0, len(text) - WINDOW + 1, WINDOW // 2))

    def within(self, data: bytes) -> list[bytes]:
        """The pieces found in an answer."""
        return self._grep(["-"], data)

    def in_files(self, paths: list[Path]) -> list[bytes]:
        """Files and the pieces found in them."""
        return self._grep(["-H", *map(str, paths)], b"") if paths else []

    def _grep(self, arguments: list[str], data: bytes) -> list[bytes]:
        with tempfile.NamedTemporaryFile() as patterns:
            patterns.write(b"\n".join(sorted(self.pieces)))
            patterns.flush()
            ended = subprocess.run(
                ["grep", "-a", "-o", "-F", "-f", patterns.name, *arguments],
                input=data,
                capture_output=True,
                env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
                check=False,
            )
        # A file that went since the list was made, as what a retired release has left does, holds nothing any more.
        wrong = [line for line in ended.stderr.splitlines() if not line.endswith(b": No such file or directory")]
        assert wrong == []
        assert ended.returncode in ({0, 1, 2} if ended.stderr else {0, 1})
        return ended.stdout.splitlines()[:20]
