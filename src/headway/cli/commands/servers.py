"""`headway servers`: machines that are reached by SSH, and what is done to them as a whole."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.confirmation import confirm
from headway.cli.options import AsJson, Yes
from headway.cli.output import Column
from headway.cli.session import Session
from headway.cli.statuses import Status
from headway.kernel.errors import Forbidden, InvalidInput, NotFound, Unavailable

if TYPE_CHECKING:
    from headway.cli.client import Client

Row = Mapping[str, Any]
Server = Annotated[str, typer.Argument(metavar="SERVER", help="Its name or its id.")]
Key = Annotated[str | None, typer.Option(metavar="NAME", help="The SSH key, by its name or id; default: the only one.")]
KeyFile = Annotated[Path | None, typer.Option(metavar="FILE", help="A private key to keep for it; -: standard input.")]
Jump = Annotated[str | None, typer.Option(metavar="SERVER", help="The server through which it is reached.")]
Concurrency = Annotated[int | None, typer.Option(metavar="N", help="Deployments at once; default 2.")]


def list_servers(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Lists the servers, and whether they answer."""
    with Session.of(context).client() as client:
        found = client.get("server.all")
    if as_json:
        output.say_json(found)
        return
    output.say_table(
        (
            Column(title="NAME"),
            Column(title="ADDRESS"),
            Column(title="FOR", whole=True),
            Column(title="STATE", whole=True),
            Column(title="SEEN", whole=True, right=True),
            Column(title="ID", whole=True),
        ),
        [
            (each["name"], _address(each), each["serverType"], _state(each), _seen(each), each["serverId"])
            for each in found
        ],
    )
    for each in found:
        if each["reach"]["why"] and not each["reach"]["isUp"]:
            output.warn(each["reach"]["why"])


def show(context: typer.Context, server: Server, *, as_json: AsJson = False) -> None:
    """Shows a server: how it is entered, what is there, and whether it answers."""
    with Session.of(context).client() as client:
        found = find_server(client, server)
    if as_json:
        output.say_json(found)
        return
    facts = found["facts"] or {}
    lines = {
        "Address": _address(found),
        "State": f"{_state(found)}: {found['reach']['why']}" if found["reach"]["why"] else _state(found),
        "Last seen": _seen(found),
        "Host key": found["hostKeyFingerprint"] or "not seen yet",
        "System": facts.get("system"),
        "Cores": facts.get("cores"),
        "Memory": _size(facts.get("memoryBytes")),
        "Free disk": _size(facts.get("diskFreeBytes")),
        "Docker": facts.get("docker") or "none",
        "Swarm": facts.get("swarm"),
        "Deployments at once": found["concurrency"],
        "Id": found["serverId"],
    }
    for name, value in lines.items():
        if value is not None:
            output.say(f"{name + ':':21}{output.clean(str(value))}")


def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called here.")],
    address: Annotated[str, typer.Argument(metavar="[USER@]ADDRESS[:PORT]", help="Default: root, port 22.")],
    *,
    key: Key = None,
    key_file: KeyFile = None,
    builds_only: Annotated[bool, typer.Option("--builds-only", help="Nothing is released there.")] = False,
    jump: Jump = None,
    concurrency: Concurrency = None,
    as_json: AsJson = False,
) -> None:
    """Adds a server and looks at it; without a key one is made, whose public half is to be put there."""
    with Session.of(context).client() as client:
        if any(each["name"] == name for each in client.get("server.all")):
            raise InvalidInput(
                f"There is a server {name} already: choose another name, or correct it with 'headway servers update "
                f"{name}'."
            )
        entered = _parts(address)
        key_id, public_key = _key(client, name, key, key_file)
        body = {"name": name, **entered, "sshKeyId": key_id, **_more(client, jump, concurrency)}
        made = client.post("server.create", {**body, "serverType": "build" if builds_only else "deploy"})
        if public_key is not None:
            where = f"~{entered['username']}/.ssh/authorized_keys on {entered['ipAddress']}"
            output.warn(f"Add this line to {where}, then: headway servers check {name}")
            output.say_json(made) if as_json else output.say(public_key)
            return
        try:
            _look(client, made, as_json=as_json)
        except Unavailable:
            output.warn(f"{name} is kept. Correct it with 'headway servers update {name}', or look again later.")
            raise


def update(
    context: typer.Context,
    server: Server,
    address: Annotated[str | None, typer.Argument(metavar="[USER@]ADDRESS[:PORT]", help="Where it is now.")] = None,
    *,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What it is called from now on.")] = None,
    key: Key = None,
    key_file: KeyFile = None,
    jump: Jump = None,
    concurrency: Concurrency = None,
    as_json: AsJson = False,
) -> None:
    """Changes how a server is reached, what it is called or how much it does at once, and looks at it."""
    with Session.of(context).client() as client:
        found = find_server(client, server)
        body = {**({} if address is None else _parts(address)), **_more(client, jump, concurrency)}
        if name is not None:
            body["name"] = name
        if key is not None or key_file is not None:
            body["sshKeyId"], _ = _key(client, found["name"], key, key_file)
        if not body:
            raise InvalidInput("Say what is to be changed: an address, or one of the options.")
        _look(client, client.post("server.update", {"serverId": found["serverId"], **body}), as_json=as_json)


def check(context: typer.Context, server: Server, *, as_json: AsJson = False) -> None:
    """Looks at a server now, and says what would come in the way."""
    with Session.of(context).client() as client:
        _look(client, find_server(client, server), as_json=as_json)


