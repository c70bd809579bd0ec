"""flite 2.2 through ctypes: speech from text, phones from words. Only ever loaded in worker processes.

The library keeps global state and holds the interpreter while it works; it is not thread-safe. Structures are
those of flite's public headers (`cst_wave.h`, `cst_voice.h`, `cst_val.h`).
"""

from __future__ import annotations

import ctypes
import ctypes.util
from ctypes import POINTER, c_char_p, c_float, c_int, c_short, c_void_p

__all__ = ["FLITE_VOICES", "Flite", "FliteMissing"]

FLITE_VOICES = ("slt", "rms", "awb", "kal16")


class FliteMissing(Exception):
    """libflite1 or one of its voices is not installed."""


class _Wave(ctypes.Structure):
    _fields_ = (
        ("type", c_char_p),
        ("rate", c_int),
        ("count", c_int),
        ("channels", c_int),
        ("samples", POINTER(c_short)),
    )


class _Voice(ctypes.Structure):
    _fields_ = (("name", c_char_p), ("features", c_void_p))


def _load(name: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(f"lib{name}.so.1", mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise FliteMissing(f"lib{name}.so.1 is not there: install libflite1 ({error})") from None


class Flite:
    """The library with its voices. Raises FliteMissing."""

    def __init__(self, voices: tuple[str, ...] = FLITE_VOICES) -> None:
        self._lib = lib = _load("flite")
        lib.flite_init()
        lib.flite_text_to_wave.restype = POINTER(_Wave)
        lib.flite_text_to_wave.argtypes = [c_char_p, c_void_p]
        lib.delete_wave.argtypes = [c_void_p]
        lib.feat_set_float.argtypes = [c_void_p, c_char_p, c_float]
        lib.lex_lookup.restype = c_void_p
        lib.lex_lookup.argtypes = [c_void_p, c_char_p, c_char_p, c_void_p]
        for walk in (lib.val_car, lib.val_cdr):
            walk.restype = c_void_p
            walk.argtypes = [c_void_p]
        lib.val_string.restype = c_char_p
        lib.val_string.argtypes = [c_void_p]
        lib.delete_val.argtypes = [c_void_p]
        self._lexicon: int | None = None
        self._voices: dict[str, ctypes._Pointer[_Voice]] = {}
        for name in voices:
            register = getattr(_load(f"flite_cmu_us_{name}"), f"register_cmu_us_{name}")
            register.restype = POINTER(_Voice)
            register.argtypes = [c_char_p]
            self._voices[name] = register(None)

    def speak(
        self, text: str, voice: str, *, stretch: float = 1.0, pitch: float = 1.0
    ) -> tuple[bytes, int]:
        """PCM16 mono and its rate. `stretch` above 1 speaks slower; `pitch` is a factor. Raises KeyError for a
        voice that was not loaded, MemoryError when the library gives nothing."""
        engine = self._voices[voice]
        features = engine.contents.features
        self._lib.feat_set_float(features, b"duration_stretch", stretch)
        self._lib.feat_set_float(features, b"f0_shift", pitch)
        wave = self._lib.flite_text_to_wave(text.encode("ascii", "ignore"), engine)
        if not wave:
            raise MemoryError("flite gave no wave")
        try:
            return ctypes.string_at(wave.contents.samples, wave.contents.count * 2), wave.contents.rate
        finally:
            self._lib.delete_wave(wave)

    def phones(self, word: str) -> tuple[str, ...]:
        """How flite would say one word: its phones in lower case, vowels with their stress (`iy1`)."""
        if self._lexicon is None:
            init = _load("flite_cmulex").cmu_lex_init
            init.restype = c_void_p
            self._lexicon = init()
        head = self._lib.lex_lookup(self._lexicon, word.encode("ascii", "ignore"), None, None)
        found: list[str] = []
        at = head
        while at:
            found.append(self._lib.val_string(self._lib.val_car(at)).decode("ascii"))
            at = self._lib.val_cdr(at)
        if head:
            self._lib.delete_val(head)
        return tuple(found)
