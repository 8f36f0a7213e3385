"""Clients that send prepared requests as fast as they are answered: locust, by itself.

``load.py`` starts it. Locust replaces parts of the standard library when it is imported, which is
why nothing else imports this file.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from itertools import accumulate
from pathlib import Path

import gevent
from locust import FastHttpUser, constant, task
from locust.env import Environment

from tests.benchmark.load_requests import read

__all__ = ["main"]

TIMEOUT_S = 120.0
# for requests under way when the time is over
END_S = 120.0
CLIENTS_A_SECOND = 100


def client_class(options: argparse.Namespace, samples: list[dict[str, object]]) -> type:
    """Return the class of clients; each puts what became of its requests into ``samples``."""
    requests = read(options.requests)
    places = range(len(requests))
    weights = list(accumulate(request.weight for request in requests))
    began = time.perf_counter()

    class Client(FastHttpUser):
        host = options.address
        wait_time = constant(0)
        connection_timeout = TIMEOUT_S
        network_timeout = TIMEOUT_S
        _made = 0

        def on_start(self) -> None:
            self._random = random.Random(Client._made)  # noqa: S311 - a mixture, no secret
            Client._made += 1

        @task
        def send(self) -> None:
            (place,) = self._random.choices(places, cum_weights=weights)
            request = requests[place]
            sent = time.perf_counter()
            with self.client.request(
                request.method,
                request.path,
                name=request.name,
                data=request.body or None,
                headers=request.headers,
                catch_response=True,
            ) as response:
                answered = time.perf_counter()
                status, headers = response.status_code, response.headers or {}
                wait_s = headers.get("Retry-After")
                code = response.json()["code"] if status == 503 else ""
                if status in (200, 201):
                    response.success()
                else:
                    response.failure(f"{status} {response.error or ''}")
            samples.append(
                {
                    "name": request.name,
                    "at_s": answered - began,
                    "ms": 1000 * (answered - sent),
                    "status": status,
                    "retry_after": wait_s,
                    "code": code,
                    "error": "" if status else str(response.error),
                }
            )
            if wait_s is not None and options.patient:
                gevent.sleep(float(wait_s))

    return Client


def main() -> None:
    """Send for a while; write what became of each request as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--requests", type=Path, required=True, help="folder that they were put in")
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--patient", action="store_true", help="wait as Retry-After says")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    samples: list[dict[str, object]] = []
    environment = Environment(user_classes=[client_class(options, samples)], stop_timeout=END_S)
    runner = environment.create_local_runner()
    runner.start(options.clients, spawn_rate=CLIENTS_A_SECOND)
    gevent.sleep(options.seconds)
    runner.quit()
    used = time.process_time()
    options.out.write_text(json.dumps({"client_cpu_s": used, "samples": samples}), encoding="utf-8")


if __name__ == "__main__":
    main()
