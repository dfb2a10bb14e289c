"""What was built, as a run and a release keep it."""

from __future__ import annotations

import json
from dataclasses import replace

from headway.features.services.application.artifacts import dump_artifact, load_artifact
from headway.kernel.artifacts import Image

IMAGE = Image(reference="sha256:a", name="shop:one", ports=(3000,), data_folder="/data", keep=("/app/media",))


def test_an_image_that_stays_one_is_read_again_as_such() -> None:
    stays = replace(IMAGE, stays=True)
    assert load_artifact(json.loads(json.dumps(dump_artifact(stays)))) == stays


def test_an_image_that_was_kept_before_that_was_told_is_read() -> None:
    kept = dump_artifact(IMAGE)
    del kept["image"]["stays"]
    assert load_artifact(json.loads(json.dumps(kept))) == IMAGE
