"""The files of settings, as systemd, shells and people write and read them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headway.infra.panel.kept_settings import variables_of, with_variables

VALUES = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])).filter(str.strip)


@given(st.dictionaries(st.sampled_from(["HEADWAY_PORT", "HEADWAY_HOST", "HEADWAY_DATABASE_URL"]), VALUES))
def test_what_is_written_is_read_again(variables: dict[str, str]) -> None:
    assert variables_of(with_variables("", variables)) == variables


def test_what_a_person_wrote_stays_but_for_what_is_set_anew() -> None:
    text = '# ours\nHEADWAY_PORT=3000\nHEADWAY_HOST="127.0.0.1"\nHTTP_PROXY=http://proxy\n'
    assert with_variables(text, {"HEADWAY_PORT": "3001"}) == (
        '# ours\nHEADWAY_HOST="127.0.0.1"\nHTTP_PROXY=http://proxy\nHEADWAY_PORT="3001"\n'
    )


def test_values_without_quotation_marks_are_read() -> None:
    assert variables_of("HEADWAY_PORT=3001\n#HEADWAY_HOST=::\n") == {"HEADWAY_PORT": "3001"}
