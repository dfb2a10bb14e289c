"""What a compose file may not ask for, in other spellings: by references, merges, other files, profiles, variables and
short forms, each read by Compose itself.
"""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.runtimes.compose import bounds, policy
from headway.drivers.runtimes.compose.authored_file import opened_by, read
from headway.drivers.runtimes.compose.policy import paths_of
from headway.kernel.errors import InvalidInput
from tests.unit.drivers.runtimes.compose.test_bounds import BOUNDS

Json = Any
pytestmark = [pytest.mark.docker, pytest.mark.slow]

WEB = "services:\n  web:\n    image: debian\n"
REFUSED = {
    "merge": "x-a: &a {privileged: true}\nservices:\n  web: {<<: *a, image: debian}\n",
    "merges": "x-a: &a {pid: host}\nx-b: &b {<<: *a}\nservices:\n  web: {<<: [*b], image: debian}\n",
    "reference": "x-a: &a [SYS_ADMIN]\n" + WEB + "    cap_add: *a\n",
    "tag": WEB + "    cap_add: !override [SYS_ADMIN]\n",
    "quoted": WEB + '    "\\u0070rivileged": true\n',
    "flow": 'services: {web: {image: debian, "devices": ["/dev/kvm"]}}\n',
    "variable": WEB + "    network_mode: ${MODE}\n",
    "default": WEB + "    network_mode: ${NOT_SET:-host}\n",
    "pieces": WEB + "    network_mode: ${A}${B}\n",
    "variable image": "services:\n  web:\n    image: ${HUB}/headway-compose/shop/web\n",
    "variable key value": WEB + "    privileged: ${YES}\n",
    "profile": "services:\n  web: {image: debian}\n  x: {image: debian, profiles: [dev], privileged: true}\n",
    "extends": "services:\n  web: {extends: {file: more.yml, service: x}}\n",
    "extends here": "services:\n  b: {image: debian, uts: host}\n  web: {extends: b}\n",
    "include": "include: [more.yml]\nservices:\n  web: {image: debian}\n",
    "include long": "include: [{path: [more.yml]}]\nservices:\n  web: {image: debian}\n",
    "devices short": WEB + "    devices: ['/dev/null:/dev/x:rwm']\n",
    "device rules": WEB + "    device_cgroup_rules: ['a *:* rwm']\n",
    "gpus": WEB + "    deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}\n",
    "security": WEB + "    security_opt: ['seccomp:unconfined']\n",
    "security no": WEB + "    security_opt: ['no-new-privileges:false']\n",
    "cgroup parent": WEB + "    cgroup_parent: /\n",
    "ipc": WEB + "    ipc: 'container:other'\n",
    "userns": WEB + "    userns_mode: host\n",
    "network of another": WEB + "    network_mode: 'container:other'\n",
    "volumes of another": WEB + "    volumes_from: ['container:other:rw']\n",
    "driver options": WEB
    + "    volumes: ['vol:/v']\nvolumes: {vol: {driver_opts: {type: none, o: bind, device: /}}}\n",
    "external volume": WEB + "    volumes: ['vol:/v']\nvolumes: {vol: {external: true, name: other_data}}\n",
    "external network": WEB + "    networks: [n]\nnetworks: {n: {external: true, name: other_default}}\n",
    "external of old": WEB + "    networks: [n]\nnetworks: {n: {external: {name: other_default}}}\n",
    "credential": WEB + "    credential_spec: {file: x}\n",
    "runtime": WEB + "    runtime: sysbox\n",
    "propagation short": WEB + "    volumes: ['.:/x:rshared']\n",
    "propagation": WEB + "    volumes: [{type: bind, source: ., target: /x, bind: {propagation: shared}}]\n",
    "labels as list": WEB + "    labels: ['headway.compose=other']\n",
    "labels": WEB + "    labels: {com.docker.compose.project: other}\n",
    "labels of volumes": WEB + "    volumes: ['vol:/v']\nvolumes: {vol: {labels: ['headway.panel=x']}}\n",
    "label file": WEB + "    label_file: labels.env\n",
    "build network": "services:\n  web: {build: {context: ., network: host}}\n",
    "build privileged": "services:\n  web: {build: {context: ., privileged: true}}\n",
    "build entitlements": "services:\n  web: {build: {context: ., entitlements: [security.insecure]}}\n",
    "build ssh": "services:\n  web: {build: {context: ., ssh: [default]}}\n",
    "build cache": "services:\n  web: {build: {context: ., cache_to: ['type=local,dest=/x']}}\n",
    "build context": "services:\n  web: {build: 'https://git.example/x.git'}\n",
    "build more contexts": "services:\n  web: {build: {context: ., additional_contexts: ['x=https://x/y.git']}}\n",
    "build image": "services:\n  web: {build: {context: ., additional_contexts: {x: 'docker-image://headway-compose/x'}}}\n",
    "build arguments": "services:\n  web: {build: {context: ., args: ['BUILDKIT_SYNTAX=evil/frontend']}}\n",
    "image by digest": f"services:\n  web: {{image: 'docker.io/headway-compose/x/y@sha256:{'0' * 64}'}}\n",
    "image of the hub": "services:\n  web: {image: index.docker.io/headway-0123456789ab/app:r-1}\n",
    "logging": WEB + "    logging: {driver: syslog, options: {syslog-address: 'udp://10.0.0.1'}}\n",
    "ulimit": WEB + "    ulimits: {rtprio: 99}\n",
    "sysctl": WEB + "    sysctls: {net.ipv4/conf.lo.tag: '1000000010'}\n",
    "sysctl as list": WEB + "    sysctls: ['net/ipv4/conf/lo/tag=1000000010']\n",
    "oom": WEB + "    oom_score_adj: -1000\n",
    "blkio": WEB + "    blkio_config: {weight: 10}\n",
    "storage": WEB + "    storage_opt: {size: 1G}\n",
    "isolation": WEB + "    isolation: hyperv\n",
    "annotations": WEB + "    annotations: ['org.systemd.property.MemoryMax=1']\n",
    "ipam": WEB + "    networks: [n]\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0/8}]}}}\n",
    "macvlan": WEB + "    networks: [n]\nnetworks: {n: {driver: macvlan}}\n",
    "real time": WEB + "    cpu_rt_runtime: 950000\n",
    "template": WEB + "    configs: [c]\nconfigs: {c: {content: x, template_driver: golang}}\n",
    "two documents": WEB + "---\n" + WEB + "    privileged: true\n",
    "hooks": WEB + "    post_start: [{command: id, privileged: true, user: root}]\n",
    "variable of a program": WEB + "    secrets: [s]\nsecrets: {s: {environment: LD_PRELOAD}}\n",
}
# Compose itself takes none of these.
NO_FILE = {
    "twice": WEB + "    cap_drop: [ALL]\n    cap_drop: [NONE]\n",
    "unknown": WEB + "    a_key_of_tomorrow: 1\n",
    "case": WEB + "    Privileged: true\n",
    "provider": "services:\n  web: {provider: {type: anything}}\n",
    "models": WEB + "models: {m: {model: x}}\n",
}
ALLOWED = {
    "plain": WEB,
    "mount of a volume": WEB
    + "    volumes: ['vol:/v', {type: tmpfs, target: /t}]\n    tmpfs: [/u]\nvolumes: {vol: {}}\n",
    "limits": WEB + "    mem_limit: 64m\n    cpus: 0.5\n    ulimits: {nofile: 1024}\n    restart: always\n",
    "networks": WEB + "    networks: {n: {aliases: [a]}}\n    ports: ['8080:80', '127.0.0.1::81']\nnetworks: {n: {}}\n",
    "health": WEB + "    healthcheck: {test: [CMD, 'true'], interval: 1s}\n    develop: {watch: []}\n",
    "deploy": WEB
    + "    deploy: {replicas: 2, update_config: {order: start-first}, resources: {limits: {memory: 1g}}}\n",
}
# Each has Compose read ../outside, by that name or by the link `on`; where it begins to read it, that shows.
OUTSIDE = "../outside.env"
HIDDEN = {
    "plainly": WEB + f"    env_file: [{OUTSIDE}]\n",
    "binary": WEB + f"    env_file: [!!binary {base64.b64encode(OUTSIDE.encode()).decode()}]\n",
    "binary key": WEB + f"    !!binary ZW52X2ZpbGU=: [{OUTSIDE}]\n",
    "binary of another name": f"%TAG !y! tag:yaml.org,2002:\n---\n{WEB}    !y!binary ZW52X2ZpbGU=: [{OUTSIDE}]\n",
    "binary include": "!!binary aW5jbHVkZQ==: [../outside.yml]\n" + WEB,
    "link": WEB + "    env_file: [on]\n",
    "set": f"services: {{web: !!set {{image: debian, env_file: {OUTSIDE}}}}}\n",
    "ordered": WEB + f"    env_file: !!omap [{{path: {OUTSIDE}}}]\n",
    "pairs": f"include: !!pairs [{{path: ../outside.yml}}]\n{WEB}",
    "merge": WEB + "    !!merge extends: {file: ../outside.yml, service: web}\n",
    "merged merge": WEB + "    <<: {!!merge extends: {file: ../outside.yml, service: web}}\n",
    "merged twice": WEB + f"    <<: {{env_file: [{OUTSIDE}]}}\n    <<: !reset {{env_file: [a.env]}}\n",
    "reset over a merge": WEB + f"    <<: {{env_file: [{OUTSIDE}]}}\n    env_file: !reset [a.env]\n",
    "reset in merges": WEB + f"    <<: [!reset {{env_file: [a.env]}}, {{env_file: [{OUTSIDE}]}}]\n",
    "reference to a merge": f"x-m: &m <<\nservices:\n  web: {{image: debian, *m : {{env_file: [{OUTSIDE}]}}}}\n",
    "merge that is tagged": WEB + f"    ! <<: {{env_file: [{OUTSIDE}]}}\n",
}
# Of the hidden ones, those by which this Compose reads nothing, and those that are read as it reads them, with the file
# found; the others are refused.
UNREAD = {"binary include", "pairs", "reference to a merge"}
TAKEN = {"plainly", "link", "set", "ordered", "pairs", "merge that is tagged"}
MORE = "services: {x: {image: debian, privileged: true}}\n"


