"""Sealing of columns that must not be readable in a copy of the database: AES-SIV, bound to table and column."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from storage.errors import StoreError

_KEY_BYTES = 64  # AES-256-SIV

_HEADER = """\
# Key of xiaoge's sealed columns. Keep a copy apart from the database: without it, contacts cannot be read again.
# One key a line (base64, 64 bytes). The first one seals; all of them open, so a new key goes on top.
"""


class Sealer:
    """Seals and opens short texts. The same text in the same column seals to the same bytes, so equality can be
    looked up; `place` is "table.column" and what was sealed for one place opens in no other."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys`: 64 bytes each, at least one; the first seals. Raises ValueError for any other length."""
        if not keys or any(len(key) != _KEY_BYTES for key in keys):
            raise ValueError(f"a key has {_KEY_BYTES} bytes, and there is at least one")
        self._ciphers = [AESSIV(key) for key in keys]
        self._digest_keys = [hashlib.sha256(b"xiaoge digest" + key).digest() for key in keys]

    def seal(self, place: str, text: str) -> bytes:
        return self._ciphers[0].encrypt(text.encode(), [place.encode()])

    def open(self, place: str, sealed: bytes) -> str:
        """The text again. Raises StoreError where no key fits or the bytes were altered."""
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed, [place.encode()]).decode()
            except InvalidTag:
                continue
        raise StoreError(f"{place} cannot be opened with this key file: put back the key file that sealed it")

    def forms(self, place: str, text: str) -> list[bytes]:
        """How the text may stand in the column, one form for each key: for equality look-ups."""
        return [cipher.encrypt(text.encode(), [place.encode()]) for cipher in self._ciphers]

    def digests(self, place: str, text: str) -> list[bytes]:
        """Keyed one-way digests, one for each key, the first to be stored: for secrets that are only compared."""
        message = f"{place}\0{text}".encode()
        return [hmac.digest(key, message, "sha256") for key in self._digest_keys]


def load_key_file(path: Path) -> Sealer:
    """Read the keys. Raises StoreError: missing, readable by others, not a key file."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise StoreError(f"key file {path} is missing: put back the copy that belongs to this database") from None
    except UnicodeDecodeError:
        raise StoreError(f"{path} is not a key file of xiaoge: put back the copy of the real one") from None
    except OSError as error:
        raise StoreError(
            f"key file {path} cannot be read ({error.strerror}): give it to the user who runs xiaoge, chmod 600 {path}"
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StoreError(f"key file {path} is open to other users (mode {stat.S_IMODE(mode):o}): chmod 600 {path}")
    try:
        lines = [line.strip() for line in text.splitlines()]
        return Sealer([base64.b64decode(line, validate=True) for line in lines if line and not line.startswith("#")])
    except ValueError:
        raise StoreError(f"{path} is not a key file of xiaoge: put back the copy of the real one") from None


def make_key_file(path: Path) -> Sealer:
    """Write a new random key, readable by this user only, whole or not at all. Raises StoreError where it cannot
    be written, FileExistsError where there is a file already."""
    key = base64.b64encode(os.urandom(_KEY_BYTES)).decode()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{_HEADER}{key}\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        finally:
            draft.unlink()
    except FileExistsError:
        raise
    except OSError as error:
        raise StoreError(f"key file {path} cannot be written ({error.strerror}): make its directory writable") from None
    return load_key_file(path)
