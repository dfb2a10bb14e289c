"""What pages load: from the panel alone, as it was published, and readable in both themes."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

import headway

STATIC = Path(headway.__file__).parent / "web/static"
STYLES = (STATIC / "headway.css").read_text()
SCRIPTS = sorted(STATIC.glob("*.js"))
TONES = ("wait", "busy", "good", "bad", "off", "warn", "unknown")
ANSI = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")

# Text and what it stands on (WCAG AA: 4.5), and what is no text but has to be seen (3).
READ = [
    *(("text", ground) for ground in ("page", "surface", "sunken")),
    *(("dim", ground) for ground in ("page", "surface", "sunken", "accent-tint")),
    *(("accent", ground) for ground in ("page", "surface", "sunken")),
    *(("text", f"{tone}-tint") for tone in TONES),
    *((tone, ground) for tone in TONES for ground in (f"{tone}-tint", "surface")),
    *((colour, "sunken") for colour in ANSI),
    ("text", "accent-tint"),
    ("on-accent", "accent"),
    ("on-danger", "danger"),
    ("danger", "surface"),
    ("danger", "bad-tint"),
]
SEEN = [("edge", "surface"), ("edge", "page"), ("accent", "page"), ("accent", "surface")]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_what_is_read_stands_out_from_its_ground(theme: int) -> None:
    colours = {name: pair[theme] for name, pair in _colours().items()}
    weak = {
        f"{text} on {ground}": round(found, 2)
        for pairs, least in ((READ, 4.5), (SEEN, 3))
        for text, ground in pairs
        if (found := _contrast(colours[text], colours[ground])) < least
    }
    assert weak == {}


def test_contrast_is_that_of_wcag() -> None:
    assert round(_contrast("#000", "#ffffff"), 1) == 21.0
    assert round(_contrast("#777777", "#ffffff"), 2) == 4.48


def test_styles_load_nothing() -> None:
    assert re.findall(r"url\(|@import|@font-face|https?:", STYLES) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_loads_our_own_files_alone(script: Path) -> None:
    text = script.read_text()
    imports = re.findall(r"""^import [^;]*?["']([^"']+)["'];""", text, re.MULTILINE)
    assert {each for each in imports if not (STATIC / each).is_file()} == set()
    assert re.findall(r"https?://(?!www\.w3\.org/)|\beval\(|new Function\(|import\(|document\.write", text) == []


def test_what_is_loaded_stays_small() -> None:
    """In bytes, as they go over the wire."""
    sizes = {path.name: path.stat().st_size for path in STATIC.iterdir()}
    assert sizes["headway.css"] < 40_000
    assert sizes["live.js"] < 10_000
    logs = [size for name, size in sizes.items() if name.startswith("log") and name.endswith(".js")]
    assert logs
    assert max(logs) < 20_000


PUBLISHED = {
    "idiomorph.min.js": "4cbd535caf7663a51eda9bce6595371c384fc430d54b8d414e29a61167f19f96",  # idiomorph 0.8.0, dist
    "xterm.js": "1f991ac3b4b283ebf96e60ae23a00a52765dd3a2e46fa6fdda9f1aab032f7495",  # @xterm/xterm 5.5.0, lib
    "xterm.css": "ba8e6985669488981ccf40c0cefe3aba80722cb6c92de7ad628b0bd717faf2b6",  # the same, css
}


def test_what_others_made_is_as_they_published_it() -> None:
    """These are files of packages at npm; the licence of each lies beside it."""
    assert {name: hashlib.sha256((STATIC / name).read_bytes()).hexdigest() for name in PUBLISHED} == PUBLISHED
    assert "Zero-Clause BSD" in (STATIC / "idiomorph.LICENSE").read_text()
    assert "ISC License" in (STATIC / "icons.LICENSE").read_text()
    assert "Permission is hereby granted, free of charge" in (STATIC / "xterm.LICENSE").read_text()


def test_pictures_are_drawings_alone() -> None:
    pictures = [*STATIC.glob("*.svg")]
    assert pictures
    for picture in pictures:
        names = set(re.findall(r"<([a-zA-Z]+)", picture.read_text()))
        assert names <= {"svg", "symbol", "path", "circle", "rect", "line", "polyline", "polygon", "ellipse"}


def _colours() -> dict[str, tuple[str, str]]:
    found = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)", STYLES)
    return {name: (light, dark) for name, light, dark in found}


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = "".join(2 * each for each in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
