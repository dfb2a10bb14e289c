"""All that an operator can set, each with a variable of the environment, a default and what values it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, field, fields
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from headway.kernel.bounds import told
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.forms import (
    Form,
    LogFormat,
    LogLevel,
    YesNo,
    addresses,
    choice,
    duration,
    duration_text,
    matching,
    size,
    whole,
)
from headway.kernel.provider_settings import ProviderSettings
from headway.kernel.secret import Secret

LOOPBACK = "127.0.0.1"
_MIB = 1 << 20
_GIB = 1 << 30
PREFIX = "HEADWAY_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the defaults depend on: the machine, and the account and folder that Headway is started in."""

    is_root: bool
    home: Path
    cwd: Path
    cores: int
    memory_bytes: int


class Switch(StrEnum):
    """Whether something is used where the machine has it, or never."""

    AUTO = "auto"
    OFF = "off"

    @property
    def wish(self) -> bool | None:
        """None: find out; False: do without."""
        return None if self is Switch.AUTO else False


class Part(StrEnum):
    """What a panel keeps up beside itself, and what may have a systemd unit of its own."""

    SUPERVISOR = "supervisor"
    EDGE = "edge"


_PATH = Form(accepts="a folder", parse=str)
_PORT = whole(1, 65535)
_HOST = matching(r"[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?|[0-9a-fA-F:.]+", "an IP address or a host name")
_DOMAIN = matching(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", "a domain in lower case")
_DATABASE = matching(
    r"(postgres|postgresql|sqlite)(\+[a-z0-9]+)?://\S+", "postgresql://… or sqlite:///FILE", secret=True
)
UNITS = matching(r"[a-z][a-z0-9]{0,31}", "lower-case letters and digits, a letter first, 32 at most")
_URL = matching(r"https?://[^\s{}]+", "an address that begins with http:// or https://")
_ENGINE = matching(r"unix:///[!-~]+", "unix:///PATH")
_KEY = matching(r"[!-~]{8,256}", "8 to 256 letters, digits and signs, no spaces", secret=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ProviderSettings):
    """The panel's settings; ``from_env`` fills in the defaults that depend on the machine."""

    data_dir: Path = field(
        metadata=told(
            _PATH,
            "Folder of the database, keys, logs and releases.",
            written="/var/lib/headway for root, else ~/.local/share/headway",
        ),
    )
    host: str = field(default="127.0.0.1", metadata=told(_HOST, "Address that the API listens on."))
    port: int = field(default=3000, metadata=told(_PORT, "Port of the API."))
    public_url: str | None = field(default=None, metadata=told(_URL, "The panel's address in links; unset: none."))
    plain_sign_in: YesNo = field(
        default=YesNo.NO,
        metadata=told(choice(YesNo), "Whether people may sign in where the network reads along: HTTP from elsewhere."),
    )
    deployment_links: YesNo = field(
        default=YesNo.YES, metadata=told(choice(YesNo), "Whether a deployment may be shared by links with an end.")
    )
    proxies: str | None = field(
        default=None,
        metadata=told(addresses(), "Reverse proxies elsewhere whose X-Forwarded headers are believed; unset: none."),
    )
    edge_host: str = field(default="127.0.0.1", metadata=told(_HOST, "Address on which applications are reached."))
    edge_port: int = field(default=8080, metadata=told(_PORT, "Port on which applications are reached over HTTP."))
    server_edge_host: str = field(default="127.0.0.1", metadata=told(_HOST, "The same for those on servers, there."))
    https_port: int | None = field(
        default=None, metadata=told(_PORT, "Port on which applications are reached over HTTPS; unset: no HTTPS.")
    )
    base_domain: str = field(default="localhost", metadata=told(_DOMAIN, "Applications are reached at NAME.DOMAIN."))
    database_url: Secret | None = field(
        default=None, metadata=told(_DATABASE, "The database.", written="SQLite in the data folder")
    )
    owner_key: Secret | None = field(
        default=None, metadata=told(_KEY, "The key that a new panel's owner has.", written="a new one, in owner.key")
    )
    api_key: Secret | None = field(
        default=None, metadata=told(_KEY, "The command line's key; where the above is unset that too, which will end.")
    )
    metrics_key: Secret | None = field(
        default=None, metadata=told(_KEY, "The key that readers of the metrics port show; unset: an API key that may.")
    )
    concurrency: int = field(
        default=1,
        metadata=told(
            whole(1, 1000),
            "Deployments that run at a time on this machine.",
            written="one for each core, at most one for each 2 GiB of memory",
        ),
    )
    build_memory_bytes: int | None = field(
        default=None,
        metadata=told(
            size(64 * _MIB),
            "Memory that one build may use.",
            written="three quarters of the memory, divided by the concurrency; at least 512MiB",
            variable="HEADWAY_BUILD_MEMORY",
        ),
    )
    application_memory_bytes: int | None = field(
        default=None,
        metadata=told(
            size(8 * _MIB),
            "Memory that one application may use which has no limit of its own.",
            written="three quarters of the memory",
            variable="HEADWAY_APPLICATION_MEMORY",
        ),
    )
    application_disk: int | None = field(
        default=None, metadata=told(size(_MIB), "Disk that one application of processes may fill; unset: all.")
    )
    application_layer: int = field(
        default=1 << 30,
        metadata=told(
            size(_MIB),
            "Disk that one process may fill in its release; what it writes there is thrown away with it.",
            written="1GiB",
        ),
    )
    process_limit: int = field(
        default=2048, metadata=told(whole(16), "Processes and threads that one build or application may have.")
    )
    health_deadline: timedelta = field(
        default=timedelta(seconds=120),
        metadata=told(duration(0.1), "How long a new release may take until it is healthy."),
    )
    settle_time: timedelta = field(
        default=timedelta(seconds=5),
        metadata=told(duration(0), "How long processes without a health check stay up before they count as healthy."),
    )
    drain_time: timedelta = field(
        default=timedelta(seconds=10),
        metadata=told(duration(0), "How long a replaced release may finish what it is answering."),
    )
    handback_time: timedelta = field(
        default=timedelta(seconds=5),
        metadata=told(
            duration(0), "How long a release that dies gives requests back to the one before, which drains meanwhile."
        ),
    )
    watch_time: timedelta = field(
        default=timedelta(minutes=10),
        metadata=told(duration(0), "How long after its end a crash marks a deployment as unstable."),
    )
    step_deadline: timedelta = field(
        default=timedelta(minutes=30), metadata=told(duration(1), "How long one step of a deployment may take.")
    )
    inactivity_deadline: timedelta = field(
        default=timedelta(minutes=15), metadata=told(duration(1), "How long a step may go without any output.")
    )
    total_deadline: timedelta = field(
        default=timedelta(minutes=60), metadata=told(duration(1), "How long a deployment may take in all.")
    )
    missed_after: timedelta = field(
        default=timedelta(seconds=60),
        metadata=told(duration(1), "How late a due time of a schedule may be started; later it was missed."),
    )
    cancel_grace: timedelta = field(
        default=timedelta(seconds=10),
        metadata=told(duration(0), "How long a cancelled command has between SIGTERM and SIGKILL."),
    )
    console_idle: timedelta = field(
        default=timedelta(minutes=30),
        metadata=told(duration(1), "After how long of silence a command of `apps exec` is ended."),
    )
    reach_deadline: timedelta = field(
        default=timedelta(minutes=30), metadata=told(duration(1), "How long a deployment waits for a silent server.")
    )
    lease_time: timedelta = field(
        default=timedelta(seconds=30),
        metadata=told(duration(1), "How long a silent panel keeps the deployments that it works on."),
    )
    lease_renewal: timedelta = field(
        default=timedelta(seconds=5),
        metadata=told(duration(0.1), "How often a panel says that it works on them; at most half of the above."),
    )
    spool_cap_bytes: int = field(
        default=512 * _MIB,
        metadata=told(
            size(64 << 10),
            "Output that is kept of one deployment: its beginning and its end.",
            variable="HEADWAY_SPOOL_CAP",
        ),
    )
    ballast_bytes: int = field(
        default=64 * _MIB,
        metadata=told(
            size(0),
            "Disk space held back, so that the end of a deployment can be written on a full disk.",
            variable="HEADWAY_BALLAST",
        ),
    )
    least_free_bytes: int = field(
        default=256 * _MIB,
        metadata=told(size(0), "Free disk space below which no deployment begins.", variable="HEADWAY_LEAST_FREE"),
    )
    upload_limit_bytes: int = field(
        default=512 * _MIB,
        metadata=told(size(_MIB), "How large an uploaded archive may be.", variable="HEADWAY_UPLOAD_LIMIT"),
    )
    unpacked_limit_bytes: int = field(
        default=2 * _GIB,
        metadata=told(
            size(_MIB), "How large an uploaded archive may be once unpacked.", variable="HEADWAY_UNPACKED_LIMIT"
        ),
    )
    webhook_limit_bytes: int = field(
        default=25 * _MIB,
        metadata=told(size(1 << 10), "How large a webhook's payload may be.", variable="HEADWAY_WEBHOOK_LIMIT"),
    )
    webhook_payload_bytes: int = field(
        default=64 * _MIB,
        metadata=told(
            size(0),
            "What is kept of the payloads of one service's webhooks, packed: the newest.",
            variable="HEADWAY_WEBHOOK_PAYLOADS",
        ),
    )
    keep_webhooks: timedelta = field(
        default=timedelta(days=30),
        metadata=told(duration(60), "How long webhooks and notifications are kept, and known when they come again."),
    )
    cgroups: Switch = field(
        default=Switch.AUTO, metadata=told(choice(Switch), "Whether cgroups are used where the machine has them.")
    )
    pid_namespaces: Switch = field(
        default=Switch.AUTO, metadata=told(choice(Switch), "Whether PID namespaces are used where they are allowed.")
    )
    build_cache_bytes: int = field(
        default=10 * _GIB,
        metadata=told(
            size(0),
            "What Docker keeps of builds on each machine, and as much again those without it; 0: all.",
            variable="HEADWAY_BUILD_CACHE",
        ),
    )
    backup_dir: Path | None = field(
        default=None,
        metadata=told(
            _PATH, "Folder of the backups that lie on this machine.", written="the folder backups in the data folder"
        ),
    )
    keep_deployments: int = field(
        default=100,
        metadata=told(whole(1), "Ended deployments that are kept of each application, schedule and so on: the newest."),
    )
    keep_deployments_for: timedelta | None = field(
        default=None,
        metadata=told(duration(60), "How long ended deployments are kept, be they the newest; unset: for ever."),
    )
    keep_releases: int = field(
        default=5, metadata=told(whole(1), "Releases that are kept of each application and compose service.")
    )
    keep_releases_for: timedelta | None = field(
        default=None, metadata=told(duration(60), "How long a release is kept (two stay anyway); unset: for ever.")
    )
    keep_releases_bytes: int | None = field(
        default=None, metadata=told(size(0), "What an application's releases may hold (two stay); unset: no bound.")
    )
    units: str | None = field(
        default=None,
        metadata=told(UNITS, "Name of systemd's units that keep supervisord and Traefik up; unset: the panel does."),
    )
    keep_audit: timedelta = field(
        default=timedelta(days=365), metadata=told(duration(3600), "How long it is kept who has changed what.")
    )
    docker_host: str = field(
        default="unix:///var/run/docker.sock", metadata=told(_ENGINE, "Where the container engine listens.")
    )
    log_level: LogLevel = field(
        default=LogLevel.INFO, metadata=told(choice(LogLevel), "How much the panel says about itself.")
    )
    log_format: LogFormat = field(
        default=LogFormat.LOGFMT,
        metadata=told(choice(LogFormat), "How it says that: as key=value, or as one JSON object to a line."),
    )
    metrics_port: int | None = field(
        default=None,
        metadata=told(
            _PORT,
            "Port of the loopback on which /metrics answers to HEADWAY_METRICS_KEY too; unset: /metrics is on the port "
            "of the API only.",
        ),
    )

    def __post_init__(self) -> None:
        self.require_whole_provider()
        if (self.host, self.port) == (self.edge_host, self.edge_port):
            raise InvalidInput(
                f"HEADWAY_PORT and HEADWAY_EDGE_PORT are both {self.port}: the API and the applications each need a "
                "port of their own."
            )
        if self.lease_renewal * 2 > self.lease_time:
            raise InvalidInput(
                f"HEADWAY_LEASE_RENEWAL ({duration_text(self.lease_renewal)}) is more than half of HEADWAY_LEASE_TIME "
                f"({duration_text(self.lease_time)}): one late renewal would lose every running deployment."
            )

    @staticmethod
    def from_env(env: Mapping[str, str], facts: Facts, **overrides: str | int | Path | None) -> Settings:
        """The settings of an environment. ``overrides`` (field names; None: not given) come from the command line and
        win. An empty variable counts as unset; ``unknown_variables`` says which ones nobody reads.

        Raises InvalidInput, which names the variable or option, its value and what it takes.
        """
        values: dict[str, Any] = {}
        for item in fields(Settings):
            given = overrides.pop(item.name, None)
            if given is not None:
                values[item.name] = _parse(item, str(given), f"--{item.name.replace('_', '-')}")
            elif text := env.get(variable_of(item), "").strip():
                values[item.name] = _parse(item, text, variable_of(item))
        if overrides:
            raise TypeError(f"no such settings: {', '.join(overrides)}")
        values["data_dir"] = _folder(values["data_dir"], facts) if "data_dir" in values else default_data_dir(facts)
        if "backup_dir" in values:
            values["backup_dir"] = _folder(values["backup_dir"], facts)
        concurrency = values.setdefault("concurrency", default_concurrency(facts))
        values.setdefault("build_memory_bytes", max(512 * _MIB, facts.memory_bytes * 3 // 4 // concurrency))
        # Within it an application is ended for its own greed; beyond the machine's memory the kernel chooses whom.
        values.setdefault("application_memory_bytes", facts.memory_bytes * 3 // 4)
        return Settings(**values)

    def unit(self, part: Part) -> str | None:
        """The systemd unit of a part of the panel, None where there are no units."""
        return None if self.units is None else f"{self.units}-{part}.service"

    @property
    def database(self) -> Secret:
        """The URL of the database: the one that was set, else the one of a SQLite file in the data folder."""
        return self.database_url or Secret(f"sqlite:///{self.data_dir / 'headway.db'}")


def default_data_dir(facts: Facts) -> Path:
    """The data folder where none is set."""
    return Path("/var/lib/headway") if facts.is_root else facts.home / ".local/share/headway"


def default_concurrency(facts: Facts) -> int:
    """A slot for each core, as far as each has 2 GiB of memory."""
    return max(1, min(facts.cores, facts.memory_bytes // (2 * _GIB)))


def variable_of(item: Field[Any]) -> str:
    """The variable of the environment that sets a field."""
    return str(item.metadata["variable"] or PREFIX + item.name.upper())


def _parse(item: Field[Any], text: str, named: str) -> object:
    form: Form = item.metadata["form"]
    return form.read(text, named)


def _folder(text: str, facts: Facts) -> Path:
    if text == "~" or text.startswith("~/"):
        return facts.home / text[2:]
    return Path(facts.cwd, text)
