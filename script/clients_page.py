"""The page about clients that were written for Dokploy: which of their commands work here, and what the others get."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headway.operations import bare_registry
from script.clients import VERSIONS, command_of, kept, procedures, tool_of
from script.markdown import NOTE, page, table
from script.other_clients import DIFFERENCES, DOKLI, KCTL, SDK

WHOLE_ROUTERS = ("project", "environment", "application", "deployment")  # of these every command is told

WHY: Mapping[str, str] = {
    "application.deployNginxQuickstart": "there is no ready-made application; `examples/` has some to copy",
    "application.dropDeployment": "these clients send no file; `POST /api/application.dropDeployment` takes one",
    "application.markRunning": "a status is a fact about the machine, so nobody can set one",
    "application.readAppMonitoring": "figures are told by `service.usage`; Prometheus reads `/metrics`",
    "project.completeOnboarding": "there is no tour of a dashboard to remember",
    "project.onboardingStatus": "there is no tour of a dashboard to remember",
}
REFUSED = frozenset({"application.readAppMonitoring", "server.getServerMetrics"})  # there, to say where figures are


def working() -> frozenset[str]:
    """The procedures that the clients can call to an end: these send no files."""
    return frozenset(each.name for each in bare_registry() if not each.uploads) - REFUSED


def clients_page() -> str:
    """What works, what does not, and what is answered then."""
    cli, mcp = (kept()[name] for name in ("@dokploy/cli", "@dokploy/mcp"))
    called = procedures(cli)
    assert called == procedures(mcp), "one table tells of both"  # noqa: S101 - a program of the checkout
    works = working()
    missing = [name for name in called if name not in works]
    return page(
        NOTE.format(source="tests/cases/clients.json (script/clients), the policy and script/clients_page.py"),
        "# Clients written for Dokploy",
        *_introduction(),
        "## Commands that work",
        "Tests drive each of these with both clients, unchanged, against a running panel.",
        table(
            ("`dokploy …`", "MCP tool"),
            [(f"`{command_of(name)}`", f"`{tool_of(name)}`") for name in called if name in works],
        ),
        "## What the other commands get",
        """
        A command whose procedure does not exist changes nothing and says so: the command line prints `Request failed
        with status code 404` and exits with 1, a tool of the MCP server answers `Resource not found`. Beneath that
        lies 404: `Not found` over REST, `No procedure found on path "…"` over tRPC. One that takes a file, which these
        clients do not send, answers 415 in the same way, and one that asks for figures that nobody keeps 400.
        """,
        *(part for router in WHOLE_ROUTERS for part in _missing(router, missing)),
        "### other routers",
        "How many of their commands work:",
        table(
            ("router", "work", "of"),
            [
                (f"`{command_of(router)}`", str(sum(f"{router}.{name}" in works for name in names)), str(len(names)))
                for router, names in cli.items()
                if router not in WHOLE_ROUTERS
            ],
        ),
        "## Other clients",
        f"""
        Tests run `{DOKLI[0]}` and `{KCTL[0]}` (both on PyPI) and `{SDK[0]}` (on npm) unchanged against a panel as well
        (`script/prove other_clients`). What they get otherwise than from Dokploy, or not at all:
        """,
        table(("client", "call", "gets", "why"), DIFFERENCES),
    )


def _introduction() -> Sequence[str]:
    versions = " and ".join(f"`{name}` {version}" for name, version in VERSIONS.items())
    return (
        f"""
        The command line `dokploy` and the MCP server, both on npm, speak to Headway as they are: {versions}. The
        command line calls procedures over tRPC, the MCP server over REST.
        """,
        (
            "```sh\n"
            "export DOKPLOY_URL=http://127.0.0.1:3000 DOKPLOY_API_KEY=$(cat DATA_DIR/owner.key)\n"
            "npx @dokploy/cli project all --json\n"
            "DOKPLOY_TOOL_PRESET=deploy npx @dokploy/mcp\n"
            "```"
        ),
        "What is answered otherwise than there, and why, is told on the page about [the API](api.md).",
    )


def _missing(router: str, missing: Sequence[str]) -> Iterable[str]:
    found = [name for name in missing if name.startswith(f"{router}.")]
    if found:
        yield f"### {router}"
        yield table(("`dokploy …`", "answer", "why, or what to use"), [_row(name) for name in found])


def _row(procedure: str) -> tuple[str, str, str]:
    answer = "400" if procedure in REFUSED else "415" if bare_registry().named(procedure) is not None else "404"
    return f"`{command_of(procedure)}`", answer, WHY.get(procedure, "not built yet")
