"""What programs write for terminals, as text and colours: escapes are read or left out, and nothing of them is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from headway.kernel.dataclass import dataclass

LONGEST_LINE = 16 << 10  # of what is shown
LONGEST_READ = 4 * LONGEST_LINE  # of a line as it was written

_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
# What the sixteen look like, for what asks for a colour of its own: the nearest of them is taken.
_SHADES = (
    *((0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229)),
    *((127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0)),
    *((92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255)),
)
_LEVELS = (0, 95, 135, 175, 215, 255)
_MOST_NUMBERS = 32  # of one sequence; the digits of one are bounded too, for int() refuses some thousands of them
# What begins like a title goes to its end, and no further than the line does. What it has taken it never gives back, so
# that no place to go back to is kept for each of its letters.
_ESCAPE = (
    r"\x1b\[[^@-~\n]*[@-~]?"
    r"|\x1b[\]PX^_][^\x07\x1b\n]*+(?:\x1b(?!\\)[^\x07\x1b\n]*+)*+(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
)
_ESCAPES = re.compile(_ESCAPE)
_TOKEN = re.compile(
    r"\x1b\[(?P<given>[0-9;:]{0,256})(?P<verb>[@-~])"  # what colours, moves and erases
    rf"|{_ESCAPE}"
    r"|(?P<control>[\r\x08])"
    r"|(?P<text>[^\x1b\r\x08]+)"
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
# What turns the direction of what follows, or cannot be seen: it would show a line as another than it is.
_UNSEEN_ONES = "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
_UNSEEN = re.compile(f"[{_UNSEEN_ONES}]")
_PLAIN = re.compile(rf"[^\x00-\x08\x0a-\x1f\x7f-\x9f{_UNSEEN_ONES}]*")

Run = tuple[str, str]
Line = Sequence[Run]


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How what follows looks: two colours of the sixteen, and the marks that are set."""

    front: int | None = None
    back: int | None = None
    marks: frozenset[str] = frozenset()

    @property
    def classes(self) -> str:
        """The names of the classes that make it look so."""
        named = [f"ansi-{each}" for each in sorted(self.marks)]
        if self.front is not None:
            named.append(f"ansi-{_name(self.front)}")
        if self.back is not None:
            named.append(f"ansi-on-{_name(self.back)}")
        return " ".join(named)


NO_STYLE = Style()
_MARKS: Mapping[int, str] = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "struck"}
_MARKS_OFF: Mapping[int, frozenset[str]] = {
    22: frozenset({"bold", "dim"}),
    23: frozenset({"italic"}),
    24: frozenset({"underline"}),
    27: frozenset({"inverse"}),
    29: frozenset({"struck"}),
}


def runs_of(lines: Iterable[str]) -> list[Line]:
    """Each line as runs of (classes, text), "" where it looks as any. A colour holds over lines until it is taken back.
    What a carriage return and an erase leave of a line is what a terminal would show of it; a line that is very long is
    cut.
    """
    style, read = NO_STYLE, list[Line]()
    for line in lines:
        runs, style = runs_from(line, style)
        read.append(runs)
    return read


def runs_from(line: str, style: Style) -> tuple[Line, Style]:
    """A line as ``runs_of`` gives it, where it begins in this style, and the style that holds at its end."""
    line, is_long = line[:LONGEST_READ], len(line) > LONGEST_READ
    line = line.removesuffix("\r")
    if _PLAIN.fullmatch(line):
        is_cut = is_long or len(line) > LONGEST_LINE
        runs = [(style.classes, line[:LONGEST_LINE])] if line else []
    elif "\r" in line or "\x08" in line or "\x1b" in line:
        runs, style, length = _read(line, style)
        is_cut = is_long or length > LONGEST_LINE
    else:
        is_cut = is_long or len(line) > LONGEST_LINE
        runs = [(style.classes, _shown(line[:LONGEST_LINE]))]
    return ([*runs, ("", "…")] if is_cut else runs), style


def style_after(lines: Sequence[str], style: Style = NO_STYLE) -> Style:
    """The style that holds behind these lines."""
    told = list[str]()
    for line in reversed(lines):
        if "\x1b" in line:
            styles = [token["given"] for token in _TOKEN.finditer(line[:LONGEST_READ]) if token["verb"] == "m"]
            told += reversed(styles)
            if not {"", "0"}.isdisjoint(styles):  # what was before is taken back
                break
    for given in reversed(told):
        style = _styled(style, given)
    return style


def plain(line: str) -> str:
    """A line without anything that is meant for terminals."""
    return "".join(text for _, text in runs_of([line])[0])


def without_escapes(text: str) -> str:
    """Text of any length without escapes; the rest of it stays as it is."""
    return _ESCAPES.sub("", text) if "\x1b" in text else text


