"""What pydantic finds in a file, in words for who wrote the file: what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["in_words", "of_the_author", "place"]

_FORMS = {
    r"^[a-z][a-z0-9_]*$": "small letters, digits and _, a letter first",
    r"^[a-z][a-z0-9_]{0,31}$": "small letters, digits and _, a letter first, 32 at most",
    r"^[a-z][a-z0-9_]{0,63}$": "small letters, digits and _, a letter first, 64 at most",
    r"^[a-z][a-z0-9_]{1,63}$": "small letters, digits and _, a letter first, 2 to 64 of them",
    r"^[a-z][a-z0-9_-]{0,63}$": "small letters, digits, _ and -, a letter first, 64 at most",
    r"^[a-z][a-z0-9_-]{1,63}$": "small letters, digits, _ and -, a letter first, 2 to 64 of them",
    r"^[a-z][a-z0-9-]{1,63}$": "small letters, digits and -, a letter first, 2 to 64 of them",
    r"^[a-zA-Z_][a-zA-Z0-9_]{0,63}$": "letters, digits and _, no digit first, 64 at most",
    r"^[A-Za-z_][A-Za-z0-9_]{0,63}$": "letters, digits and _, no digit first, 64 at most",
    r"^[A-Za-z][A-Za-z0-9_-]{0,63}$": "letters, digits, _ and -, a letter first, 64 at most",
    r"^[a-z]{2}$": "the two small letters of ISO 639-1, such as en",
    r"^[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$": "language and region, such as en-US",
    r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$": "from and to, such as 09:00-17:00",
    r"^([1-5][0-9][0-9]|[1-5]xx)$": "a status such as 404, or 5xx for all that begin so",
    r"^(caller|agent|model|gateway)/[a-z][a-z-]*$": "who ended the call and how, such as agent/hung-up",
}
"""Pattern of a field to its words."""

_PLAIN = {
    "missing": "is missing; add it",
    "extra_forbidden": "is no field here; correct its name or remove it",
    "string_type": "must be a text; put it between quotes",
    "int_type": "must be a whole number, such as 3",
    "int_parsing": "must be a whole number, such as 3",
    "int_from_float": "must be a whole number, such as 3",
    "float_type": "must be a number, such as 2.5",
    "float_parsing": "must be a number, such as 2.5",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list, such as [one, two]",
    "tuple_type": "must be a list, such as [one, two]",
    "set_type": "must be a list, such as [one, two]",
    "frozen_set_type": "must be a list, such as [one, two]",
    "dict_type": "must have fields of its own, such as {name: value}",
    "model_type": "must have fields of its own, such as {name: value}",
    "model_attributes_type": "must have fields of its own, such as {name: value}",
}


def of_the_author(errors: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Without those that only follow from others: a default that cannot be made of a field that is wrong."""
    return [dict(error) for error in errors if error["type"] != "default_factory_not_called"]


def place(path: Iterable[int | str]) -> str:
    """Where in the file, for people; empty for the file itself."""
    return ".".join(str(part) for part in path if part != "[key]")


def in_words(error: Mapping[str, Any]) -> str:
    """An error of pydantic's `errors()`; what people wrote does not stand in it, for it may be a secret."""
    told = error.get("ctx", {})
    match error["type"]:
        case kind if kind in _PLAIN:
            return _PLAIN[kind]
        case "literal_error" | "enum":
            return f"must be one of {told['expected']}"
        case "string_pattern_mismatch":
            return f"must be {_FORMS.get(told['pattern'], 'of the form ' + told['pattern'])}"
        case "string_too_short":
            return f"must have at least {told['min_length']} characters; write more"
        case "string_too_long":
            return f"may have {told['max_length']} characters at most; shorten it"
        case "too_short":
            return f"must have at least {told['min_length']}; add what is missing"
        case "too_long":
            return f"may have {told['max_length']} at most; take some away"
        case "greater_than_equal":
            return f"must be {told['ge']} or more"
        case "less_than_equal":
            return f"must be {told['le']} or less"
        case "greater_than":
            return f"must be more than {told['gt']}"
        case "less_than":
            return f"must be less than {told['lt']}"
        case _:
            return str(error["msg"]).removeprefix("Value error, ")