def setup(
    context: typer.Context,
    server: Server,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    docker: Annotated[bool, typer.Option("--docker/--no-docker", help="Install the Docker engine.")] = True,
    native: Annotated[bool, typer.Option("--native", help="Install what builds without Docker need.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or print its id.")] = True,
    as_json: AsJson = False,
) -> None:
    """Prepares a server; what is there already stays as it is. Exits with 1 when it ended in an error."""
    from headway.cli.follower import to_the_end

    with Session.of(context).client() as client:
        found = find_server(client, server)
        body = {"serverId": found["serverId"], "docker": docker, "native": native, "dryRun": dry_run}
        deployment_id = client.start("server.setup", body)
        if not wait:
            output.say_json({"deploymentId": deployment_id}) if as_json else output.say(deployment_id)
            return
        row = to_the_end(client, deployment_id, as_json=as_json, noun="preparation")
    if as_json:
        output.say_json(row)
    if row["status"] != "done":
        output.warn(f"headway: {server} was not prepared: {row.get('errorMessage') or output.state_of(row)}")
        raise typer.Exit(Status.ERROR)


def trust(context: typer.Context, server: Server, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Forgets the host key of a server that was set up anew: the next one it shows is taken for its own."""
    with Session.of(context).client() as client:
        found = find_server(client, server)
        if not yes:
            confirm(f"Forget the host key {found['hostKeyFingerprint']} of {found['name']}?")
        client.post("server.update", {"serverId": found["serverId"], "forgetHostKey": True})
        _look(client, found, as_json=as_json)


def remove(
    context: typer.Context,
    server: Server,
    *,
    force: Annotated[bool, typer.Option("--force", help="End what runs there first.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Forgets a server; the machine itself is not touched."""
    with Session.of(context).client() as client:
        found = find_server(client, server)
        if not yes:
            confirm(f"Forget the server {output.clean(found['name'])}?")
        removed = client.post("server.remove", {"serverId": found["serverId"], "force": force})
    output.say_json(removed) if as_json else output.say(f"The server {output.clean(found['name'])} is forgotten")


def find_server(client: Client, named: str) -> Row:
    """The server of that name or id. Raises NotFound, and InvalidInput when several have the name."""
    every: list[Row] = client.get("server.all")
    found = [each for each in every if each["serverId"] == named] or [each for each in every if each["name"] == named]
    if not found:
        raise NotFound(f"There is no server {named}. 'headway servers list' shows them.")
    if len(found) > 1:
        raise InvalidInput(f"Several servers are named {named}; give an id: {', '.join(e['serverId'] for e in found)}.")
    return found[0]


def names_of(client: Client, *server_ids: str | None) -> dict[str, str]:
    """What the servers are called, by their ids; the id itself where the caller may not know."""
    ids = [each for each in server_ids if each]
    names: dict[str, str] = {}
    if ids:
        with suppress(Forbidden):
            names = {each["serverId"]: each["name"] for each in client.get("server.all")}
    return {each: names.get(each, each) for each in ids}


def _look(client: Client, server: Row, *, as_json: bool) -> None:
    found = client.get("server.validate", serverId=server["serverId"])
    if as_json:
        output.say_json({**client.get("server.one", serverId=server["serverId"]), "problems": found["problems"]})
        return
    facts, key = found["facts"], client.get("server.one", serverId=server["serverId"])["hostKeyFingerprint"]
    output.say(f"{server['name']} answers: {output.clean(facts['system'] or 'Linux')}, host key {key}")
    for problem in found["problems"]:
        output.warn(problem)


def _key(client: Client, name: str, key: str | None, key_file: Path | None) -> tuple[str, str | None]:
    """The id of the key to enter with, and its public half where it is new and nobody has put it there yet."""
    if key_file is not None:
        text = sys.stdin.read() if str(key_file) == "-" else key_file.read_text()
        return client.post("sshKey.create", {"name": name, "privateKey": text})["sshKeyId"], None
    every = client.get("sshKey.all")
    if key is not None:
        found = [each for each in every if key in {each["sshKeyId"], each["name"]}]
        if not found:
            hint = (
                "it is a file: --key-file keeps what is in it" if Path(key).is_file() else "--key-file keeps a new one"
            )
            raise NotFound(f"There is no SSH key {key} ({hint}).")
        if len(found) > 1:
            raise InvalidInput(
                f"Several SSH keys are named {key}; give an id: {', '.join(e['sshKeyId'] for e in found)}."
            )
        return found[0]["sshKeyId"], None
    if len(every) == 1:
        return every[0]["sshKeyId"], None
    made = client.post("sshKey.create", {"name": name})
    return made["sshKeyId"], made["publicKey"]


def _more(client: Client, jump: str | None, concurrency: int | None) -> dict[str, Any]:
    jumps = {} if jump is None else {"jumpServerId": find_server(client, jump)["serverId"]}
    return jumps | ({} if concurrency is None else {"concurrency": concurrency})


def _parts(address: str) -> dict[str, Any]:
    user, _, rest = address.rpartition("@")
    host, colon, port = rest.rpartition(":") if rest.count(":") == 1 else (rest, "", "")
    if colon and not port.isdigit():
        raise InvalidInput(f"{address!r} is no address of a server: give [USER@]ADDRESS[:PORT].")
    return {"username": user or "root", "ipAddress": host, "port": int(port or 22)}


def _address(server: Row) -> str:
    return f"{server['username']}@{server['ipAddress']}:{server['port']}"


def _state(server: Row) -> str:
    reach = server["reach"]
    if reach["isUp"]:
        return "up"
    return "out of reach" if reach["outOfReachSince"] else "not reached yet"


def _seen(server: Row) -> str:
    seen = server["reach"]["lastSeenAt"]
    return "never" if seen is None else f"{output.rounded((output.now() - output.moment(seen)).total_seconds())} ago"


def _size(size: int | None) -> str | None:
    return None if size is None else f"{size / (1 << 30):.1f} GiB"