class _Screen:
    """The one line that is written: runs that are appended, until something goes back in it; from then on cells."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._cells: list[Run] | None = None
        self._at = 0
        self._blank = 0  # so many of the first cells are: what is erased again and again costs nothing

    def write(self, classes: str, text: str) -> None:
        if self._cells is None:
            self._runs.append((classes, text))
            return
        cells, begin = self._cells, self._at
        cells += [("", " ")] * (begin - len(cells))
        cells[begin : begin + len(text)] = [(classes, character) for character in text]
        self._at = begin + len(text)
        self._blank = min(self._blank, begin)

    def back(self, control: str) -> None:
        self._spread()
        self._at = 0 if control == "\r" else max(0, self._at - 1)

    def erase(self, given: str) -> None:
        cells = self._spread()
        if given in {"", "0", "2"}:
            del cells[self._at :]
        if given in {"1", "2"}:
            end = min(self._at, len(cells))
            cells[self._blank : end] = [("", " ")] * (end - self._blank)
            self._blank = max(self._blank, end)
        self._blank = min(self._blank, len(cells))

    def runs(self) -> tuple[list[Run], int]:
        """What stands there, and how many characters it has."""
        runs = self._runs if self._cells is None else self._cells
        joined, length = list[Run](), 0
        for classes, alike in groupby(runs, key=itemgetter(0)):
            text = "".join(text for _, text in alike)
            if shown := text[: max(0, LONGEST_LINE - length)]:
                joined.append((classes, shown))
            length += len(text)
        return joined, length

    def _spread(self) -> list[Run]:
        if self._cells is None:
            self._cells = [(classes, character) for classes, text in self._runs for character in text]
            self._at = len(self._cells)
        return self._cells


def _read(line: str, style: Style) -> tuple[list[Run], Style, int]:
    screen = _Screen()
    for token in _TOKEN.finditer(line):
        if (text := token["text"]) is not None:
            screen.write(style.classes, text)
        elif (control := token["control"]) is not None:
            screen.back(control)
        elif token["verb"] == "m":
            style = _styled(style, token["given"])
        elif token["verb"] == "K":
            screen.erase(token["given"])
    runs, length = screen.runs()
    return [(classes, _shown(text)) for classes, text in runs], style, length


def _shown(text: str) -> str:
    """Text whose control characters are pictures and whose unseen ones are named."""
    if _PLAIN.fullmatch(text):
        return text
    text = _CONTROL.sub(lambda found: chr(0x2400 + ord(found[0])) if ord(found[0]) < 0x20 else "\u2421", text)
    return _UNSEEN.sub(lambda found: f"\u27e8U+{ord(found[0]):04X}\u27e9", text)


@lru_cache(maxsize=1024)
def _styled(style: Style, given: str) -> Style:
    numbers = [int(each) if each else 0 for each in re.split("[;:]", given)[:_MOST_NUMBERS]]
    while numbers:
        number = numbers.pop(0)
        if number == 0:
            style = NO_STYLE
        elif number in _MARKS:
            style = replace(style, marks=style.marks | {_MARKS[number]})
        elif number in _MARKS_OFF:
            style = replace(style, marks=style.marks - _MARKS_OFF[number])
        elif number in {38, 48}:
            style = _with(style, number, _own_colour(numbers))
        elif number in {39, 49}:
            style = _with(style, number, None)
        elif 30 <= number <= 37 or 90 <= number <= 97:
            style = replace(style, front=number - 30 if number < 90 else number - 82)
        elif 40 <= number <= 47 or 100 <= number <= 107:
            style = replace(style, back=number - 40 if number < 100 else number - 92)
    return style


def _with(style: Style, number: int, colour: int | None) -> Style:
    return replace(style, front=colour) if number in {38, 39} else replace(style, back=colour)


def _own_colour(numbers: list[int]) -> int | None:
    """The nearest of the sixteen to what the next numbers ask for, which are taken away; None for what is no colour."""
    way = numbers.pop(0) if numbers else 0
    if way == 5 and numbers:
        return _nearest_of_table(numbers.pop(0))
    if way == 2 and len(numbers) >= 3:
        red, green, blue = numbers[:3]
        del numbers[:3]
        return _nearest(red, green, blue)
    return None


def _nearest_of_table(number: int) -> int:
    if number < 16:
        return number
    if number < 232:
        number -= 16
        return _nearest(_LEVELS[number // 36], _LEVELS[number // 6 % 6], _LEVELS[number % 6])
    grey = min(8 + 10 * (number - 232), 255)
    return _nearest(grey, grey, grey)


def _nearest(*given: int) -> int:
    def distance(number: int) -> int:
        return sum((mine - own) ** 2 for mine, own in zip(given, _SHADES[number], strict=True))

    return min(range(len(_SHADES)), key=distance)


def _name(number: int) -> str:
    return _COLOURS[number] if number < 8 else f"bright-{_COLOURS[number - 8]}"
