"""``ood-face doctor`` as a program: for a user who may not look, and beside a running owner."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from ood_face.matching.sqlite import SqliteGalleryStore
from ood_face.types import Profile
from tests.fakes.templates import gallery_info, template
from tests.integration.test_read_only import ROOT, everything_in, unprivileged


def doctor(data: Path) -> tuple[int, dict[str, dict[str, Any]]]:
    """Return exit code and findings by check; of several, the last."""
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("OOD_FACE_")}
    done = subprocess.run(
        unprivileged("-m", "ood_face.cli", "doctor", "--json"),
        cwd=ROOT,
        env=inherited | {"OOD_FACE_DATA_DIR": str(data), "OOD_FACE_PORT": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stderr == ""
    return done.returncode, {one["check"]: one for one in json.loads(done.stdout)["checks"]}


def test_a_folder_that_may_not_be_looked_at_is_told_and_ends_no_check(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0)
    try:
        code, found = doctor(data)
    finally:
        data.chmod(0o700)

    assert code == 1
    assert found["data"]["code"] == "doctor.data_not_writable"
    for check in ("galleries", "databases", "keys", "clock"):
        assert found[check]["state"] == "problem", check
        assert str(data) in found[check]["found"]
    assert found["weights"]["state"] == found["port"]["state"] == "ok"


def test_it_looks_at_what_another_process_has_open_and_leaves_it_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with closing(SqliteGalleryStore(data)) as store:
        gallery = store.create(gallery_info("staff"))
        for number in range(5):
            gallery.create_subject(f"s{number}", Profile(), [template(number)])
        gallery.index_kind()
        store.save()
        before = set(everything_in(data))

        code, found = doctor(data)

        assert (code, set(everything_in(data))) == (0, before)
        assert found["galleries"]["code"] == "doctor.galleries_other_model"
        assert found["databases"]["code"] == "doctor.databases_sound"
        assert gallery.create_subject("later", Profile(), [template(9)]).subject_id == "later"

    settled = everything_in(data)
    assert doctor(data)[0] == 0
    assert everything_in(data) == settled
