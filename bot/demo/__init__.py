"""`xiaoge demo`: a fictional community talks, the real pipeline listens."""


def demo(*, seconds: float | None, plain: bool, seed: int = 1) -> int:
    """Run the demo: until the viewer quits, or for `seconds`; `plain` prints a line per event instead of the live
    picture, as does a stdout that is no terminal. Returns the exit code: 0, or 1 when a message could not be
    handled."""
    from bot.demo import show  # brings the whole house in, which the crowd and `xiaoge --help` do without

    return show.run(seconds, plain=plain, seed=seed)
