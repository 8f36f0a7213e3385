from __future__ import annotations

import subprocess
import sys

import pytest


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    loaded = modules_after("import ood_face")
    assert not {"paddle", "cv2", "numpy", "pydantic", "gradio"} & loaded


def test_the_command_loads_no_engine_and_no_page():
    loaded = modules_after("import ood_face.cli")
    assert not {"paddle", "gradio", "torch", "fastapi", "uvicorn"} & loaded


@pytest.mark.parametrize("command", [["list"], ["show", "staff"], ["subjects", "staff"]])
def test_looking_at_galleries_loads_no_engine_no_page_and_no_milvus(command, monkeypatch, tmp_path):
    monkeypatch.setenv("OOD_FACE_DATA_DIR", str(tmp_path))
    arguments = ["gallery", *command]
    loaded = modules_after(
        f"from ood_face.cli.app import app; app({arguments}, standalone_mode=False)"
    )
    assert "ood_face.matching.sqlite" in loaded
    assert not {"paddle", "gradio", "torch", "fastapi", "pymilvus", "onnxruntime"} & loaded


def test_the_command_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "ood_face.cli", "compare", "none-a.jpg", "none-b.jpg"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (7, "")
    assert done.stderr == "ood-face: none-a.jpg: cannot be read: No such file or directory\n"
