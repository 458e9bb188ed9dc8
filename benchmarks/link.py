"""The link alone, event → message with its names, against stock wechaty on the same gateway.

    python benchmarks/link.py [--messages 4000] [--rounds 4]

One real gateway (Node.js), one run, each client in a process of its own: stock wechaty 0.10.7 with an `on_message`,
our transport, our transport with fat events. Prints CPU per message of the client and messages/s, of the best
round (what else runs on the machine only adds), as ratios to stock. Goal: at most 0.5 and, with fat events, 0.1 of
stock's CPU.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS, MEMBERS = 200, 20
TALK = (
    "晚上吃火锅不",
    "收到",
    "哈哈哈",
    "明天几点跳舞",
    "3栋2单元电梯又坏了",
    "周末去爬山吧",
    "早上好",
    "娃娃放学了没得",
)
STOCK, OURS, FAT = "stock wechaty", "our transport", "our transport, fat events"
GOALS = {OURS: 0.5, FAT: 0.1}


# ---------------------------------------------------------------- a client, in a process of its own
class Meter:
    """Counts messages; tells the parent, line by line, what the rounds cost."""

    def __init__(self) -> None:
        self._missing = 0
        self._done = asyncio.Event()

    def heard(self) -> None:
        self._missing -= 1
        if self._missing <= 0:
            self._done.set()

    async def rounds(self) -> None:
        """Answer each number of messages on standard input with the seconds of CPU and of the clock they took."""
        _say("ready")
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            self._missing = int(line)
            self._done.clear()
            cpu, clock = time.process_time(), time.perf_counter()
            _say("go")
            await self._done.wait()
            _say(f"{time.process_time() - cpu} {time.perf_counter() - clock}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def ours(endpoint: str, token: str) -> None:
    from bot.transports.base import EventKind
    from bot.transports.wechaty import WechatyTransport

    transport = WechatyTransport("main", endpoint, token)
    meter, linked = Meter(), asyncio.Event()
    free = asyncio.Semaphore(256)  # messages on their way, as the dispatcher bounds them
    fetches: set[asyncio.Task[None]] = set()

    async def fetch(message_id: str) -> None:
        await transport.fetch(message_id)
        free.release()
        meter.heard()

    async def listen() -> None:
        async for event in transport.events():
            if event.kind is EventKind.UP:
                linked.set()
            elif event.message is not None:
                meter.heard()
            elif event.kind is EventKind.MESSAGE:
                await free.acquire()
                task = asyncio.create_task(fetch(event.message_id))
                fetches.add(task)
                task.add_done_callback(fetches.discard)

    listening = asyncio.create_task(listen())
    await linked.wait()
    await meter.rounds()
    listening.cancel()


async def stock(endpoint: str, token: str) -> None:
    from bot.transports import wechaty_compat

    os.environ["WECHATY_LOG"] = "error"
    wechaty_compat.install(Path.cwd())
    import wechaty
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    for name in list(logging.root.manager.loggerDict):
        if name.lower().startswith("wechaty") or name in ("Wechaty", "PuppetService"):
            logging.getLogger(name).setLevel(logging.ERROR)
    meter, linked = Meter(), asyncio.Event()

    class Bot(wechaty.Wechaty):
        async def on_login(self, contact: object) -> None:  # noqa: ARG002
            linked.set()

        async def on_message(self, msg: object) -> None:  # noqa: ARG002
            meter.heard()

    # Its messages go to standard output, which is ours to talk to the parent.
    options = wechaty.WechatyOptions(
        endpoint=endpoint, token=token, host="127.0.0.1", port=0, scheduler=AsyncIOScheduler()
    )
    running = asyncio.create_task(Bot(options).start())
    await linked.wait()
    await meter.rounds()
    running.cancel()


# ---------------------------------------------------------------- the parent
class Client:
    def __init__(self, name: str, endpoint: str, token: str, home: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, __file__, "--client", name, "--endpoint", endpoint, "--token", token],
            cwd=home,
            env={**os.environ, "PYTHONPATH": str(ROOT), "CACHE_DIR": home},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._wait_for("ready")

    def round(self, messages: int, burst: Callable[[], object]) -> tuple[float, float]:
        """Seconds of CPU and of the clock."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{messages}\n")
        self._process.stdin.flush()
        self._wait_for("go")
        burst()
        cpu, clock = self._read().split()
        return float(cpu), float(clock)

    def _wait_for(self, word: str) -> None:
        while self._read() != word:
            pass

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the client ended by itself")
        return line.strip()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def measure(messages: int, rounds: int) -> dict[str, tuple[float, float]]:
    """By client: milliseconds of CPU a message, and messages/s."""
    sys.path.insert(0, str(ROOT))
    from tests.integration.gateway_process import Gateway, require_node

    require_node()
    figures = {}
    with tempfile.TemporaryDirectory() as home:
        gateway = Gateway(Path(home) / "gateway.log", ROOMS=ROOMS, MEMBERS=MEMBERS)
        gateway.boot()
        try:
            # Stock comes last: it ends and starts the session of the account when it comes.
            for name in (OURS, FAT, STOCK):
                asyncio.run(gateway.do("fat", on=name == FAT))
                client = Client(name, gateway.endpoint, gateway.token, home)
                try:
                    results = []
                    for number in range(rounds + 1):
                        texts = [TALK[n % len(TALK)] for n in range(messages)]
                        tag = f"{name}-{number}-"
                        burst = lambda: asyncio.run(gateway.do("burst", tag=tag, texts=texts))  # noqa: B023, E731
                        results.append(client.round(messages, burst))
                    warm = results[1:]  # the first round learns the names
                    cpu = min(cpu for cpu, _ in warm) / messages * 1000
                    figures[name] = (cpu, messages / min(clock for _, clock in warm))
                finally:
                    client.end()
        finally:
            gateway.end()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--client", help=argparse.SUPPRESS)
    parser.add_argument("--endpoint", help=argparse.SUPPRESS)
    parser.add_argument("--token", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.client:
        run = stock if arguments.client == STOCK else ours
        asyncio.run(run(arguments.endpoint, arguments.token))
        return
    figures = measure(arguments.messages, arguments.rounds)
    stock_cpu, stock_rate = figures[STOCK]
    print(f"{STOCK}: {stock_cpu:.3f} ms of CPU a message, {stock_rate:.0f} messages/s")
    for name, goal in GOALS.items():
        cpu, rate = figures[name]
        verdict = "reached" if cpu / stock_cpu <= goal else "missed"
        print(
            f"{name}: {cpu:.3f} ms, {cpu / stock_cpu:.2f} of stock (goal {goal}: {verdict}); "
            f"{rate:.0f} messages/s, {rate / stock_rate:.1f} times stock"
        )


if __name__ == "__main__":
    main()
