"""The API behind a real server, over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest
import uvicorn

from ood_face.api import create_app
from ood_face.api.served import Served
from ood_face.config import Settings
from ood_face.runtime import BoundedAdmission
from tests.fakes import FakeDetector, fake_service, picture, png
from tests.integration.threaded_server import running

SETTINGS = Settings(workers=2, queue_size=4, max_image_bytes=2**20)
MIB = 2**20


REFUSED = 'ood_face_admission_refused_total{reason="queue_full"}'
WAITS = 'ood_face_stage_seconds_count{stage="wait"}'
WAITED_S = 'ood_face_stage_seconds_sum{stage="wait"}'


def numbers(address: str) -> dict[str, float]:
    """Return what ``/metrics`` says, by name and labels as they stand there."""
    lines = httpx.get(f"{address}/metrics", timeout=10).text.splitlines()
    told = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in told}


class GatedDetector(FakeDetector):
    """Waits while the gate is closed."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()

    def detect(self, image):
        self.gate.wait(30)
        return super().detect(image)


@pytest.fixture(scope="module")
def detector() -> GatedDetector:
    return GatedDetector()


@pytest.fixture(scope="module")
def address(detector):
    admission = BoundedAdmission(SETTINGS.workers, SETTINGS.queue_size, timeout_s=30)
    app = create_app(Served(fake_service(detector=detector, admission=admission), SETTINGS))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    with running(server) as port:
        yield f"http://127.0.0.1:{port}"


HEAD = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'


def form(mib: int):
    yield HEAD
    for _ in range(mib):
        yield bytes(MIB)


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("path", ["/v1/extract", "/v1/compare"])
def test_100_mib_are_refused_and_kept_nowhere(address, declared, path):
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    if declared:
        headers["Content-Length"] = str(len(HEAD) + 100 * MIB)
    before = psutil.Process().memory_info().rss
    answer = httpx.post(f"{address}{path}", content=form(100), headers=headers, timeout=60)
    assert answer.status_code == 413
    assert answer.json()["code"] == "request.too_large"
    assert "bytes" in answer.json()["detail"]
    assert psutil.Process().memory_info().rss - before < 40 * MIB


def test_a_form_with_a_file_over_the_limit(address):
    files = {"image": ("a.jpg", b"\xff\xd8\xff" + bytes(MIB))}
    answer = httpx.post(f"{address}/v1/extract", files=files, timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (413, "image.too_many_bytes")
    assert str(MIB) in answer.json()["detail"]


def test_more_than_the_queue_holds_is_refused_and_health_still_answers(address, detector):
    data = png(picture(40))

    def extract(_: int) -> int:
        files = {"image": ("a.png", data)}
        return httpx.post(f"{address}/v1/extract", files=files, timeout=60).status_code

    before = numbers(address)
    detector.gate.clear()
    try:
        with ThreadPoolExecutor(20) as pool:
            answers = [pool.submit(extract, i) for i in range(20)]
            # 2 at work and 4 waiting; the others are refused while the gate is closed
            while sum(answer.done() for answer in answers) < 14:
                time.sleep(0.02)
            assert {answer.result() for answer in answers if answer.done()} == {503}
            assert httpx.get(f"{address}/healthz", timeout=10).status_code == 200
            during = numbers(address)
            detector.gate.set()
            statuses = [answer.result() for answer in answers]
    finally:
        detector.gate.set()
    assert sorted(set(statuses)) == [200, 503]
    assert statuses.count(200) == 6
    gauges = ("at_work", "waiting", "workers", "queue_size")
    assert [during[f"ood_face_admission_{name}"] for name in gauges] == [2, 4, 2, 4]
    assert during[REFUSED] - before[REFUSED] == 14
    after = numbers(address)
    assert [after[f"ood_face_admission_{name}"] for name in gauges] == [0, 0, 2, 4]
    assert after[WAITS] - before[WAITS] == 6
    assert after[WAITED_S] - before[WAITED_S] > 0
    for status in (200, 503):
        counted = f'ood_face_requests_total{{method="POST",route="/v1/extract",status="{status}"}}'
        assert after[counted] - before.get(counted, 0) == statuses.count(status)


def test_a_caller_who_leaves_in_the_middle_harms_nobody(address):
    host, port = address.removeprefix("http://").split(":")
    for sent in (
        b"POST /v1/extract HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n"
        b"Content-Type: application/json\r\n\r\n{",
        b"\x16\x03\x01 no http\r\n\r\n",
    ):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(sent)
    answer = httpx.post(
        f"{address}/v1/extract", files={"image": ("a.png", png(picture(40)))}, timeout=60
    )
    assert answer.status_code == 200
