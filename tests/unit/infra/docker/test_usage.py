"""The layers of an image, from what an engine tells of it."""

from __future__ import annotations

from headway.infra.docker.usage import layers_of

BASE = ("", 97)
BUILT = [
    BASE,
    ("ENV A=1", 0),
    ("WORKDIR /a/b", 0),
    ("RUN /bin/sh -c true # buildkit", 0),
    ("RUN |1 V=1 /bin/sh -c make # buildkit", 30),
    ("COPY f /f # buildkit", 2),
    ("LABEL x=y", 0),
    ('CMD ["sleep"]', 0),
]
DIFFS = ["base", "workdir", "empty", "make", "file"]


def sizes(*arguments: object) -> list[int]:
    return [layer.bytes for layer in layers_of(*arguments)]  # type: ignore[arg-type]


def test_each_layer_has_the_bytes_of_the_step_that_made_it() -> None:
    assert sizes(DIFFS, BUILT, 129, 97) == [97, 0, 0, 30, 2]


def test_a_layer_is_known_by_all_that_is_below_it() -> None:
    one = layers_of(["base", "x"], [("", 9), ("RUN a", 1)], 10, 9)
    other = layers_of(["other", "x"], [("", 9), ("RUN a", 1)], 10, 9)
    same = layers_of(["base", "x", "y"], [("", 9), ("RUN a", 1), ("COPY y /", 3)], 13, 10)
    assert one[1].chain != other[1].chain
    assert one == same[:2]


def test_a_working_folder_that_was_there_makes_no_layer() -> None:
    assert sizes(["base", "empty", "make", "file"], BUILT, 129, 97) == [97, 0, 30, 2]


def test_notes_of_the_older_builder_make_none() -> None:
    history = [("/bin/sh -c #(nop) ADD file:1 in /", 97), ("/bin/sh -c #(nop)  CMD [x]", 0), ("/bin/sh -c make", 3)]
    assert sizes(["base", "make"], history, 100, 97) == [97, 3]


def test_what_cannot_be_told_apart_is_one_layer_upon_what_is_shared() -> None:
    assert sizes(["base", "x", "y"], [("", 97), ("RUN a", 5)], 102, 97) == [97, 5]
    assert sizes(["base", "x"], [("", 97), ("RUN a", 5)], 120, 97) == [97, 23]
