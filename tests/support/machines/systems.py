"""``python -m tests.support.machines.systems``: makes the systems that the tests start machines and images
from, unless they are kept already. Whoever needs one meanwhile waits for it.
"""

from __future__ import annotations

from tests.support.databases.database_images import system_with
from tests.support.docker.docker_engine import base_image, lacks_docker
from tests.support.machines.server_roots import MISSING, server_system

if __name__ == "__main__" and not lacks_docker() and not MISSING:
    base_image()
    server_system()
    system_with("postgres")
