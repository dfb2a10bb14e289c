"""Templates: text from outside stays text, and none has a way around that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

import headway
from headway.pages.page import View
from headway.web.renderer import Templates

ROOT = Path(headway.__file__).parent
TEMPLATES = sorted(ROOT.rglob("*.html"))


def test_text_is_escaped_whatever_its_template_is_called(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text('<p title="{{ text }}">{{ text }}</p>{{ title }}')
    templates = Templates(tmp_path, lambda name: name)
    html = templates.html(View(template="x.txt", values={"text": "<b>\"'&"}, title="<t>"), {})
    assert html == b'<p title="&lt;b&gt;&#34;&#39;&amp;">&lt;b&gt;&#34;&#39;&amp;</p>&lt;t&gt;'


def test_a_value_that_is_missing_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text("{{ nothing }}")
    with pytest.raises(UndefinedError):
        Templates(tmp_path, lambda name: name).html(View(template="x.html", values={}), {})


def test_no_page_gives_a_name_of_the_frame_another_value(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text("{{ form_token }}")
    view = View(template="x.html", values={"form_token": "of the page"})
    with pytest.raises(ValueError, match=r"x\.html: form_token:"):
        Templates(tmp_path, lambda name: name).html(view, {"form_token": "of the frame"})


def test_no_template_lets_text_through_or_writes_what_the_policy_forbids() -> None:
    assert TEMPLATES
    forbidden = re.compile(r"\|\s*safe\b|autoescape|\bstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)|<style|javascript:")
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in TEMPLATES
        if (match := forbidden.search(re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)))
    }
    assert found == {}


def test_no_code_of_ours_makes_markup() -> None:
    code = sorted((ROOT / "web").rglob("*.py")) + sorted((ROOT / "pages").rglob("*.py"))
    code += [path for path in (ROOT / "features").rglob("*.py") if "pages" in path.parts]
    assert [str(path) for path in code if "Markup" in path.read_text()] == []
