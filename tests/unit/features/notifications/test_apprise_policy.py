"""What an address of Apprise's may say: every service of the installed one is judged, and none is given a file."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from typing import Any

import apprise
import pytest
from apprise.manager_plugins import NotificationManager

from headway.features.notifications.apprise_policy import _verdicts, refusal, refusal_to_tell

_READERS = {"AppriseAttachment", "ApprisePEMController", "ApprisePGPController", "WebPushSubscriptionManager"}
_STARTERS = {"Popen", "run", "system"}

loading = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what Apprise's services are made of

REFUSED = [
    *(
        "vapid://a@b.c/?keyfile=/D/key.pem&subfile=/D/sub.json",
        "VAPID://a@b.c",
        "syslog://",
        "syslog://user/?logpid=yes",
    ),
    *("dbus://", "kde://x", "qt://x", "glib://x", "gio://x", "gnome://x", "macosx://x", "windows://x", "blink1://x"),
    *("discord://1/abc?template=/etc/x", "discord://1/abc?x=1&TEMPLATE=x", "discord://1/abc?x=1;template=x"),
    *(
        "discord://1/abc?%74emplate=/x",
        "discord://1/abc?Template%20=/x",
        "discord://1/abc?a=?&template=https://e.org/x",
    ),
    *(
        "slack://T1/B2/C3?template=x",
        "tgram://1:a/2?template=x",
        "guilded://1/a?template=x",
        "workflows://h/w/s?template=x",
    ),
    *("fcm://project@x/y?keyfile=/etc/x", "mailto://u:p@example.org?pgppub=/x", "mailtos://u:p@e.org?pgpprv=x"),
    *("deltachat://u:p@e.org?pgpprv=x", "https://x.logic.azure.com/workflows/a?template=/x"),
    *(
        "json://example.org, syslog://",
        "json://example.org;vapid://a@b.c",
        "json://example.org  discord://1/a?template=x",
    ),
]
TAKEN = [
    *(
        "mailtos://u:p@mail.example.org?to=ops@example.org&name=x",
        "mailto://u:p@e.org?pgp=none",
        "slack://T1/B2/C3/#ops",
    ),
    *(
        "discord://1/abc?avatar=no&footer=yes",
        "tgram://1:abc/2:3/?silent=yes",
        "ntfy://t@ntfy.example.org/x?attach=http://e",
    ),
    *(
        "gotify://g.example.org/token?priority=5",
        "mmosts://x@chat.example.org/tok?channels=%23ops",
        "pover://u@t?priority=2",
    ),
    *("lark://abc", "feishu://abc", "resend://re_1:x@e.org?to=y@e.org", "jsons://e.org/x?:message=text&template="),
    *("sendgrid://k:x@e.org?template=d-1", "onesignal://t@a?template=1", "matrixs://u:p@m.example.org/!room?path=/x"),
    *(
        "https://x.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?api-version=2&sig=x",
        "nobodys://example.org",
    ),
]


@pytest.mark.parametrize("url", REFUSED)
def test_what_is_of_this_machine_is_refused(url: str) -> None:
    assert refusal(url) is not None


@pytest.mark.parametrize("url", TAKEN)
def test_what_services_need_is_taken(url: str) -> None:
    assert refusal(url) is None


def test_what_apprise_itself_has_read_is_judged_once_more() -> None:
    assert refusal_to_tell("discord", {"template": "/x"}) is not None
    assert refusal_to_tell("discord", {"template": ""}) is None
    assert refusal_to_tell("vapid", {}) is not None
    assert refusal_to_tell("json", {"template": "x"}) is None
    unknown = refusal_to_tell("later", {})
    assert unknown is not None
    assert "later://" in unknown


def plugins() -> Iterator[tuple[str, Any]]:
    manager = NotificationManager()
    for scheme in manager.schemas():
        yield scheme, manager[scheme]


def calls(plugin: Any) -> set[str]:  # noqa: ANN401 - a class of Apprise's
    """What is called in the modules that a service is made of, but for what all of them are."""
    modules = {each.__module__ for each in plugin.__mro__ if each.__module__.startswith("apprise.plugins.")}
    found = set[str]()
    for module in modules - {"apprise.plugins.base"}:
        for node in ast.walk(ast.parse(inspect.getsource(sys.modules[module]))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
                found.add(node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id)
    return found


@pytest.mark.slow
@loading
def test_every_service_of_the_installed_apprise_is_judged() -> None:
    verdicts = _verdicts()
    judged = {*verdicts["services"], *verdicts["refused"]}
    assert verdicts["apprise"] == apprise.__version__
    assert {scheme for scheme, _ in plugins()} ^ judged == set()
    assert set(verdicts["services"]) & set(verdicts["refused"]) == set()
    assert set(verdicts["files"]) <= set(verdicts["services"])


@pytest.mark.slow
@loading
def test_every_service_that_reads_files_is_given_none() -> None:
    """Those that read what a message has attached are no others: messages here have nothing attached."""
    verdicts = _verdicts()
    reading = {scheme for scheme, plugin in plugins() if calls(plugin) & _READERS}
    assert reading == {*verdicts["files"], "vapid"}
    starting = {scheme for scheme, plugin in plugins() if calls(plugin) & _STARTERS}
    assert starting <= set(verdicts["refused"])
    told = {name for _, plugin in plugins() for name in {**plugin.template_args, **plugin.template_tokens}}
    named = {each for each in told if "file" in each or each.startswith("pgp")}
    assert named == {"file_url", "filename", "keyfile", "pgp", "pgpprv", "pgppub", "profile", "subfile"}
