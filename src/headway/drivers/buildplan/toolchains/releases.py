"""What is known of languages' releases beside their numbers: names, long-term support, and when their support ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

EXAMPLES: Mapping[str, str] = {
    "python": "3.12, 3.12.4 or >=3.11,<3.14",
    "uv": "0.9.5",
    "poetry": "2.1.3",
    "pipenv": "2024.4.1",
    "pdm": "2.22.3",
    "node": "22, 20.11.1, ^20.9 or lts/*",
    "npm": "10.9.2",
    "pnpm": "9 or 9.15.4",
    "yarn": "1.22.22 or 4.9.1",
    "bun": "1.2 or 1.2.5",
    "deno": "2 or 2.2.3",
    "go": "1.24 or 1.24.2",
    "hugo": "0.150.0",
}

# Long-term support of Node by its name; those of 2025 and later are reckoned by their number.
_LTS: Mapping[str, int] = {
    "argon": 4,
    "boron": 6,
    "carbon": 8,
    "dubnium": 10,
    "erbium": 12,
    "fermium": 14,
    "gallium": 16,
    "hydrogen": 18,
    "iron": 20,
    "jod": 22,
    "krypton": 24,
}
# When the last mends of a line were, or will be, made: nodejs.org/en/about/previous-releases, devguide.python.org.
_ENDS: Mapping[str, Mapping[str, date]] = {
    "node": {
        "4": date(2018, 4, 30),
        "6": date(2019, 4, 30),
        "8": date(2019, 12, 31),
        "10": date(2021, 4, 30),
        "12": date(2022, 4, 30),
        "14": date(2023, 4, 30),
        "16": date(2023, 9, 11),
        "18": date(2025, 4, 30),
        "20": date(2026, 4, 30),
        "22": date(2027, 4, 30),
        "24": date(2028, 4, 30),
        "26": date(2029, 4, 30),
    },
    "python": {
        "2.7": date(2020, 1, 1),
        "3.5": date(2020, 9, 30),
        "3.6": date(2021, 12, 23),
        "3.7": date(2023, 6, 27),
        "3.8": date(2024, 10, 7),
        "3.9": date(2025, 10, 31),
        "3.10": date(2026, 10, 31),
        "3.11": date(2027, 10, 31),
        "3.12": date(2028, 10, 31),
        "3.13": date(2029, 10, 31),
        "3.14": date(2030, 10, 31),
    },
}
# The last line of Node that came with a line of npm.
_NPM_OF_NODE = ((14, "6"), (15, "7"), (17, "8"), (23, "10"), (26, "11"))
_LAST_ODD = 25  # from 27 on each line of Node has long-term support


def node_range(text: str, today: date) -> str | None:
    """The range that a name of Node's stands for (``lts/*``, ``lts/iron``, ``lts/-1``); None for what is no name."""
    name = text.lower().removeprefix("node-").removeprefix("node@")
    if name in {"lts", "lts/*", "--lts"}:
        return f"{_supported(today)[-1]}.x"
    if name in _LTS or (name.startswith("lts/") and name[4:] in _LTS):
        return f"{_LTS[name.removeprefix('lts/')]}.x"
    if name.startswith("lts/-") and name[5:].isdigit() and int(name[5:]) < len(_supported(today)):
        return f"{_supported(today)[-1 - int(name[5:])]}.x"
    return name if name != text.lower() else None


def default_node(today: date) -> str:
    """The range of Node for who asks for none: the newest line with long-term support."""
    return f"{_supported(today)[-1]}.x"


def npm_range(node: str) -> str:
    """The range of npm that comes with a version of Node."""
    line = int(node.partition(".")[0])
    return next((npm for last, npm in _NPM_OF_NODE if line <= last), "*")


def told_end(tool: str, version: str, today: date) -> str:
    """What is to be said of a version whose line gets no more mends; "" for others."""
    parts = version.split(".")
    line = parts[0] if tool == "node" else ".".join(parts[:2])
    end = _ENDS.get(tool, {}).get(line)
    if end is None and tool == "node" and line.isdigit() and int(line) % 2 and int(line) <= _LAST_ODD:
        end = date(2013 + (int(line) + 1) // 2, 6, 1)
    if end is None or today <= end:
        return ""
    return f"{line} has had no security fixes since {end:%B %Y}; move to a newer one."


def lines(tool: str, today: date) -> list[str]:
    """The lines of a language that there are by then, as tags of images name them: the one for who asks for none in
    particular, then the newest first.
    """
    match tool:
        case "python":
            newest = today.year - 2011 - (today < date(today.year, 10, 15))
            minors = [newest - 1, newest, *range(newest - 2, 5, -1)]  # the newest one lacks packages for a while
            return [*(f"3.{minor}" for minor in minors), "2.7"]
        case "node":
            newest = 2 * (today.year - 2013) + (1 if today >= date(today.year, 10, 28) else 0)
            newest -= today < date(today.year, 5, 1)
            return [str(_supported(today)[-1]), *(str(line) for line in range(newest, 3, -1))]
        case "go":
            newest = 20 + 2 * (today.year - 2023) + (today.month >= 3) - 1 + (today.month >= 9)
            return [f"1.{minor}" for minor in range(newest, 12, -1)]
        case "bun":
            return ["1", *(f"1.{minor}" for minor in range(9, -1, -1))]
        case _:
            return []


def _supported(today: date) -> list[int]:
    """The lines of Node that had long-term support by then, the oldest first: it begins late in October."""
    return [line for line in range(4, 26 + 2, 2) if today >= date(2013 + line // 2, 10, 28)]
