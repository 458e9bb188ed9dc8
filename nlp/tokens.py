"""Word boundaries by jieba, with the lexicon's words in the dictionary and no hidden Markov model.

Only one-character terms need them: 灯 is a word in 楼上灯坏了 and none in 灯笼. jieba is the reference; rjieba is the
same in Rust, ten times as fast, and a test holds it to the same words.
"""

from __future__ import annotations

import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

DOMAIN_FREQUENCY = 20_000

# Particles cut a sentence for us, so that wrapping it in more of them never changes the words inside.
_PIECES = re.compile(r"[\u4e00-\u9fffa-z0-9+#&._%\-]+")
_PARTICLES = re.compile(r"[啊吧呢嘛哦噢哈呀啦哎唉诶欸嗯呃额喂哇咯哟嘞喔吖嘿]")

Cut = Callable[[str], Iterable[str]]


class TokenizerError(RuntimeError):
    """The tokenizer that was asked for is not there: names the cure."""


class Tokens:
    """A tokenizer of its own; the shared one of jieba is left alone."""

    def __init__(self, words: Iterable[str], *, fast: bool = False) -> None:
        """`fast` asks for rjieba. Raises `TokenizerError` where it is not installed."""
        self._words = frozenset(words)
        self.cut = _rjieba(self._words) if fast else _jieba(self._words)

    def singles(self, text: str) -> frozenset[int]:
        """Where words of one character stand, also at the head of 灯不亮, which the dictionary holds as one."""
        places: list[int] = []
        for piece in _PIECES.finditer(_PARTICLES.sub(" ", text)):
            at = piece.start()
            for word in self.cut(piece[0]):
                if len(word) == 1 or word[1:] in self._words:
                    places.append(at)
                at += len(word)
        return frozenset(places)


def _jieba(words: Iterable[str]) -> Cut:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba 0.42.1 imports pkg_resources and has unescaped patterns
        import jieba
    jieba.setLogLevel("WARNING")
    tokenizer = jieba.Tokenizer()
    with _private_cache() as folder:
        tokenizer.tmp_dir = str(folder)
        tokenizer.initialize()
    for word in words:
        # add_word counts the old frequency of a known word into the total, too; rjieba does not.
        tokenizer.total -= tokenizer.FREQ.get(word, 0)
        tokenizer.add_word(word, DOMAIN_FREQUENCY)
    return partial(tokenizer.cut, HMM=False)


def _rjieba(words: Iterable[str]) -> Cut:
    try:
        import rjieba
    except ImportError:
        raise TokenizerError(
            "rjieba is not installed: pip install 'xiaoge[fast]', or do without: fast = false"
        ) from None
    tokenizer = rjieba.Jieba()
    for word in words:
        tokenizer.add_word(word, DOMAIN_FREQUENCY, None)
    return partial(tokenizer.cut, hmm=False)


class _private_cache:  # noqa: N801 - used like a function
    """jieba unmarshals its cache, so nobody else may write it: a folder of ours alone, else one for this run."""

    def __enter__(self) -> Path:
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "xiaoge"
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = home.lstat()
            if home.is_symlink() or status.st_uid != os.getuid():
                raise PermissionError(home)
            if status.st_mode & 0o077:
                home.chmod(0o700)
            if os.access(home, os.W_OK):
                return home
        except (OSError, RuntimeError):
            pass
        self._temporary = tempfile.TemporaryDirectory(prefix="xiaoge-")
        return Path(self._temporary.name)

    def __exit__(self, *_: object) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()
