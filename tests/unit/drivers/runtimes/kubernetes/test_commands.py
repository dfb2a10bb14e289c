"""Every promise of the contract of runtimes as whole commands for a cluster, and what is read from their answers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from headway.drivers.runtimes.base import ProcessState, ReleaseStatus, Runtime
from headway.drivers.runtimes.kubernetes import manifests, pods
from headway.drivers.runtimes.kubernetes.commands import Kubectl
from headway.infra.hosts.command import Command, Stage
from headway.kernel.artifacts import (
    Container,
    HealthCheck,
    HealthKind,
    Image,
    Mount,
    MountKind,
    Placement,
    PublishedPort,
    RegistryLogin,
    ReleaseSpec,
    Restart,
)
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

PULLABLE = "registry.example.org/team/shop@sha256:" + "a" * 64
KUBECTL = Kubectl(configuration="/var/lib/headway/logins/kube.json", panel_id="p1")
NAME = "shop-7c77127f7fae"
SPACE = "headway-3f0c8b56b8e3"
RELEASE = "headway.release=r_1"
MARKS = {
    "headway.panel": "p1",
    "headway.project": "project-1",
    "headway.application": "app-1",
    "headway.name": "shop",
    "headway.deployment": "r_1",
    "headway.release": "r_1",
}


def spec(**given: Any) -> ReleaseSpec:  # noqa: ANN401 - fields of the spec and of its container
    own: dict[str, Any] = {
        name: given.pop(name) for name in ("health", "memory_bytes", "env", "artifact") if name in given
    }
    plain: dict[str, Any] = {
        "release_id": "r_1",
        "deployment_id": "r_1",
        "application_id": "app-1",
        "app_name": "shop",
        "artifact": Image(reference="sha256:" + "b" * 64, name="shop", pullable=PULLABLE),
        "uid": None,
        "gid": None,
        "port": 20_001,
        "env": {},
        "health": HealthCheck(kind=HealthKind.HTTP, path="/health", deadline_seconds=90),
        "project_id": "project-1",
        "container": Container(**{"port": 3000, "replicas": 4, **given}),
    }
    return ReleaseSpec(**(plain | own))


def command(*arguments: str, stdin: bytes = b"", capture: bool = False) -> Command:
    argv = ("kubectl", "--kubeconfig=/var/lib/headway/logins/kube.json", "--request-timeout=60s", *arguments)
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    return Command(stages=(Stage(argv=argv),), env=env, stdin=stdin, capture=capture)


def inside(*arguments: str, capture: bool = False) -> Command:
    return command(f"--namespace={SPACE}", *arguments, capture=capture)


APPLY = ("apply", "--server-side", "--field-manager=headway", "--force-conflicts", "--filename=-")


def test_prepare_writes_all_of_a_release_with_no_copies_yet() -> None:
    asked = KUBECTL.prepare(spec(env={"TOKEN": Secret("s3cret")}, memory_bytes=64 << 20, cpus=0.5))
    assert asked == command(*APPLY, stdin=asked.stdin)
    meta = {"name": NAME, "labels": MARKS, "namespace": SPACE}
    variables = {"PORT": "3000", "HEADWAY_RELEASE_ID": "r_1", "TOKEN": "s3cret"}
    assert json.loads(asked.stdin) == {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": SPACE, "labels": {"headway.panel": "p1", "headway.project": "project-1"}},
            },
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": meta,
                "data": {name: base64.b64encode(text.encode()).decode() for name, text in variables.items()},
            },
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": meta,
                "spec": {
                    "selector": {"headway.release": "r_1"},
                    "ports": [{"port": 3000, "targetPort": 3000}],
                },
            },
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {**meta, "annotations": {"headway.release": "r_1"}},
                "spec": {
                    "replicas": 0,
                    "revisionHistoryLimit": 0,
                    "strategy": {"type": "RollingUpdate"},
                    "progressDeadlineSeconds": 90,
                    "minReadySeconds": 0,
                    "selector": {"matchLabels": {"headway.release": "r_1"}},
                    "template": {
                        "metadata": {"labels": MARKS},
                        "spec": {
                            "automountServiceAccountToken": False,
                            "enableServiceLinks": False,
                            "containers": [
                                {
                                    "name": "main",
                                    "image": PULLABLE,
                                    "envFrom": [{"secretRef": {"name": NAME}}],
                                    "resources": {"limits": {"memory": "67108864", "cpu": "0.5"}, "requests": {}},
                                    "volumeMounts": [],
                                    "ports": [{"containerPort": 3000}],
                                    "readinessProbe": {
                                        "httpGet": {"path": "/health", "port": 3000},
                                        "periodSeconds": 1,
                                        "timeoutSeconds": 5,
                                        "failureThreshold": 3,
                                    },
                                }
                            ],
                            "volumes": [],
                            "topologySpreadConstraints": [
                                {
                                    "maxSkew": 1,
                                    "topologyKey": "kubernetes.io/hostname",
                                    "whenUnsatisfiable": "ScheduleAnyway",
                                    "labelSelector": {"matchLabels": {"headway.release": "r_1"}},
                                }
                            ],
                        },
                    },
                },
            },
        ],
    }


def test_no_secret_is_an_argument() -> None:
    wanted = spec(env={"TOKEN": Secret("s3cret")}, login=RegistryLogin(url="", username="u", password=Secret("pass!")))
    asked = KUBECTL.prepare(wanted)
    assert not {"s3cret", "pass!"} & {part for stage in asked.stages for part in stage.argv}
    assert "s3cret" not in json.dumps(asked.env)


def test_start_healthy_stop_and_start_again() -> None:
    assert KUBECTL.start(spec()) == inside("scale", f"deployment/{NAME}", "--replicas=4")
    assert KUBECTL.start_again(spec()) == KUBECTL.start(spec())
    assert KUBECTL.healthy(spec()) == inside("rollout", "status", f"deployment/{NAME}", "--watch", "--timeout=90s")
    assert KUBECTL.stop(spec()) == (
        inside("scale", f"deployment/{NAME}", "--replicas=0"),
        inside("wait", "pod", f"--selector={RELEASE}", "--for=delete", "--timeout=60s"),
    )


def test_remove_takes_what_is_the_releases_and_no_claim() -> None:
    assert KUBECTL.remove(spec()) == inside(
        "delete",
        "deployment,service,secret,job",
        f"--selector={RELEASE}",
        "--ignore-not-found",
        "--cascade=foreground",
        "--wait",
    )


def test_what_is_there_and_what_it_wrote() -> None:
    assert KUBECTL.pods(spec()) == inside("get", "pods", f"--selector={RELEASE}", "--output=json", capture=True)
    assert KUBECTL.known() == command(
        "get",
        "deployments",
        "--all-namespaces",
        "--selector=headway.panel=p1,headway.release",
        "--output=json",
        capture=True,
    )
    assert KUBECTL.variables(spec()) == inside("get", "secret", NAME, "--output=json", capture=True)
    assert KUBECTL.logs(spec(), tail=200) == inside(
        "logs", f"--selector={RELEASE}", "--tail=200", "--prefix", "--ignore-errors", capture=True
    )
    assert KUBECTL.pieces(spec(), f"{NAME}-x1", since="2026-01-01T00:00:00Z") == inside(
        "logs", f"pod/{NAME}-x1", "--since-time=2026-01-01T00:00:00Z", "--timestamps", capture=True
    )
    assert KUBECTL.last_words(spec(), f"{NAME}-x1", tail=20) == inside(
        "logs", f"pod/{NAME}-x1", "--previous", "--tail=20", capture=True
    )
    assert KUBECTL.inside(spec(), f"{NAME}-x1", ("bash", "-s")) == inside(
        "exec", f"pod/{NAME}-x1", "--stdin", "--", "bash", "-s"
    )
    assert KUBECTL.forget("project-1") == command("delete", "namespace", SPACE, "--ignore-not-found", "--wait=false")
    assert KUBECTL.remove_volumes("app-1") == command(
        "delete",
        "persistentvolumeclaim",
        "--all-namespaces",
        "--selector=headway.panel=p1,headway.application=app-1",
        "--wait",
    )


def test_work_that_is_done_once() -> None:
    asked, wait = KUBECTL.once(spec(), "release", ("/bin/sh", "-c", "migrate"), seconds=600)
    assert asked == command(*APPLY, stdin=asked.stdin)
    body = json.loads(asked.stdin)
    assert (body["kind"], body["metadata"]["name"], body["spec"]["backoffLimit"]) == ("Job", f"{NAME}-release", 0)
    pod = body["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["containers"] == [
        {
            "name": "main",
            "image": PULLABLE,
            "envFrom": [{"secretRef": {"name": NAME}}],
            "resources": {"limits": {}, "requests": {}},
            "volumeMounts": [],
            "command": ["/bin/sh", "-c", "migrate"],
        }
    ]
    assert wait == inside("wait", f"job/{NAME}-release", "--for=condition=complete", "--timeout=600s")


def deployed(wanted: ReleaseSpec) -> Any:  # noqa: ANN401 - as JSON is
    return manifests.deployment(manifests.Named(panel_id="p1", spec=wanted), copies=1)["spec"]


def test_mounts_are_claims_that_stay_and_secrets() -> None:
    mounts = (
        Mount(kind=MountKind.VOLUME, target="/data", source="files"),
        Mount(kind=MountKind.FILE, target="/etc/key", content=Secret("k")),
    )
    wanted = spec(replicas=1, mounts=mounts)
    asked = deployed(wanted)
    claim = "shop-files-" + asked["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"][-12:]
    assert asked["strategy"] == {"type": "Recreate"}
    assert asked["template"]["spec"]["volumes"] == [
        {"name": "m0", "persistentVolumeClaim": {"claimName": claim, "readOnly": False}},
        {
            "name": "m1",
            "secret": {"secretName": f"{NAME}-files", "items": [{"key": "1", "path": "file"}]},
        },
    ]
    assert asked["template"]["spec"]["containers"][0]["volumeMounts"] == [
        {"name": "m0", "mountPath": "/data", "readOnly": False},
        {"name": "m1", "mountPath": "/etc/key", "readOnly": True, "subPath": "file"},
    ]
    items = manifests.prepared(manifests.Named(panel_id="p1", spec=wanted))["items"]
    (held,) = [each for each in items if each["kind"] == "PersistentVolumeClaim"]
    assert held["metadata"]["name"] == claim
    assert held["metadata"]["labels"].keys() == MARKS.keys() - {"headway.release", "headway.deployment"}


def test_placement_reservations_and_a_registry() -> None:
    wanted = spec(
        placement=Placement(constraints=("node.labels.zone==east",), spread=("node.labels.rack",)),
        reserved_cpus=0.25,
        reserved_memory_bytes=32 << 20,
        login=RegistryLogin(url="registry.example.org", username="u", password=Secret("p")),
    )
    pod = deployed(wanted)["template"]["spec"]
    assert pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] == {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["east"]}]}]
    }
    assert [each["topologyKey"] for each in pod["topologySpreadConstraints"]] == ["rack", "kubernetes.io/hostname"]
    assert pod["containers"][0]["resources"]["requests"] == {"memory": "33554432", "cpu": "0.25"}
    assert pod["imagePullSecrets"] == [{"name": f"{NAME}-registry"}]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"artifact": Image(reference="sha256:b", name="shop")}, "fetches images from a registry"),
        ({"mounts": (Mount(kind=MountKind.BIND, target="/x", source="/x", read_only=True),)}, "no place of one host"),
        ({"published": (PublishedPort(outer=80, inner=80),)}, "publishes no port of a machine"),
        ({"restart": Restart.NEVER}, "always starts again"),
        ({"mounts": (Mount(kind=MountKind.VOLUME, target="/d", source="v"),)}, "4 copies would write to one volume"),
    ],
)
def test_what_a_cluster_cannot_do_is_refused_in_words(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        manifests.check_spec(spec(**given))


def test_an_id_that_no_label_can_have_is_a_digest_of_it() -> None:
    assert manifests.label_value("-begins-badly") == manifests.label_value("-begins-badly") != "-begins-badly"
    assert manifests.label_value("r_1") == "r_1"


def pod(name: str, state: dict[str, Any], *, restarts: int = 0, last: dict[str, Any] | None = None) -> dict[str, Any]:
    container = {"name": "main", "ready": "running" in state, "restartCount": restarts, "state": state}
    return {
        "metadata": {"name": name},
        "spec": {"nodeName": "n1"},
        "status": {"containerStatuses": [{**container, "lastState": {"terminated": last} if last else {}}]},
    }


RUNS = {"running": {"startedAt": "2026-11-25T15:13:11Z"}}
LOOPS = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}


def test_copies_are_told_in_the_words_of_every_runtime() -> None:
    found = pods.read({"items": [pod("b", LOOPS, restarts=3, last={"exitCode": 7}), pod("a", RUNS)]})
    processes = tuple(each.status(number) for number, each in enumerate(found, 1))
    assert [(each.name, each.state, each.exits, each.last_exit, each.up) for each in processes] == [
        ("web", ProcessState.RUNNING, 0, None, True),
        ("web.2", ProcessState.CRASHED, 3, "exit status 7", False),
    ]
    assert not ReleaseStatus(release_id="r_1", processes=processes).up


@pytest.mark.parametrize(
    ("state", "last", "says"),
    [
        (LOOPS, {"exitCode": 7, "reason": "Error"}, "a ended 3 times, last with exit status 7, on the node n1"),
        (LOOPS, {"exitCode": 137, "reason": "OOMKilled"}, "since its memory bound was reached"),
        (
            {"waiting": {"reason": "ErrImagePull", "message": "not found"}},
            None,
            "the node n1 could not fetch its image: ErrImagePull: not found",
        ),
        (RUNS, None, "1 of 4 copies pass their check"),
    ],
)
def test_why_a_release_is_not_healthy(state: dict[str, Any], last: dict[str, Any] | None, says: str) -> None:
    found = pods.read({"items": [pod("a", state, restarts=3 if last else 0, last=last)]})
    assert says in pods.why_unhealthy(found, 4)


def test_no_node_takes_it() -> None:
    condition = {"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}
    found = pods.read({"items": [{"metadata": {"name": "a"}, "status": {"conditions": [condition]}}]})
    assert pods.why_unhealthy(found, 1) == "a waits: 0/2 nodes are available"


def test_the_contract_has_no_promise_beyond_these() -> None:
    carried = {
        "prepare": "prepare",
        "start": "start",
        "healthy": "healthy",
        "stop": "stop",
        "start_again": "start_again",
        "remove": "remove",
        "status": "pods",
        "crashed": "pods",
        "running": "known",
        "known": "known",
        "variables": "variables",
        "inside": "inside",
        "read_logs": "logs",
        "pieces": "pieces",
        "forget": "forget",
        "remove_volumes": "remove_volumes",
    }
    of_the_nodes = {
        "ensure",
        "watch",
        "missing",
        "keep",
        "discard",
        "usurped",
    }  # which fetch, keep and clear up by themselves
    promises = {name for name in vars(Runtime) if not name.startswith("_")}
    assert promises == carried.keys() | of_the_nodes
    assert all(hasattr(Kubectl, each) for each in carried.values())
