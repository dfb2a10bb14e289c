"""What a compose file may ask of the machine."""

from __future__ import annotations

from typing import Any

import pytest

from headway.drivers.runtimes.compose.policy import Use, objections, paths_of

PLAIN: dict[str, Any] = {
    "name": "shop",
    "services": {
        "web": {
            "image": "registry.example:5000/team/web@sha256:" + "0" * 64,
            "command": None,
            "entrypoint": None,
            "environment": {"A": "1"},
            "depends_on": {"db": {"condition": "service_healthy", "required": True}},
            "healthcheck": {"test": ["CMD", "true"]},
            "networks": {"default": None},
            "ports": [{"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}],
            "volumes": [{"type": "volume", "source": "data", "target": "/data", "volume": {}}],
            "security_opt": ["no-new-privileges:true"],
            "cap_drop": ["ALL"],
            "privileged": False,
            "pid": "service:db",
            "x-note": "kept",
        },
        "db": {"image": "postgres:16", "deploy": {"replicas": 1, "resources": {"limits": {"memory": "1"}}}},
    },
    "networks": {"default": {"name": "shop_default", "ipam": {}}},
    "volumes": {"data": {"name": "shop_data"}},
    "secrets": {"key": {"name": "shop_key", "environment": "KEY"}},
    "x-common": {"anything": True},
}


def with_service(**keys: Any) -> dict[str, Any]:  # noqa: ANN401 - any key
    return {"services": {"web": {"image": "debian:12", **keys}}}


def test_a_plain_file_is_taken_as_it_is() -> None:
    assert objections(PLAIN) == []


@pytest.mark.parametrize(
    "keys",
    [
        {"privileged": True},
        {"pid": "host"},
        {"pid": "container:other"},
        {"ipc": "host"},
        {"ipc": "container:other"},
        {"uts": "host"},
        {"userns_mode": "host"},
        {"cgroup": "host"},
        {"sysctls": {"net.ipv4/conf.lo.tag": "1000000010"}},
        {"sysctls": {"net/ipv4/conf/lo/tag": "1000000010"}},
        {"sysctls": {"net..ipv4.conf.lo.tag": "1000000010"}},
        {"cgroup_parent": "/x"},
        {"network_mode": "host"},
        {"network_mode": "container:other"},
        {"network_mode": "bridge"},
        {"network_mode": "other_network"},
        {"devices": ["/dev/kvm:/dev/kvm"]},
        {"device_cgroup_rules": ["c 1:3 mr"]},
        {"cap_add": ["SYS_ADMIN"]},
        {"security_opt": ["seccomp:unconfined"]},
        {"security_opt": ["apparmor=unconfined"]},
        {"security_opt": ["no-new-privileges:true", "label:disable"]},
        {"runtime": "sysbox"},
        {"gpus": "all"},
        {"provider": {"type": "anything"}},
        {"use_api_socket": True},
        {"credential_spec": {"file": "x"}},
        {"external_links": ["other:db"]},
        {"volumes_from": ["container:other"]},
        {"oom_kill_disable": True},
        {"oom_score_adj": -1000},
        {"blkio_config": {"device_read_bps": [{"path": "/dev/sda", "rate": 1}]}},
        {"labels": {"headway.compose": "of another"}},
        {"labels": {"com.docker.compose.project": "another"}},
        {"volumes": [{"type": "npipe", "source": "x", "target": "/x"}]},
        {"deploy": {"resources": {"reservations": {"devices": [{"capabilities": ["gpu"]}]}}}},
        {"image": "headway-compose/other/web:0123456789abcdef01234567"},
        {"image": "headway-5e8713ab6bfa/other:r-1"},
        {"image": "533286140bb0"},
        {"image": "sha256:" + "0" * 64},
        {"image": "debian:12; rm -rf /"},
        {"image": "-v"},
        {"image": "../../containers/json"},
        {"a_key_of_tomorrow": "x"},
        {"build": {"context": "/src", "ssh": ["default"]}},
        {"build": {"context": "/src", "privileged": True}},
        {"build": {"context": "/src", "entitlements": ["security.insecure"]}},
        {"build": {"context": "/src", "network": "host"}},
        {"build": {"context": "/src", "cache_to": ["type=local,dest=/etc"]}},
        {"build": {"context": "/src", "cache_from": ["type=local,src=/etc"]}},
        {"build": {"context": "https://git.example/x.git"}},
        {"build": {"context": "/src", "additional_contexts": {"x": "https://git.example/x.git"}}},
    ],
)
def test_what_reaches_the_host_is_refused(keys: dict[str, Any]) -> None:
    assert len(objections(with_service(**keys))) == 1


@pytest.mark.parametrize(
    "model",
    [
        {"networks": {"n": {"external": True, "name": "of_another"}}},
        {"networks": {"n": {"driver": "macvlan", "driver_opts": {}}}},
        {"networks": {"n": {"driver_opts": {"com.docker.network.bridge.name": "eth0"}}}},
        {"networks": {"n": {"ipam": {"config": [{"subnet": "192.168.0.0/16"}]}}}},
        {"volumes": {"v": {"external": True, "name": "of_another"}}},
        {"volumes": {"v": {"driver": "nfs"}}},
        {"volumes": {"v": {"driver_opts": {"type": "none", "o": "bind", "device": "/etc"}}}},
        {"configs": {"c": {"external": True}}},
        {"configs": {"c": {"environment": "LD_PRELOAD"}}},
        {"secrets": {"s": {"driver": "vault"}}},
        {"secrets": {"s": {"environment": "DOCKER_HOST"}}},
        {"models": {"m": {"model": "x"}}},
    ],
)
def test_foreign_networks_volumes_and_files_are_refused(model: dict[str, Any]) -> None:
    assert len(objections(with_service() | model)) == 1


def test_every_path_of_the_host_is_named() -> None:
    model = {
        "services": {
            "web": {
                "build": {"context": "/t/app", "dockerfile": "../D", "additional_contexts": {"more": "/t/more"}},
                "volumes": [
                    {"type": "bind", "source": "/t/conf", "target": "/conf", "read_only": True},
                    {"type": "bind", "source": "/t/data", "target": "/data"},
                    {"type": "volume", "source": "v", "target": "/v"},
                ],
            }
        },
        "configs": {"c": {"file": "/t/c"}, "d": {"content": "x"}},
        "secrets": {"s": {"file": "/t/s"}},
    }
    assert [(each.path, each.use, each.writable) for each in paths_of(model)] == [
        ("/t/conf", Use.MOUNT, False),
        ("/t/data", Use.MOUNT, True),
        ("/t/app", Use.CONTEXT, False),
        ("/t/more", Use.CONTEXT, False),
        ("/t/D", Use.FILE, False),
        ("/t/c", Use.FILE, False),
        ("/t/s", Use.FILE, False),
    ]
