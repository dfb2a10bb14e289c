"""No pattern of the product takes quadratic time for any text that it may be given: a single search cannot be
interrupted, and holds up the whole panel. Those that would are named here, each with what bounds its texts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from tests.support.hostile_texts import longest, slowest
from tests.support.product_patterns import Patterns

FEWEST = 1_500
MOST_SECONDS = 0.1  # of a processor, for the worst text within a bound
_LINE = "visible (kernel/lines.py) shows no more of a line, and telling_line looks at 600 of those that say anything"
_GIT = "no more is left of a line (_HEAD_OF_LINE, _TAIL_OF_LINE); in all it is 16 KiB (_READ_CHARACTERS)"
# By the constant that they are or stand in: the longest text that they are given, and why none is longer.
BOUNDED: Mapping[str, tuple[int, str]] = {
    "headway.kernel.failures.line_choice._FRAME": (2_000, _LINE),
    "headway.kernel.failures.line_choice._LEADS_ON": (2_000, _LINE),
    "headway.kernel.failures.line_choice._OF_A_TRACE": (2_000, _LINE),
    "headway.kernel.failures.line_choice._OUT_OF_STEP": (2_000, _LINE),
    "headway.kernel.failures.line_choice._SAYS_NOTHING": (2_000, _LINE),
    "headway.kernel.lines._ESCAPE_SEQUENCES": (2_000, "visible shows no more of a line (_MOST_LOOKED_AT)"),
    "headway.cli.ignore_files._READ_BY_DOCKER": (255, "it is the name of a file, on the machine of who deploys it"),
    "headway.drivers.edge.trial._KNOWN": (4_000, "of a complaint that is longer no sentence is known (_LONGEST_KNOWN)"),
    "headway.drivers.sources.git_errors._CASES": (601, _GIT),
    "headway.drivers.sources.git_errors._DAMAGE_THERE": (601, _GIT),
}
# What is given to a call by a name of its own: where the texts are found instead.
GIVEN_BY_NAME: Mapping[str, str] = {
    "headway.drivers.buildplan.toolchains.registry_script: asked['wheel']": "a pattern of toolchains/registries.py",
    "headway.drivers.edge.option_shapes: self.pattern": "what each Text is given as its pattern",
    "headway.drivers.sources.git_errors: pattern": "the constant _CASES",
    "headway.kernel.failures.rule: pattern": "the constants that rules stand in",
    "headway.kernel.forms: pattern": "what matching is given",
}


@pytest.fixture(scope="module")
def patterns() -> Patterns:
    return Patterns("headway")


def test_every_pattern_is_found(patterns: Patterns) -> None:
    assert len(patterns.found) > FEWEST
    assert patterns.unknown == GIVEN_BY_NAME.keys()
    by_field = [name for name in patterns.found if name.startswith("headway.features.notifications.api.channels:")]
    assert len(by_field) >= 5, "what fields are given counts too"


def test_none_takes_quadratic_time(patterns: Patterns) -> None:
    began = time.process_time()
    slow = {name: found for name, (pattern, asked) in patterns.found.items() if (found := slowest(pattern, asked))}
    print(f"\n{len(patterns.found)} patterns in {time.process_time() - began:.0f} s; slow without a bound:")
    for name, found in slow.items():
        print(f"  {name}: {found}")
    assert {name: found for name, found in slow.items() if constant(name) not in BOUNDED} == {}
    assert BOUNDED.keys() - {constant(name) for name in slow} == set(), "they need no bound any more"


def test_what_is_bounded_takes_a_moment_within_its_bound(patterns: Patterns) -> None:
    took = {
        name: longest(pattern, asked, BOUNDED[constant(name)][0])
        for name, (pattern, asked) in patterns.found.items()
        if constant(name) in BOUNDED
    }
    assert {name: seconds for name, seconds in took.items() if seconds > MOST_SECONDS} == {}


def constant(name: str) -> str:
    """Without its number in a table."""
    return name.partition(" ")[0]
