"""The voice detector of a call that we play to; see `media.vad.SpeechDetector`, whose twin it is."""

from collections.abc import Callable

SOURCE: int
"""A checksum of what this was compiled of: `media.native.fresh`."""

class Detector:
    def __new__(
        cls,
        process: Callable[[object, int, bytes, int], object],
        vad: object,
        law: int,
        silence_ms: int,
        min_frames: int,
        threshold: float,
        on_trial: bool,
        ask: Callable[[bytes], float] | None,
    ) -> Detector:
        """`process`, `vad`: webrtcvad's, asked about every frame. `law`: −1 for PCM16 at 24 kHz, 0 for µ-law, 1 for
        A-law. `ask`: how like speech samples at 8 kHz (float32) are, 0 to 1. Raises ValueError before `prepare`."""
    silence_ms: int
    def feed(self, frame: bytes, /) -> int:
        """The next 20 ms: 1 speech started, 2 quiet, 4 resumed, 8 stopped, or several of them. Raises ValueError for
        anything longer or shorter."""
    def far_level(self, dbfs: float, /) -> None: ...
    def played(self, frame: bytes, /) -> None: ...
    @property
    def fed_ms(self) -> int: ...
    @property
    def begun_ms(self) -> int: ...
    @property
    def resumed_ms(self) -> int: ...
    @property
    def last_speech_ms(self) -> int | None: ...
    @property
    def speaking(self) -> bool: ...
    @property
    def voiced(self) -> bool: ...
    @property
    def loudness(self) -> float:
        """Of the latest frame, in dB below full scale."""
    @property
    def clarity(self) -> float:
        """Of the latest 40 ms that were looked into."""

def prepare(
    to_8k: object,
    voice: object,
    consonants: object,
    shape: object,
    fair: object,
    mu: object,
    a: object,
    unfiltered: float,
    /,
) -> None:
    """Take over the kernels (float32) and the tables of both laws (int16). Raises ValueError for another size."""
