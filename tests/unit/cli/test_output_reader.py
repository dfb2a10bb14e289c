"""What a follower of an application's output sees of it."""

from __future__ import annotations

import io

from headway.cli.output_reader import Writer


def shown(*pieces: tuple[str, str | None, str], steers: bool = False) -> str:
    stream = io.StringIO()
    writer = Writer(stream, steers=steers)
    for release, process, text in pieces:
        writer.show((release, process), text)
    return stream.getvalue()


def test_the_lines_of_several_processes_bear_their_names_and_never_mix() -> None:
    assert shown(("r", "web", "one\ntw"), ("r", "web", "o\nthr"), ("r", "worker", "x\n"), ("r", "web", "ee\n")) == (
        "web | one\nweb | two\nweb | thr\nworker | x\nweb | ee\n"
    )
    assert shown(("r", None, "one\ntw"), ("r", None, "o\n")) == "one\ntwo\n"


def test_a_terminal_is_given_colours_and_nothing_that_steers_it_however_it_is_cut() -> None:
    text = "a\x1b]0;title\x07b\x1b[31mred\x1b[0m\x1b[2J\x1b[5;5Hc\x08\n"
    for cut in range(len(text)):
        told = shown(("r", None, text[:cut]), ("r", None, text[cut:]), steers=True)
        assert told == "ab\x1b[31mred\x1b[0mc\n", cut
    assert shown(("r", None, text)) == text
