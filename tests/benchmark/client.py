"""Clients that ask a server again as soon as it has answered; told as one line of JSON.

A program of its own, so that its work is no work of the server's:
``python -m tests.benchmark.client ADDRESS KIND CLIENTS SECONDS``; KIND is ``extract`` or
``compare``, the pictures are 640x480 JPEGs. The requests are made before the clock starts; a
client sends bytes and reads bytes, and keeps its connection.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from urllib.parse import urlsplit

from tests.benchmark.made_pictures import jpeg, one_face_pictures

__all__ = ["Clients", "requests_of"]

BOUNDARY = "one-boundary-of-a-benchmark"
FIELDS = {"extract": ("image",), "compare": ("image_a", "image_b")}
TIMEOUT_S = 60.0


def requests_of(kind: str) -> list[bytes]:
    """Return the bodies of the requests, which take turns."""
    pictures = [jpeg(image) for image in one_face_pictures().values()]
    return [
        b"".join(
            [
                *(
                    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; '
                    f'filename="{field}.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'.encode()
                    + pictures[(first + index) % len(pictures)]
                    + b"\r\n"
                    for index, field in enumerate(FIELDS[kind])
                ),
                f"--{BOUNDARY}--\r\n".encode(),
            ]
        )
        for first in range(len(pictures))
    ]


class Clients:
    """Some clients of one server, each a thread with a connection of its own.

    Attributes
    ----------
    durations_s : of the answered requests
    failed : requests that were not answered with 200, by status; 0: no answer
    """

    def __init__(self, address: str, kind: str, clients: int) -> None:
        self._host = urlsplit(address).netloc
        self._path = f"/v1/{kind}"
        self._bodies = requests_of(kind)
        self._clients = clients
        self.durations_s: list[float] = []
        self.failed: dict[int, int] = {}
        self._counting = threading.Lock()

    def run(self, seconds: float) -> float:
        """Ask for so long, each once at least; returns the seconds until the last answer."""
        began = time.perf_counter()
        until = began + seconds
        threads = [
            threading.Thread(target=self._ask, args=(index, until))
            for index in range(self._clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began

    def _ask(self, index: int, until: float) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=TIMEOUT_S)
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        while True:  # once at least
            began = time.perf_counter()
            body = self._bodies[index % len(self._bodies)]
            index += 1
            try:
                connection.request("POST", self._path, body, headers)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                connection.close()
                status = 0
            if status == 200:
                self.durations_s.append(time.perf_counter() - began)
            else:
                with self._counting:
                    self.failed[status] = self.failed.get(status, 0) + 1
            if time.perf_counter() >= until:
                break
        connection.close()


def main() -> None:
    """Ask, and tell."""
    address, kind, clients, seconds = sys.argv[1:5]
    asking = Clients(address, kind, int(clients))
    before_s = time.process_time()
    took_s = asking.run(float(seconds))
    told = {
        "took_s": took_s,
        "durations_s": asking.durations_s,
        "failed": asking.failed,
        "cpu_s": time.process_time() - before_s,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
