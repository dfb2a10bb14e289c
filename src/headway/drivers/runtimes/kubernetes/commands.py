"""The commands that the contract of runtimes comes to in a cluster, as values: kubectl, with what holds secrets on its
standard input.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from headway.drivers.runtimes.kubernetes import manifests
from headway.drivers.runtimes.kubernetes.manifests import FIELD_MANAGER, Named
from headway.infra.docker import labels
from headway.infra.hosts.command import Command, Stage
from headway.kernel.artifacts import ReleaseSpec

_PATH = "/usr/local/bin:/usr/bin:/bin"
_OF_A_RELEASE = "deployment,service,secret,job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """A cluster, as the file of credentials names it, for one panel."""

    configuration: str
    panel_id: str

    def prepare(self, spec: ReleaseSpec) -> Command:
        """``Runtime.prepare``: all of the release, with no copies yet."""
        return self._given(manifests.prepared(self._named(spec)), *_APPLY)

    def start(self, spec: ReleaseSpec) -> Command:
        """``Runtime.start``."""
        return self._scale(spec, spec.container.replicas)

    def healthy(self, spec: ReleaseSpec) -> Command:
        """``Runtime.healthy``: ends well when every copy passes its probe; why not is told by ``pods``."""
        named = self._named(spec)
        timeout = f"--timeout={spec.health.deadline_seconds:g}s"
        return self._in(named, "rollout", "status", f"deployment/{named.release}", "--watch", timeout)

    def stop(self, spec: ReleaseSpec) -> tuple[Command, Command]:
        """``Runtime.stop``: no copies, and then the wait until none is left."""
        named = self._named(spec)
        gone = self._in(named, "wait", "pod", _selector(named), "--for=delete", "--timeout=60s")
        return self._scale(spec, 0), gone

    def start_again(self, spec: ReleaseSpec) -> Command:
        """``Runtime.start_again``."""
        return self.start(spec)

    def remove(self, spec: ReleaseSpec) -> Command:
        """``Runtime.remove``: claims stay, they hold data."""
        named = self._named(spec)
        return self._in(
            named, "delete", _OF_A_RELEASE, _selector(named), "--ignore-not-found", "--cascade=foreground", "--wait"
        )

    def pods(self, spec: ReleaseSpec) -> Command:
        """What ``Runtime.status`` and ``Runtime.crashed`` are read from, and why a release is not healthy."""
        named = self._named(spec)
        return self._in(named, "get", "pods", _selector(named), "--output=json", capture=True)

    def known(self) -> Command:
        """What ``Runtime.known`` and ``Runtime.running`` are read from."""
        mine = f"--selector={labels.PANEL}={manifests.label_value(self.panel_id)},{labels.RELEASE}"
        return self._command("get", "deployments", "--all-namespaces", mine, "--output=json", capture=True)

    def variables(self, spec: ReleaseSpec) -> Command:
        """What ``Runtime.variables`` is read from."""
        named = self._named(spec)
        return self._in(named, "get", "secret", named.release, "--output=json", capture=True)

    def logs(self, spec: ReleaseSpec, *, tail: int) -> Command:
        """What ``Runtime.read_logs`` is read from."""
        named = self._named(spec)
        return self._in(named, "logs", _selector(named), f"--tail={tail}", "--prefix", "--ignore-errors", capture=True)

    def pieces(self, spec: ReleaseSpec, pod: str, *, since: str) -> Command:
        """What ``Runtime.pieces`` is read from: what a copy wrote since a time, each line with its own."""
        return self._in(self._named(spec), "logs", f"pod/{pod}", f"--since-time={since}", "--timestamps", capture=True)

    def last_words(self, spec: ReleaseSpec, pod: str, *, tail: int) -> Command:
        """The last lines of a copy that has ended and was started again."""
        return self._in(self._named(spec), "logs", f"pod/{pod}", "--previous", f"--tail={tail}", capture=True)

    def inside(self, spec: ReleaseSpec, pod: str, command: Sequence[str]) -> Command:
        """Something more in a copy that runs, fed by its standard input: what ``Runtime.inside`` is for. Its record
        would need a form that names a copy: those that there are, are of this machine.
        """
        return self._in(self._named(spec), "exec", f"pod/{pod}", "--stdin", "--", *command)

    def forget(self, project_id: str) -> Command:
        """``Runtime.forget``, once nothing of the project is left: its namespace."""
        name = manifests.namespace_name(self.panel_id, project_id)
        return self._command("delete", "namespace", name, "--ignore-not-found", "--wait=false")

    def remove_volumes(self, application_id: str) -> Command:
        """``Runtime.remove_volumes``: the application's claims, wherever its project's namespace is."""
        panel = f"{labels.PANEL}={manifests.label_value(self.panel_id)}"
        mine = f"--selector={panel},{labels.APPLICATION}={manifests.label_value(application_id)}"
        return self._command("delete", "persistentvolumeclaim", "--all-namespaces", mine, "--wait")

    def once(self, spec: ReleaseSpec, name: str, command: Sequence[str], *, seconds: float) -> tuple[Command, Command]:
        """Work that is done once, and the wait for its end: a release command."""
        named = self._named(spec)
        body = manifests.job(named, command, name=name)
        done = f"job/{body['metadata']['name']}"
        wait = self._in(named, "wait", done, "--for=condition=complete", f"--timeout={seconds:g}s")
        return self._given(body, *_APPLY), wait

    def _scale(self, spec: ReleaseSpec, copies: int) -> Command:
        named = self._named(spec)
        return self._in(named, "scale", f"deployment/{named.release}", f"--replicas={copies}")

    def _named(self, spec: ReleaseSpec) -> Named:
        return Named(panel_id=self.panel_id, spec=spec)

    def _given(self, body: object, *arguments: str) -> Command:
        return self._command(*arguments, stdin=json.dumps(body).encode())

    def _in(self, named: Named, *arguments: str, capture: bool = False) -> Command:
        return self._command(f"--namespace={named.namespace}", *arguments, capture=capture)

    def _command(self, *arguments: str, stdin: bytes = b"", capture: bool = False) -> Command:
        argv = ("kubectl", f"--kubeconfig={self.configuration}", "--request-timeout=60s", *arguments)
        env = {"PATH": _PATH, "HOME": "/nonexistent", "LANG": "C.UTF-8"}
        return Command(stages=(Stage(argv=argv),), env=env, stdin=stdin, capture=capture)


def _selector(named: Named) -> str:
    return f"--selector={labels.RELEASE}={named.labels[labels.RELEASE]}"


_APPLY = ("apply", "--server-side", f"--field-manager={FIELD_MANAGER}", "--force-conflicts", "--filename=-")
