"""No address of pages has two meanings."""

from __future__ import annotations

import re

from headway.operations import all_pages
from headway.pages.page import Page
from headway.web.paths import Named, Paths, Piece


def test_the_address_of_a_form_is_that_of_no_page() -> None:
    made = {path: make() for path, make in all_pages().items()}
    paths = Paths(made)
    wrong = {}
    for path, page in made.items():
        for form in page.forms:
            address = f"{re.sub('{.*?}', 'id', path)}/{form}"
            there = [each for each in paths.named(address) if _is_there(made[each.page], each)]
            # What is written out, as the name of a form is, goes before an id.
            named = [(each.page, each.piece) for each in there if not _is_by_id(each)]
            if named != [(path, Piece.FORM)]:
                wrong[address] = named
    assert wrong == {}


def _is_there(page: Page, named: Named) -> bool:
    """Whether the page has what is named: a whole page is always there."""
    pieces = {Piece.PART: page.parts, Piece.FORM: page.forms}
    return named.piece is Piece.WHOLE or named.name in pieces[named.piece]


def _is_by_id(named: Named) -> bool:
    return named.piece is Piece.WHOLE and named.page.endswith("}")
