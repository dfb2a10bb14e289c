"""The page of what users may say of Traefik's options, made from Traefik's own list and our verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from headway.drivers.edge.option_shapes import Named, Options, Several, Shape
from headway.drivers.edge.option_verdicts import TREE, why_not
from script.markdown import NOTE, page, table
from script.traefik import committed

_PARTS = (
    "http.routers",
    "http.services",
    "http.middlewares",
    "http.serversTransports",
    "http.models",
    "tcp",
    "udp",
    "tls",
)


def traefik_page() -> str:
    """Every option with its verdict and the reason."""
    version, options = committed()
    settable = leaves(options)
    allowed = sum(shape_of(path) is not None for path in settable)
    sections = [part for name in _PARTS for part in _section(name, settable)]
    return page(
        NOTE.format(source="tests/cases/traefik.json and src/headway/drivers/edge/option_verdicts.py"),
        "# Traefik's options, and which of them users may set",
        f"""
        What `application.updateTraefikConfig` takes, of all that Traefik {version} reads from a file:
        {allowed} of {len(settable)} options. The list is read from the program itself (`script/traefik`); an option
        that is not judged is refused. Keys count as Traefik reads them: upper and lower case are one, a key that is
        there twice is refused, and so is one with letters beyond a-z.
        """,
        """
        `*` stands for a name, `[]` for each of a list. A request passes 50 middlewares at most, each of a chain
        counted, and one of them at most may try again (`retry`, or `buffering` with a `retryExpression`). What stands
        in [domains](domains.md) about names and hosts holds beside this.
        """,
        *sections,
    )


def leaves(options: Mapping[str, str]) -> dict[str, str]:
    """Those that hold a value, with its kind; and those parts that files cannot set anything of."""
    return {
        path: kind
        for path, kind in options.items()
        if path and (kind != "part" or not any(each.startswith((f"{path}.", f"{path}[")) for each in options))
    }


def shape_of(path: str) -> Shape | None:
    """What an option takes, None where it is refused."""
    shape: Shape = TREE
    for step in path.replace("[]", ".[]").split("."):
        match shape, step:
            case Options(known=known), name if name in known:
                shape = known[name]
            case (Named(each=each), "*") | (Several(each=each), "[]"):
                shape = each
            case _:
                return None
    return shape


def _section(name: str, options: Mapping[str, str]) -> Iterator[str]:
    rows = [
        (f"`{path.removeprefix(f'{name}.')}`", kind, *_verdict(path))
        for path, kind in options.items()
        if path == name or path.startswith((f"{name}.", f"{name}["))
    ]
    yield f"## {name}"
    yield table(("option", "kind", "verdict", "takes, or why not"), rows)


def _verdict(path: str) -> tuple[str, str]:
    shape = shape_of(path)
    if shape is not None:
        return "yes", shape.words
    return "no", why_not(path).removeprefix("this cannot be set here: ")
