"""The REST wire from the caller's side: one panel, one key, and a sentence for everything that can go wrong."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from os import SEEK_END
from typing import Any, BinaryIO, Self

from headway.cli import output
from headway.cli.http_library import httpx
from headway.cli.sse import Event, EventReader
from headway.cli.target import KEY_FILE, Target
from headway.kernel.errors import Code, HeadwayError, Unavailable

IGNORED = "x-headway-ignored"
WHEREABOUTS = "x-headway-whereabouts"
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 30.0
_KILL_SECONDS = 120.0  # the answer comes when nothing of the process tree is left
_LOOK_SECONDS = 180.0  # the source is fetched first
_UPLOAD_SECONDS = 360.0  # what was sent is looked through before the answer
_CLEAN_SECONDS = 900.0
_PIECE_BYTES = 1 << 18
_WAIT_SECONDS = 20.0  # of one call, so that its answer comes well within the deadline
_SILENCE_SECONDS = 45.0  # a followed log sends a heartbeat every 15
_PATIENCE_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_NO_TLS = "WRONG_VERSION_NUMBER"  # what OpenSSL makes of an answer in plain text

Json = Any


class PanelUnreachable(Unavailable):
    """No panel answers where one was looked for."""


class KeyRefused(HeadwayError):
    """The panel does not accept the key, or there is none to show."""

    code = Code.UNAUTHORIZED


class Refused(HeadwayError):
    """The panel answered with an error; ``status`` is the HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Absent(Refused):
    """The panel does not have what was asked about, or not for this key."""

    code = Code.NOT_FOUND


class NotAllowed(Refused):
    """The key may not do this."""

    code = Code.FORBIDDEN


_REFUSALS: Mapping[int, type[Refused]] = {403: NotAllowed, 404: Absent}


