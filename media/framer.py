"""Chunks of any size in, exact frames out."""

from __future__ import annotations

__all__ = ["Framer"]


class Framer:
    """Cuts a byte stream into frames of `frame_bytes`. No byte is lost, added or reordered."""

    def __init__(self, frame_bytes: int) -> None:
        if frame_bytes < 1:
            raise ValueError("a frame has at least one byte")
        self.frame_bytes = frame_bytes
        self._rest = b""

    def __len__(self) -> int:
        """Bytes held back because they do not fill a frame yet; always less than `frame_bytes`."""
        return len(self._rest)

    def push(self, chunk: bytes) -> list[bytes]:
        """Take a chunk and return the frames that are now whole, oldest first."""
        size = self.frame_bytes
        if not self._rest and len(chunk) == size:
            return [bytes(chunk)]
        data = self._rest + chunk if self._rest else chunk
        whole = len(data) - len(data) % size
        self._rest = data[whole:]
        return [data[start : start + size] for start in range(0, whole, size)]

    def flush(self) -> bytes:
        """Give up the incomplete last frame (shorter than a frame, perhaps empty) and start afresh."""
        rest, self._rest = self._rest, b""
        return rest
