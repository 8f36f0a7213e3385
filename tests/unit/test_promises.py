"""What the threat model says of the source holds of the source."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for name in ("ood_face", "webui") for path in (ROOT / name).rglob("*.py"))
# what can send a request, and who does: the drift webhook to hosts of the settings, the
# supervisor's listener and the doctor to this server itself
CLIENTS = {"http.client", "urllib.request", "httpx", "requests", "aiohttp", "ftplib", "smtplib"}
SENDERS = {
    "ood_face/bootstrap/doctor/network.py",
    "ood_face/monitoring/drift_webhook.py",
    "ood_face/supervision/readiness.py",
}
# reads files that an operator imports, with an unpickler that knows a few names; serving does not
UNPICKLERS = {"ood_face/detection/torch_file.py", "ood_face/importers/torch_state.py"}


def imported(path: Path) -> set[str]:
    """Return the names of modules that a file imports, with those of what it takes from them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def importers(*modules: str) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in SOURCES if imported(path).intersection(modules)}


def called(path: Path) -> list[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_only_these_parts_send_requests_of_their_own():
    assert importers(*CLIENTS) == SENDERS


def test_nothing_that_serves_reads_a_pickle():
    assert importers("pickle", "dill", "joblib", "shelve", "marshal") == UNPICKLERS
    for path in SOURCES:
        for call in called(path):
            named = {word.arg: word.value for word in call.keywords}
            allowed = named.get("allow_pickle")
            assert allowed is None or ast.literal_eval(allowed) is False, path


@pytest.mark.parametrize("name", ["eval", "exec", "compile", "__import__"])
def test_no_text_becomes_a_program(name):
    for path in SOURCES:
        for call in called(path):
            assert not (isinstance(call.func, ast.Name) and call.func.id == name), path


def test_no_input_of_the_api_is_an_address():
    document = json.loads((ROOT / "tests/unit/api/openapi.json").read_text(encoding="utf-8"))
    inputs = [
        (place, name)
        for place, operations in document["paths"].items()
        for operation in operations.values()
        for name in (
            *(one["name"] for one in operation.get("parameters", ())),
            *re.findall(
                r'"(\w+)": \{"', json.dumps(operation.get("requestBody", {}), sort_keys=True)
            ),
        )
    ]
    assert len(inputs) > 50
    assert [
        one for one in inputs if re.search(r"ur[il]|href|link|address|host", one[1], re.I)
    ] == []
    bodies = json.dumps(
        [op.get("requestBody") for ops in document["paths"].values() for op in ops.values()]
    )
    assert '"format": "uri' not in bodies
