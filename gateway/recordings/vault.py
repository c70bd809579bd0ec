"""Where recordings are kept: a folder, or object storage by URL. Everything here blocks: give it a thread."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from gateway.errors import ConfigError, StoreError

__all__ = ["Vault"]

TIMEOUT = timedelta(seconds=30)
"""Of one request to a server; an object is sent in parts, each a request."""


class Vault:
    """Whole objects by key. Raises StoreError when the storage does not do it, without its words: they name buckets."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def open(cls, url: str | None, folder: Path) -> Vault:
        """`url` as `s3://bucket/prefix`, `gs://…`, `az://…` or `file:///…`; None is `folder`. Credentials come from the
        places where the vendors' own tools look for them. Raises ConfigError."""
        try:
            if url is None or url.startswith("file:"):
                path = str(folder) if url is None else url.removeprefix("file://")
                return cls(LocalStore(path, mkdir=True))
            return cls(from_url(url, client_options={"timeout": TIMEOUT, "allow_http": True}))
        except (BaseError, ValueError, OSError) as error:
            raise ConfigError([f"PARLEY_RECORDINGS_URL cannot be used: {type(error).__name__}"]) from None

    def put(self, key: str, path: Path) -> None:
        """Whole or not at all; a second time it replaces the first. Raises FileNotFoundError when there is no such file
        (any more)."""
        try:
            obstore.put(self._store, key, path)
        except (BaseError, OSError) as error:
            if not path.exists():
                raise FileNotFoundError("no such file") from None
            raise StoreError(f"a recording could not be stored: {type(error).__name__}") from None

    def read(self, key: str, start: int, length: int) -> bytes:
        """Raises FileNotFoundError when there is no such object."""
        try:
            return bytes(obstore.get_range(self._store, key, start=start, length=length))
        except FileNotFoundError:
            raise FileNotFoundError("no such recording") from None
        except (BaseError, OSError) as error:
            raise StoreError(f"a recording could not be read: {type(error).__name__}") from None

    def delete(self, key: str) -> None:
        """What is not there is deleted."""
        try:
            obstore.delete(self._store, key)
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as error:
            raise StoreError(f"a recording could not be deleted: {type(error).__name__}") from None

    def keys(self) -> Iterator[str]:
        """All there are."""
        for page in obstore.list(self._store):
            for entry in page:
                yield entry["path"]
