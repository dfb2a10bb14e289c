"""What Headway says itself in a log: whole whatever a secret is, and of what it quotes no secret shows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import headway
from headway.infra.logs.mask import MASK, Masker
from headway.kernel.phrase import phrase, plain, plain_bytes

SOURCE = Path(headway.__file__).parent
WORDS = "The new release is healthy. ~ {} it is"
SAYERS = ("core", "drivers", "features")
# What is said there is not Headway's own: lines of programs, and what others have said already.
RELAYED = {
    ("features/servers/auxiliary_run.py", "text"),
    ("features/servers/auxiliary_run.py", '"\\n".join(lines)'),
    ("features/services/application/last_output.py", 'line if name is None else f"{name} | {line}"'),
    ("features/edge/domain_snapshots.py", "line"),  # phrases
    ("features/backups/database/restore.py", "_plan_of(plan, held)"),
    ("features/servers/setup.py", "_told(facts)"),
    ("drivers/buildplan/toolchains/entries.py", "output"),
    ("drivers/builders/plan_image.py", '"\\n".join(plan.lines)'),  # as below
    ("drivers/builders/native.py", '"\\n".join(plan.lines)'),  # most of it is quoted from the repository
    ("drivers/builders/native.py", "f\"versions: {'; '.join(provided.lines)}\""),  # as the repository asks for them
}


@given(secrets=st.lists(st.sampled_from(["healthy", "release", "The new release", "new", "is healthy.", "ease is"])))
def test_no_secret_blackens_what_headway_says_itself(secrets: list[str]) -> None:
    masker = Masker(secrets)
    assert masker.mask_text(phrase("The new release is healthy.")) == "The new release is healthy."
    assert masker.mask_text("The new release is healthy.") == "The new release is healthy." or secrets


@given(secret=st.text(min_size=4).filter(lambda text: len(text.strip().encode()) >= 4), data=st.data())
def test_of_what_it_quotes_no_secret_shows_however_it_comes(secret: str, data: st.DataObject) -> None:
    output = phrase(WORDS, f"<{secret}>").encode()
    stream, shown = Masker([secret]).stream(), b""
    for place in sorted(data.draw(st.lists(st.integers(0, len(output)), max_size=4))):
        taken, output = output[:place], output[place:]
        shown += stream.feed(taken)
    shown += stream.feed(output) + stream.finish()
    assert secret.strip().encode() not in shown.replace(WORDS.encode(), b"").replace(b"<******>", b"")
    assert shown.startswith(b"The new release is healthy. ~ <")
    assert shown.endswith(b"> it is")
    assert MASK in shown


def test_phrases_may_be_quoted_within_phrases_and_are_read_as_they_were_meant() -> None:
    said = phrase("Built as {}, by {}.", phrase("a site"), "shop")
    assert plain(said) == "Built as a site, by shop."
    assert plain_bytes(said.encode()) == b"Built as a site, by shop."
    assert plain("") == ""


def test_a_phrase_quotes_as_many_values_as_it_is_given() -> None:
    with pytest.raises(ValueError, match="quotes 1 values, and there are 0"):
        phrase("Built as {}.")


def test_everything_that_is_said_in_a_log_is_a_phrase_or_known_to_be_of_others() -> None:
    found = dict(_said())
    plain_ones = {(file, text) for (file, _), text in found.items() if not text.startswith("phrase(")}
    assert plain_ones - RELAYED == set()
    assert RELAYED - plain_ones == set(), "nothing is listed that is no more"
    assert len(found) > 60


def _said() -> Iterator[tuple[tuple[str, int], str]]:
    for path in (each for folder in SAYERS for each in (SOURCE / folder).rglob("*.py")):
        text = path.read_text()
        for node in ast.walk(ast.parse(text if ".say(" in text else "")):
            match node:
                case ast.Call(func=ast.Attribute(attr="say"), args=[only]):
                    yield (str(path.relative_to(SOURCE)), node.lineno), ast.get_source_segment(text, only) or ""