class Client:
    """Speaks to one panel; every call has a deadline. ``by_hand``: a person sits at the terminal. Raises
    PanelUnreachable, KeyRefused and Refused.
    """

    def __init__(self, target: Target, transport: httpx.BaseTransport | None = None, *, by_hand: bool = False) -> None:
        self.target = target
        headers = {"accept": "application/json"} | ({"x-api-key": target.key} if target.key else {})
        if by_hand:
            headers["x-headway-trigger"] = "manual"
        self._http = httpx.Client(
            base_url=f"{target.url}/api/",
            headers=headers,
            timeout=_timeout(_ANSWER_SECONDS),
            trust_env=not target.is_here,  # a proxy cannot reach this machine's loopback
            verify=target.url.startswith("https:"),  # else the list of authorities would be read for nothing
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, procedure: str, /, **query: str | float) -> Json:
        """The answer of a query."""
        return self._value(procedure, self._send(self._http.build_request("GET", procedure, params=query)))

    def post(self, procedure: str, body: Mapping[str, Json]) -> Json:
        """The answer of a mutation; None when it has none."""
        return self._value(procedure, self._send(self._http.build_request("POST", procedure, json=dict(body))))

    def sees_our_files(self) -> bool:
        """Whether the panel sees the files of this machine as we do. An address proves nothing: a tunnel begins here
        too.
        """
        from headway.infra.panel.whereabouts import whereabouts

        here = whereabouts()
        answer = self._send(self._http.build_request("GET", "settings.health"))
        self._value("settings.health", answer)
        return here is not None and answer.headers.get(WHEREABOUTS) == here

    def deploy(self, application_id: str, title: str | None) -> str:
        """Asks for a deployment of an application; its id."""
        return self.start("application.deploy", {"applicationId": application_id, "title": title})

    def detect(self, application_id: str, tried: Mapping[str, str | float]) -> Json:
        """What a deploy would make of an application with these settings tried; its source is fetched for it."""
        asked = {"applicationId": application_id, **tried}
        request = self._http.build_request("GET", "application.detect", params=asked, timeout=_timeout(_LOOK_SECONDS))
        return self._value("application.detect", self._send(request))

    def measure(self, *, fresh: bool) -> Json:
        """What services hold on the disk."""
        request = self._http.build_request(
            "GET", "disk.usage", params={"fresh": fresh}, timeout=_timeout(_LOOK_SECONDS)
        )
        return self._value("disk.usage", self._send(request))

    def clean(self, service_id: str | None, *, dry_run: bool) -> Json:
        """Has what nobody needs removed; what that was, or with ``dry_run`` would be."""
        given: dict[str, Json] = {"dryRun": dry_run} | ({} if service_id is None else {"serviceId": service_id})
        request = self._http.build_request("POST", "disk.clean", json=given, timeout=_timeout(_CLEAN_SECONDS))
        return self._value("disk.clean", self._send(request))

    def upload(self, procedure: str, query: Mapping[str, str | None], archive: BinaryIO) -> str:
        """Sends an archive to what deploys it; the deployment's id."""
        given = {name: value for name, value in query.items() if value is not None}
        headers = {"content-type": "application/gzip"}
        size = archive.seek(0, SEEK_END)
        archive.seek(0)
        request = self._http.build_request(
            "POST",
            procedure,
            params=given,
            content=iter(lambda: archive.read(_PIECE_BYTES), b""),
            headers={**headers, "content-length": str(size)},
            timeout=_timeout(_UPLOAD_SECONDS),
        )
        answer = self._send(request)
        self._value(procedure, answer)
        return answer.headers["x-deployment-id"]

    def start(self, procedure: str, body: Json) -> str:
        """Asks for what a procedure queues, with what of ``body`` is given; the deployment's id."""
        given = {name: value for name, value in body.items() if value is not None}
        answer = self._send(self._http.build_request("POST", procedure, json=given))
        self._value(procedure, answer)
        return answer.headers["x-deployment-id"]

    def end(self, procedure: str, deployment_id: str) -> None:
        """Kills or cancels a deployment; returns when nothing of it runs any more."""
        request = self._http.build_request(
            "POST", procedure, json={"deploymentId": deployment_id}, timeout=_timeout(_KILL_SECONDS)
        )
        self._value(procedure, self._send(request))

    def wait(self, deployment_id: str, until: str, seconds: float) -> Json:
        """What ``deployment.wait`` says once the deployment is there or the time is up. A panel that is away meanwhile
        is asked again; PanelUnreachable when it stays away for a minute.
        """
        end = time.monotonic() + seconds
        pause, deadline = _FIRST_PAUSE_SECONDS, time.monotonic() + _PATIENCE_SECONDS
        while True:
            left = max(0.0, end - time.monotonic())
            try:
                seconds_of_call = min(left, _WAIT_SECONDS)
                answer = self.get("deployment.wait", deploymentId=deployment_id, until=until, timeout=seconds_of_call)
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
            else:
                if answer["reached"] or time.monotonic() >= end:
                    return answer
                pause, deadline = _FIRST_PAUSE_SECONDS, time.monotonic() + _PATIENCE_SECONDS
            time.sleep(pause)  # also after an answer: a panel that stops sends everybody away at once
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def follow(self, deployment_id: str, start: int = 0) -> Iterator[Event]:
        """The log, step and status events of a deployment from a byte of its log to its end. A connection that breaks
        is taken up again behind the last byte that came; PanelUnreachable when the panel stays away for a minute, which
        begins when it goes: a build may have printed nothing for longer than that.
        """
        offset = str(start)
        pause, away_since = _FIRST_PAUSE_SECONDS, None
        while True:
            try:
                for event in self._events(deployment_id, offset):
                    pause, away_since = _FIRST_PAUSE_SECONDS, None
                    if event is None:
                        continue
                    offset = event.id or offset
                    yield event
                    if event.kind == "end":
                        return
            except Unavailable:
                away_since = time.monotonic() if away_since is None else away_since
                if time.monotonic() > away_since + _PATIENCE_SECONDS:
                    raise
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _events(self, deployment_id: str, offset: str) -> Iterator[Event | None]:
        """The events of one connection, and None for whatever else came: the panel is there."""
        request = self._http.build_request(
            "GET",
            "deployment.follow",
            params={"deploymentId": deployment_id},
            headers={"accept": "text/event-stream", "accept-encoding": "identity", "last-event-id": offset},
            timeout=_timeout(_SILENCE_SECONDS),
        )
        answer = self._send(request, stream=True)
        try:
            if answer.status_code != httpx.codes.OK:
                answer.read()
                self._value("deployment.follow", answer)
            reader = EventReader()
            for piece in answer.iter_bytes():
                yield None
                yield from reader.feed(piece)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        finally:
            answer.close()

    def _send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        try:
            return self._http.send(request, stream=stream)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx.TransportError) -> PanelUnreachable:
        url = self.target.url
        match error:
            case httpx.ConnectTimeout() | httpx.ReadTimeout() | httpx.WriteTimeout() | httpx.PoolTimeout():
                return PanelUnreachable(f"The panel at {url} does not answer in time.")
            case httpx.ConnectError() if any(getattr(cause, "reason", None) == _NO_TLS for cause in _causes(error)):
                plain = url.replace("https:", "http:", 1)
                return PanelUnreachable(
                    f"What answers at {url} does not speak HTTPS. Set HEADWAY_URL to {plain} if that is the panel."
                )
            case httpx.ConnectError() if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
                return PanelUnreachable(f"The panel at {url} cannot be trusted: {error}.")
            case httpx.ConnectError():
                return PanelUnreachable(
                    f"No panel answers at {url}. Start one with 'headway serve', or set HEADWAY_URL to where it is."
                )
            case _:
                return PanelUnreachable(f"The connection to the panel at {url} broke: {error}.")

    def _value(self, procedure: str, answer: httpx.Response) -> Json:
        if answer.is_success:
            self._warn_of_ignored(procedure, answer)
            return self._parsed(answer) if answer.content else None
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise self._key_refused()
        problem = self._parsed(answer)
        told = problem.get("message") if isinstance(problem, dict) else None
        message = str(told or f"The panel answers with HTTP status {answer.status_code}.")
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise Unavailable(f"The panel cannot do this now: {message}")
        if answer.status_code == httpx.codes.NOT_FOUND and message == "Not found":
            message = f"The panel at {self.target.url} does not know {procedure}: it may be older than this command."
        raise _REFUSALS.get(answer.status_code, Refused)(message + _issues(problem), answer.status_code)

    def _warn_of_ignored(self, procedure: str, answer: httpx.Response) -> None:
        if ignored := answer.headers.get(IGNORED):
            output.warn(
                f"warning: the panel at {self.target.url} does not know what {procedure} was given as {ignored}, and "
                "ignored it: it may be older than this command."
            )

    def _parsed(self, answer: httpx.Response) -> Json:
        try:
            return answer.json()
        except json.JSONDecodeError as error:
            raise PanelUnreachable(
                f"What answers at {self.target.url} is not a Headway panel (status {answer.status_code}). "
                "Set HEADWAY_URL to where the panel is."
            ) from error

    def _key_refused(self) -> KeyRefused:
        if self.target.key is None:
            return KeyRefused(
                f"The panel at {self.target.url} wants an API key, and {self.target.key_origin}. The panel wrote "
                f"its first one to {KEY_FILE} in its data folder: 'headway login {self.target.url}' asks for it and "
                "keeps it. HEADWAY_API_KEY serves as well, and on that machine the folder in HEADWAY_DATA_DIR."
            )
        return KeyRefused(
            f"The panel at {self.target.url} refuses the API key from {self.target.key_origin}: it is unknown, was "
            f"revoked or has expired. 'headway login {self.target.url}' takes another."
        )


def _timeout(answer_seconds: float) -> httpx.Timeout:
    return httpx.Timeout(answer_seconds, connect=_CONNECT_SECONDS)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _issues(problem: Json) -> str:
    issues = problem.get("issues") if isinstance(problem, dict) else None
    if not isinstance(issues, list) or not issues:
        return ""
    told = [f"{'.'.join(str(part) for part in issue.get('path', []))}: {issue.get('message')}" for issue in issues]
    return f" ({'; '.join(told)})"
