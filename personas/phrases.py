"""The little language of the phrases in a persona file: `(a|b)` is one of several, `[a]` may be left out.

`"(book|make) [me] an appointment"` stands for four phrases. They serve twice: to recognise what a caller says,
and to build the language model of the ears.
"""

from __future__ import annotations

from functools import lru_cache

__all__ = ["MOST", "expand"]

MOST = 400
"""Phrases that one pattern may stand for."""


@lru_cache(maxsize=4096)
def expand(pattern: str) -> tuple[str, ...]:
    """All phrases of `pattern`, in order, single-spaced. Raises ValueError on unbalanced brackets or too many."""
    results, rest = _alternatives(pattern, 0, "")
    if rest != len(pattern):
        raise ValueError(f"unbalanced bracket at character {rest + 1} of {pattern!r}")
    seen: dict[str, None] = {}
    for each in results:
        text = " ".join(each.split())
        if text:
            seen[text] = None
    if not seen:
        raise ValueError(f"the phrase {pattern!r} is empty")
    return tuple(seen)


def _alternatives(pattern: str, at: int, closing: str) -> tuple[list[str], int]:
    every: list[str] = []
    current = [""]
    while at < len(pattern):
        sign = pattern[at]
        if sign == closing:
            return every + current, at
        if sign in "([":
            inner, end = _alternatives(pattern, at + 1, ")" if sign == "(" else "]")
            if end >= len(pattern):
                raise ValueError(f"the bracket at character {at + 1} of {pattern!r} is never closed")
            if sign == "[":
                inner = ["", *inner]
            current = [head + tail for head in current for tail in inner]
            at = end + 1
        elif sign == "|" and closing:
            every += current
            current = [""]
            at += 1
        elif sign in ")]":
            return every + current, at
        else:
            current = [head + sign for head in current]
            at += 1
        if len(every) + len(current) > MOST:
            raise ValueError(f"{pattern!r} stands for more than {MOST} phrases; split it")
    return every + current, at
