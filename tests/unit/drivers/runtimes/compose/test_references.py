"""What a YAML text comes to, counted without following its references."""

from __future__ import annotations

import time

import pytest

from headway.drivers.runtimes.compose.references import TooMuch, require_few


def bomb(levels: int, each: int = 9) -> str:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * each)}]" for n in range(1, levels)]
    return "\n".join(lines)


MERGES = "\n".join(["m0: &m0 {x: 1}"] + [f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}" for n in range(1, 30)])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (bomb(9), "more than 1000 references"),
        (bomb(300, 2), "more than 1000 references"),
        (MERGES, "more than 1000 references"),
        ("a: &a [" + "x, " * 9_000 + "x]\nb: [*a, *a]", "more than 10000 values"),
        ("a: [" + "x, " * 30_000 + "x]", "more than 10000 values"),
        ("a: &a [1]\n" + "b: [" + "*a, " * 1001 + "*a]", "more than 1000 references"),
        ("[" * 65 + "]" * 65, "nested more than 64 deep"),
        ("a: &a [*a]", "within what it stands for"),
        ("a: &a {b: {c: *a}}", "within what it stands for"),
        ("--- &d\na: 1\nb: *d\n", "within what it stands for"),
    ],
)
def test_a_text_that_comes_to_too_much_is_refused_at_once(text: str, said: str) -> None:
    began = time.process_time()
    with pytest.raises(TooMuch, match=said):
        require_few(text, 1000)
    assert time.process_time() - began < 1


def test_references_as_people_write_them_are_few() -> None:
    common = "x-common: &common\n  restart: always\n  logging: {driver: json-file}\n"
    services = "".join(f"  s{n}:\n    <<: *common\n    image: debian\n" for n in range(300))
    require_few(common + "services:\n" + services, 1000)
    require_few("a: &a 1\na: &a [1, 2]\nb: *a\n--- {c: 1}\n", 2)
    require_few("", 0)
