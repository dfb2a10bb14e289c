"""Which labels a container gets, and which an image may not bring."""

from __future__ import annotations

from headway.infra.docker.labels import BLANK, FORWARDER, leads_to_others, of_container, strange


def test_a_container_has_every_label_of_the_families_and_its_own_last() -> None:
    made = of_container({"headway.panel": "p"})
    assert made["headway.panel"] == "p"
    assert (made["headway.compose"], made["com.docker.compose.project"]) == ("", "")
    assert {*BLANK} <= {*made}


def test_no_container_passes_for_a_forwarder_by_its_image() -> None:
    assert not leads_to_others(of_container({}))
    assert leads_to_others({FORWARDER: ""})  # as those that are there have it
    assert not leads_to_others({})


def test_an_image_brings_no_label_of_headways_that_it_was_not_given() -> None:
    own = {"headway.panel": "p", "headway.release": "r"}
    assert strange({**own, "com.docker.compose.project": "x", "own": "y", "headway.compose": ""}, own) == []
    assert strange({"headway.panel": "another", "headway.new": "x"}, own) == ["headway.new", "headway.panel"]
