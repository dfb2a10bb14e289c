"""Which commands there are, in the order in which they are listed, and where each is: loaded when it is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Any

from headway.kernel.dataclass import dataclass

_COMMANDS = "headway.cli.commands"


@dataclass(frozen=True, slots=True)
class Command:
    """A command as ``module.function``; ``hidden`` is for programs."""

    where: str
    hidden: bool = False

    def load(self) -> Callable[..., Any]:
        """The function that does it."""
        module, _, function = self.where.partition(".")
        loaded: Callable[..., Any] = getattr(import_module(f"{_COMMANDS}.{module}"), function)
        return loaded


@dataclass(frozen=True, slots=True)
class Group:
    """Commands about one thing, by their names; ``usual`` is the one that is meant where none is named."""

    about: str
    commands: Mapping[str, Command]
    usual: str | None = None


def named_in(arguments: Sequence[str], options_with_a_value: Sequence[str]) -> str | None:
    """What of these is named by a command line: its first word that is neither an option nor the value of one; None
    where there is none, or it is unknown.
    """
    words = iter(arguments)
    for word in words:
        if word in options_with_a_value:
            next(words, None)
        elif not word.startswith("-"):
            return word if word in TREE else None
    return None


def completed(arguments: Sequence[str], named: str | None) -> list[str]:
    """The arguments with the usual command of the group that they name, where they name no command of it."""
    group = TREE.get(named or "")
    if not isinstance(group, Group) or group.usual is None or named is None:
        return list(arguments)
    at = arguments.index(named) + 1
    word = next(iter(arguments[at:]), "--help")
    return (
        list(arguments)
        if word == "--help" or word in group.commands
        else [*arguments[:at], group.usual, *arguments[at:]]
    )


def _group(about: str, usual: str | None = None, **commands: str) -> Group:
    named = {name.rstrip("_").replace("_", "-"): Command(where) for name, where in commands.items()}
    return Group(about, MappingProxyType(named), usual)


TREE: Mapping[str, Command | Group] = MappingProxyType(
    {
        "serve": Command("serve.serve"),
        "deploy": Command("deploy.deploy"),
        "status": Command("status.status"),
        "deployments": _group(
            "What was deployed, what is being deployed, how it went.",
            list="deployments.list_deployments",
            show="deployments.show",
            search="search.search",
            wait="wait.wait",
            logs="deployments.logs",
            cancel="deployments.cancel",
            kill="deployments.kill",
            remove="deployments.remove",
        ),
        "rollback": _group(
            "Back to what served before: headway rollback NAME.",
            usual="back",
            back="rollback.back",
            list="rollback.list_releases",
            preview="rollback.preview",
            to="rollback.to",
            delete="rollback.delete",
        ),
        "apps": _group(
            "What is set up here, and whether it serves.",
            list="apps.list_applications",
            show="apps.show",
            deploy="deploy.deploy_again",
            detect="detect.detect",
            set_="app_settings.set_",
            start="apps.start",
            stop="apps.stop",
            scale="apps.scale",
            delete="apps.delete",
            run="runs.run",
            exec="consoles.carry_out",
            runs="runs.list_runs",
            releases="apps.releases",
            logs="apps.logs",
        ),
        "domains": _group(
            "At which host names services answer.",
            list="domains.list_domains",
            add="domains.add",
            remove="domains.remove",
        ),
        "composes": _group(
            "Services of several containers, from one file.",
            list="composes.list_composes",
            create="composes.create",
            set_="composes.set_",
            deploy="composes.deploy",
            start="composes.start",
            stop="composes.stop",
            delete="composes.delete",
            exec="consoles.carry_out_in_compose",
            logs="composes.logs",
        ),
        "databases": _group(
            "Databases, here or elsewhere.",
            list="databases.list_databases",
            create="databases.create",
            show="databases.show",
            deploy="databases.deploy",
            start="databases.start",
            stop="databases.stop",
            delete="databases.delete",
            logs="databases.logs",
        ),
        "webhooks": _group(
            "Where applications are told of pushes, and what came.",
            address="webhooks.address",
            list="webhooks.list_deliveries",
            show="webhooks.show",
            replay="webhooks.replay",
            simulate="webhooks.simulate",
        ),
        "previews": _group(
            "What runs of pull requests.",
            list="previews.list_previews",
            redeploy="previews.redeploy",
            approve="previews.approve",
            delete="previews.delete",
        ),
        "git-providers": _group(
            "The forges from which services are fetched.",
            list="git_providers.list_providers",
            connect="git_providers.connect",
            test="git_providers.try_out",
            repositories="git_providers.repositories",
            branches="git_providers.branches",
            remove="git_providers.remove",
        ),
        "notifications": _group(
            "Who is told what happens, and what was told.",
            list="notifications.list_channels",
            create="notifications.create",
            update="notifications.update",
            remove="notifications.remove",
            test="notifications.try_out",
            log="notifications.list_told",
            resend="notifications.resend",
        ),
        "schedules": _group(
            "Scripts that run at their times.",
            list="schedules.list_schedules",
            show="schedules.show",
            create="schedules.create",
            run="schedules.run",
            enable="schedules.enable",
            disable="schedules.disable",
            delete="schedules.delete",
        ),
        "destinations": _group(
            "Where backups go.",
            list="destinations.list_destinations",
            create="destinations.create",
            test="destinations.try_out",
            remove="destinations.remove",
        ),
        "backups": _group(
            "Databases and Headway itself, kept and restored.",
            list="backups.list_backups",
            create="backups.create",
            run="backups.run",
            files="backups.files",
            restore="backups.restore",
            drill="backups.drill",
            delete="backups.delete",
        ),
        "volume-backups": _group(
            "Volumes and data folders, kept and restored.",
            list="volume_backups.list_backups",
            create="volume_backups.create",
            run="volume_backups.run",
            files="volume_backups.files",
            restore="volume_backups.restore",
            delete="volume_backups.delete",
        ),
        "servers": _group(
            "Machines that are reached by SSH.",
            list="servers.list_servers",
            show="servers.show",
            add="servers.add",
            update="servers.update",
            check="servers.check",
            setup="servers.setup",
            trust="servers.trust",
            remove="servers.remove",
        ),
        "projects": _group(
            "What applications are grouped in.",
            list="projects.list_projects",
            show="projects.show",
            create="projects.create",
            remove="projects.remove",
        ),
        "disk": _group(
            "What services hold on the disk, and what of it may go.",
            usage="disk.usage",
            clean="disk.clean",
        ),
        "keys": _group(
            "API keys, and what each is good for.",
            list="keys.list_keys",
            create="keys.create",
            remove="keys.remove",
            reset="keys.reset",
        ),
        "members": _group(
            "Who belongs to the organisation, and what they may do.",
            list="members.list_members",
            invite="members.invite",
            role="members.role",
            access="members.access",
            remove="members.remove",
            link="members.link",
            reset_password="members.reset_password",  # noqa: S106 - a command
        ),
        "machine": _group(
            "Whose the machine is, and to whom it was given.",
            show="machine.show",
            grant="machine.grant",
            withdraw="machine.withdraw",
        ),
        "audit": Command("audit.audit"),
        "env": _group(
            "The variables of applications, environments and projects.",
            list="env.list_variables",
            set="env.set_variables",
            unset="env.unset_variables",
            import_="env.import_variables",
        ),
        "login": Command("profiles.login"),
        "logout": Command("profiles.logout"),
        "profiles": _group(
            "The panels that you work with, and which one is asked.",
            list="profiles.list_profiles",
            use="profiles.use",
        ),
        "install": Command("install.install"),
        "uninstall": Command("install.uninstall"),
        "keep": Command("install.keep", hidden=True),
        "backup": Command("upkeep.backup"),
        "restore": Command("upkeep.restore"),
        "upgrade-check": Command("upkeep.upgrade_check"),
        "completion": Command("completion.completion"),
        "down": Command("serve.down"),
        "doctor": Command("doctor.doctor"),
    }
)
"""Every command and group by its name."""