def resolved(folder: Path, text: str) -> Json:
    """The file as Compose resolves it, None where it does not."""
    (folder / "docker-compose.yml").write_text(text)
    (folder / "more.yml").write_text(MORE)
    (folder / "labels.env").write_text("headway.compose=other\n")
    variables = {"MODE": "host", "A": "ho", "B": "st", "HUB": "docker.io", "YES": "true", "COMPOSE_PROFILES": "dev"}
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "DOCKER_HOST": "unix:///dev/null", **variables}
    argv = ["docker-compose", "-f", "docker-compose.yml", "-p", "p", "config", "--format=json"]
    ran = subprocess.run(argv, cwd=folder, env=env, capture_output=True, check=False, timeout=30)
    return json.loads(ran.stdout) if ran.returncode == 0 else None


def judged(model: Json) -> list[str]:
    return [*policy.objections(model), *bounds.objections(model, BOUNDS)]


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_a_spelling_hides_nothing(tmp_path: Path, text: str) -> None:
    model = resolved(tmp_path, text)
    assert model is not None, "Compose takes it"
    assert judged(model), model


@pytest.mark.parametrize("text", NO_FILE.values(), ids=NO_FILE)
def test_what_is_no_compose_file_is_not_taken(tmp_path: Path, text: str) -> None:
    assert resolved(tmp_path, text) is None


@pytest.mark.parametrize("name", HIDDEN)
def test_no_spelling_has_a_file_read_that_is_not_found_in_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside.env").write_text("LEAKED=yes\n")
    (tmp_path / "outside.yml").write_text("services: {web: {environment: {LEAKED: 'yes'}}}\n")
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "a.env").write_text("A=b\n")
    (repository / "on").symlink_to("../outside.env")
    assert ("LEAKED" in json.dumps(resolved(repository, HIDDEN[name]))) is (name not in UNREAD)
    if name not in TAKEN:
        with pytest.raises(InvalidInput):
            read(HIDDEN[name], 1000)
        return
    found = [(repository / each.path).resolve() for each in opened_by(read(HIDDEN[name], 1000))]
    assert [each for each in found if not each.is_relative_to(repository)]


@pytest.mark.parametrize("text", ALLOWED.values(), ids=ALLOWED)
def test_a_file_as_people_write_them_is_taken(tmp_path: Path, text: str) -> None:
    model = resolved(tmp_path, text)
    assert model is not None
    assert judged(model) == []
    assert all(path.path.startswith(str(tmp_path)) for path in paths_of(model))
