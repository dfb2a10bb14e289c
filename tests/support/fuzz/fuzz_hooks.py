"""What schemathesis is told about our panel: ids of what there is, and where a refusal is no fault. It loads this."""

from __future__ import annotations

import json
import os
import zlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData, Failure, ServerError
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext
from schemathesis.openapi.checks import RejectedPositiveData, UndefinedStatusCode, UnsupportedMethodResponse

from headway.core.access.model import Scope
from tests.support.panel.permissions import PERMISSIONS

IDS = json.loads(os.environ["FUZZ_IDS"])
OF_ANOTHER = ("/docker.", "/compose.", "/registry.", "/server.getServerTime")  # an engine, or a server over SSH
UNTOLD = {"datetime", "nul"}  # no schema tells these: what can be read as a time, and what no text may hold
FILE = "application/octet-stream"
Json = Any


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], **_: Json) -> None:
    """Half of the ids are those of something that exists. None is of what the calls themselves are made with."""
    rule = PERMISSIONS.get(case.path.strip("/"))
    pool = IDS["changed" if rule is not None and rule.scope is Scope.ADMIN else "used"]
    for given in (case.query, case.body):
        if isinstance(given, dict):
            for name, value in given.items():
                if value in IDS["kept"] and case.method == "POST":
                    given[name] = "another"
                elif isinstance(value, str) and value and pool.get(name):
                    number = zlib.crc32(value.encode("utf-8", "surrogatepass"))
                    if number % 2:
                        given[name] = pool[name][number // 2 % len(pool[name])]


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """What stays a failure. Clients know 404 for a wrong method, and 401 before it. A parameter that is empty counts as
    not given, which the document tells by ``allowEmptyValue``. And what the schema allows may be refused for what no
    schema says: by a sentence about the state of things, or an issue about what has no form, as a time has. Where no
    container engine or no server answers, 503 says so; a body that is too large is refused by 413, and an address that
    is by 431, which no procedure names: it is not one yet that was asked. A file that is the whole body has its fields
    in the query, and no document can say that they are required there only.
    """
    if isinstance(failure, ServerError) and response.status_code == 503:
        return not case.path.startswith(OF_ANOTHER)
    if isinstance(failure, UndefinedStatusCode) and response.status_code == 431:
        return False
    if isinstance(failure, UnsupportedMethodResponse):
        return response.status_code not in {401, 404}
    if isinstance(failure, AcceptedNegativeData) and response.status_code == 413:
        return False
    if isinstance(failure, AcceptedNegativeData) and _repeats(response):
        return False
    if isinstance(failure, AcceptedNegativeData) and (empty := _sent_empty(response)):
        return not all(_may_be_empty(case, name) for name in empty)
    if isinstance(failure, RejectedPositiveData) and case.media_type == FILE and _lacks_only(response):
        return False
    if isinstance(failure, RejectedPositiveData) and response.status_code in {400, 422}:
        return any(issue["code"] != "custom" and issue.get("format") not in UNTOLD for issue in _issues(response))
    return True


def _lacks_only(response: Response) -> bool:
    return all(issue["message"].endswith("received undefined") for issue in _issues(response))


def _sent(response: Response) -> list[tuple[str, str]]:
    """The parameters as they were sent: the case does not tell all that is none of text apart."""
    return parse_qsl(urlsplit(str(response.request.url)).query, keep_blank_values=True)


def _sent_empty(response: Response) -> list[str]:
    return [name for name, value in _sent(response) if not value]


def _repeats(response: Response) -> bool:
    """Of a parameter that is repeated the first counts, as the document says."""
    names = [name for name, _ in _sent(response)]
    return len(names) > len(set(names))


def _may_be_empty(case: Case[Any], name: str) -> bool:
    parameters = case.operation.definition.raw.get("parameters", ())
    return any(each["name"] == name and each.get("allowEmptyValue", False) for each in parameters)


def _issues(response: Response) -> list[Json]:
    found: list[Json] = response.json().get("issues", [])
    return found
