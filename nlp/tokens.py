"""Word boundaries by jieba, with the lexicon's words in the dictionary and no hidden Markov model.

Only one-character terms need them: 灯 is a word in 楼上灯坏了 and none in 灯笼.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # jieba 0.42.1 imports pkg_resources and has unescaped patterns
    import jieba

jieba.setLogLevel(logging.WARNING)

DOMAIN_FREQUENCY = 20_000

# Particles cut a sentence for us, so that wrapping it in more of them never changes the words inside.
_PIECES = re.compile(r"[\u4e00-\u9fffa-z0-9+#&._%\-]+")
_PARTICLES = re.compile(r"[啊吧呢嘛哦噢哈呀啦哎唉诶欸嗯呃额喂哇咯哟嘞喔吖嘿]+")


class Tokens:
    """A tokenizer of its own; the shared one of jieba is left alone."""

    def __init__(self, words: Iterable[str]) -> None:
        self._jieba = jieba.Tokenizer()
        with _private_cache() as folder:
            self._jieba.tmp_dir = str(folder)
            self._jieba.initialize()
        self._words = frozenset(words)
        for word in self._words:
            self._jieba.add_word(word, DOMAIN_FREQUENCY)

    def singles(self, text: str) -> frozenset[int]:
        """Where words of one character stand, also at the head of 灯不亮, which the dictionary holds as one."""
        places: list[int] = []
        for piece in _PIECES.finditer(_PARTICLES.sub(lambda match: " " * len(match[0]), text)):
            at = piece.start()
            for word in self._jieba.cut(piece[0], HMM=False):
                if len(word) == 1 or word[1:] in self._words:
                    places.append(at)
                at += len(word)
        return frozenset(places)


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
