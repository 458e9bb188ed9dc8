"""Ports of this machine that stay free, or silent, however many tests ask the kernel for one at the same time."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

_NOT_GIVEN_OUT = range(20_000, 30_000)  # below the ports that the kernel gives to whoever asks for any


def free_port() -> int:
    """One at which nobody listens, and which nobody is given by chance before it is used."""
    chance = random.SystemRandom()
    while True:
        port = chance.choice(_NOT_GIVEN_OUT)
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def silent_port() -> Iterator[int]:
    """One that is taken for the block, and answers nobody."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])
