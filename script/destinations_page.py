"""The page of all that rclone knows, judged: which storages and options a destination may have, and why not others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headway.drivers.storages.rclone_policy import verdicts
from script.markdown import NOTE, page, table


def destinations_page() -> str:
    """The types and options."""
    found = verdicts()
    return page(
        NOTE.format(source="src/headway/drivers/storages/rclone_verdicts.json"),
        "# Destinations: types and options",
        f"""
        Every kind of storage and every option that rclone {found["rclone"]} knows, and whether a
        [destination](backups.md#destinations) may have it (`type`, `options`). The names are compared without regard to
        case and to `-` and `_`. What is not here, because it is of another version, is refused until it is judged.
        """,
        table(("type", "options", "verdict", "reason"), _rows(found)),
    )


def _rows(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    types, options = found["reasons_of_types"], found["reasons_of_options"]
    for name, said in found["types"].items():
        shown = f"`{name}`, `{said['also']}`" if "also" in said else f"`{name}`"
        if "refused" in said:
            yield shown, "", "refused", f"it {types[said['refused']]}"
            continue
        addresses = said.get("addresses", [])
        yield shown, _listed([each for each in said["allowed"] if each not in addresses]), "allowed", ""
        if addresses:
            yield shown, _listed(addresses), "allowed", "an address: what is kept is not sent to another"
        for reason, names in said.get("refused_options", {}).items():
            yield shown, _listed(names), "refused", f"it {options[reason]}"


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
