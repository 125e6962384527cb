"""Clients that ask over HTTP, one request after another on a connection each, and what they see."""

from __future__ import annotations

import http.client
import itertools
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Round:
    """`took`: seconds of each request."""

    seconds: float
    took: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.took) / self.seconds


def milliseconds(took: Sequence[float], percent: int) -> float:
    return statistics.quantiles(took, n=100, method="inclusive")[percent - 1] * 1000


def ask(url: str, paths: Sequence[str], headers: dict[str, str], *, clients: int, seconds: float) -> Round:
    """Every client goes through the paths from a place of its own. Raises RuntimeError on an answer that is not 200."""
    errors: list[BaseException] = []
    results: list[list[float]] = [[] for _ in range(clients)]
    until = time.perf_counter() + seconds

    def work(number: int) -> None:
        start = number * len(paths) // clients
        turns = itertools.islice(itertools.cycle(paths), start, None)
        try:
            results[number].extend(_one_client(url, turns, headers, until))
        except BaseException as error:
            errors.append(error)

    begun = time.perf_counter()
    threads = [threading.Thread(target=work, args=[number]) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise RuntimeError(f"a client failed: {errors[0]!r}") from errors[0]
    return Round(time.perf_counter() - begun, [took for one in results for took in one])


def _one_client(url: str, paths: Iterator[str], headers: dict[str, str], until: float) -> Iterator[float]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        while (begun := time.perf_counter()) < until:
            connection.request("GET", next(paths), headers=headers)
            response = connection.getresponse()
            response.read()
            if response.status not in (200, 204):
                raise RuntimeError(f"answered {response.status}")
            yield time.perf_counter() - begun
    finally:
        connection.close()
