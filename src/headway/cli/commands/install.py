"""`headway install` and `uninstall`: a life of its own for a panel, as units of systemd; and what two of them run."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headway.cli import output
from headway.cli.confirmation import confirm
from headway.cli.options import Yes
from headway.cli.statuses import Status
from headway.kernel.errors import Conflict, Forbidden
from headway.kernel.settings import Part

if TYPE_CHECKING:
    from headway.infra.panel.units import Units
    from headway.kernel.settings import Settings

Name = Annotated[str, typer.Option(metavar="NAME", help="The panel's unit; for a second panel on one machine.")]
_DEFAULT = "headway"
_SETTINGS = Path("/etc/headway")
_NOT_IN_FILE = frozenset({"HEADWAY_DATA_DIR", "HEADWAY_UNITS"})
_KEYS = frozenset({"HEADWAY_API_KEY", "HEADWAY_OWNER_KEY"})


def install(
    *,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the panel's data.", show_default=False)] = None,
    host: Annotated[str | None, typer.Option(help="Address of the API; default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the API; default: 3000.")] = None,
    edge_host: Annotated[str | None, typer.Option(help="Address of the applications; default: 127.0.0.1.")] = None,
    edge_port: Annotated[int | None, typer.Option(help="Port of the applications; default: 8080.")] = None,
    name: Name = _DEFAULT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and change nothing.")] = False,
) -> None:
    """Lets systemd start the panel now and at every boot, apart from what keeps applications up.

    A restart of the panel then leaves builds and applications alone. These options and the HEADWAY_ variables that are
    set go to /etc/headway/NAME.env, beside what is there, but for keys: HEADWAY_OWNER_KEY becomes the first key of a
    new data folder and is written nowhere else. It may be called again; what is as wanted stays. Where systemd does not
    run the machine, it says what to run instead, changes nothing, and exits with 1.
    """
    from headway.cli.machine import facts
    from headway.infra.panel import systemd
    from headway.infra.panel.kept_settings import variables_of, with_variables, without_variables
    from headway.kernel.setting_choices import given_variables, unknown_variables
    from headway.kernel.settings import Settings

    env_file = _SETTINGS / f"{name}.env"
    before = _data_dir_of(systemd.FOLDER / f"{name}.service")
    text = env_file.read_text() if os.access(env_file, os.R_OK) else _first_lines(name)
    options = {"host": host, "port": port, "edge_host": edge_host, "edge_port": edge_port}
    given = given_variables(os.environ, options)
    kept = {key: value for key, value in given.items() if key not in _NOT_IN_FILE | _KEYS}
    text = without_variables(with_variables(text, kept), _KEYS)
    beside = {key: given[key] for key in (_NOT_IN_FILE | _KEYS) & given.keys()}
    wanted = {**variables_of(text), **beside, "HEADWAY_UNITS": name}
    data_dir = data_dir or (None if "HEADWAY_DATA_DIR" in wanted else before)
    settings = Settings.from_env(wanted, facts(), data_dir=data_dir)
    for sentence in unknown_variables(wanted):
        output.warn(f"warning: {sentence}")
    if not dry_run and not systemd.runs_here():
        _say_what_to_run(settings)
        raise typer.Exit(Status.ERROR)
    units = _units(name, settings.data_dir, env_file)
    files = {env_file: text, **{systemd.FOLDER / unit: body for unit, body in units.render().items()}}
    if dry_run:
        _show(files)
    else:
        _install(units, settings, files)


def uninstall(*, name: Name = _DEFAULT, yes: Yes = False) -> None:
    """Ends the panel and all that it keeps up, and takes its units away. Data and settings stay."""
    from headway.infra.panel import systemd

    env_file = _SETTINGS / f"{name}.env"
    names = _units(name, Path("/"), env_file).names
    files = [systemd.FOLDER / unit for unit in names]
    data_dir = _data_dir_of(files[0])
    if not systemd.runs_here() or data_dir is None:
        raise Conflict(
            f"There is no unit {names[0]} of a running systemd here. To end a panel: SIGTERM, 'headway down'."
        )
    _require_root("uninstall")
    if not yes:
        confirm(f"End the panel {name}, its builds and its applications?")
    systemd.control("disable", "--now", *names)
    from headway.cli.machine import settings_of

    settings = settings_of(data_dir, {})

    import asyncio

    from headway.upkeep import end_all

    asyncio.run(end_all(settings))
    for path in files:
        path.unlink(missing_ok=True)
    systemd.control("daemon-reload")
    output.say(f"Nothing of {name} runs any more. Its data is in {settings.data_dir}, its settings are in {env_file}.")


def keep(
    part: Annotated[Part, typer.Argument(help="What this process becomes.")],
    *,
    data_dir: Annotated[Path | None, typer.Option(help="The panel's data folder.", show_default=False)] = None,
    prepare: Annotated[bool, typer.Option("--prepare", help="Only see to what has to be there before it.")] = False,
) -> None:
    """Becomes supervisord or Traefik; what the units of 'headway install' run."""
    from headway.cli.machine import settings_of

    settings = settings_of(data_dir, os.environ)

    from headway.upkeep import become, set_gates

    if prepare:
        set_gates(settings)
    else:
        become(settings, part)


def _install(units: Units, settings: Settings, files: Mapping[Path, str]) -> None:
    from headway.infra.panel import systemd
    from headway.infra.panel.data_dir import holder_of
    from headway.infra.panel.whole_file import replace_file

    _require_root("install")
    panel = units.names[0]
    holder = holder_of(settings.data_dir)
    if holder is not None and systemd.control("show", "--property=MainPID", "--value", panel).strip() != str(holder):
        raise Conflict(
            f"A panel (pid {holder}) works with {settings.data_dir}, and not as {panel}. Send SIGTERM to it alone, and "
            "install again: what it keeps up goes on."
        )
    if holder is None:
        _prepare(settings)
    changed = systemd.differing(files)
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, files[path], mode=0o644 if path.parent == systemd.FOLDER else 0o600)
        output.say(f"wrote {path}")
    if changed:
        systemd.control("daemon-reload")
    systemd.control("enable", "--quiet", *units.names)
    begins = ("restart", panel) if changed and holder is not None else ("start", *units.names)
    log = f"journalctl -u {units.name} -f"
    systemd.start(*begins, still=lambda: output.say(f"{panel} is still starting; what it does is in its log: {log}"))
    output.say(f"{panel} runs, and will after a boot: http://{settings.host}:{settings.port}")
    output.say(f"The owner's key: {settings.data_dir / 'owner.key'}, unless you gave one")
    output.say(
        f"Its settings: {units.env_file}, then systemctl restart {units.name}; its log: journalctl -u {units.name}"
    )


def _prepare(settings: Settings) -> None:
    """Makes the data folder: the other units may start before the panel has ever run."""
    import asyncio

    from headway.first_key import prepare

    asyncio.run(prepare(settings))


def _units(name: str, data_dir: Path, env_file: Path) -> Units:
    from headway.infra.panel import systemd
    from headway.infra.panel.units import Units

    script = Path(sys.prefix) / "bin" / "headway"
    return Units(
        name=name, program=script, data_dir=data_dir, env_file=env_file, systemd_version=systemd.version() or 0
    )


def _data_dir_of(unit: Path) -> Path | None:
    lines = unit.read_text().splitlines() if unit.is_file() else []
    words = [word for line in lines for word in line.removeprefix("Environment=").split()]
    found = [word.partition("=")[2] for word in words if word.startswith("HEADWAY_DATA_DIR=")]
    return Path(found[0]) if found else None


def _first_lines(name: str) -> str:
    return f'# The settings of the panel {name}, NAME="value"; after a change: systemctl restart {name}\n'


def _show(files: Mapping[Path, str]) -> None:
    from headway.kernel.setting_choices import secret_variables

    hidden = secret_variables()
    for path, text in files.items():
        output.say(f"--- {path}")
        for line in text.splitlines():
            variable, equals, _ = line.partition("=")
            output.say(f"{variable}=(hidden here)" if equals and variable in hidden else line)
        output.say()


def _say_what_to_run(settings: Settings) -> None:
    command = f"{Path(sys.prefix) / 'bin' / 'headway'} serve --data-dir {settings.data_dir}"
    output.say("systemd does not run this machine, and nothing was changed. Let whatever")
    output.say("starts its services run this as root, with the settings in its environment:")
    output.say()
    output.say(f"    {command}")
    output.say()
    output.say("It keeps up what keeps applications alive. To end it, send SIGTERM to this one")
    output.say("process: builds and applications go on, and the next one picks them up.")
    output.say("By hand, for as long as the machine runs:")
    output.say()
    output.say(f"    setsid nohup {command} >>headway.log 2>&1 </dev/null &")


def _require_root(command: str) -> None:
    if os.geteuid() != 0:
        raise Forbidden(f"'headway {command}' changes units of the whole machine: run it as root.")
