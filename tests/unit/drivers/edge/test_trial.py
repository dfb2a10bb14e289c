"""What is told of Traefik's complaints about a route file that is tried."""

from __future__ import annotations

import time

import pytest

from headway.drivers.edge.trial import _known

ELSE = "it cannot work as it is written"
SECONDS = 0.5


def test_a_sentence_that_is_known_is_told_where_the_user_wrote_what_it_quotes() -> None:
    why = "invalid rule: path \"x\" does not start with a '/'"
    assert _known(why, 'rule: "Path(`x`)"') == "path \"x\" does not start with a '/'"
    assert _known(why, "rule: Path(`y`)") == ELSE


@pytest.mark.parametrize("part", [' path "', " error parsing regexp: ", ' strconv.Aa: parsing "'])
def test_a_complaint_that_repeats_how_a_sentence_begins_is_read_in_a_moment(part: str) -> None:
    why = part * (100_000 // len(part))
    began = time.process_time()
    assert _known(why, why) == ELSE
    assert time.process_time() - began < SECONDS
