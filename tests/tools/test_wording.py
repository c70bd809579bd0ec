"""What pydantic finds, as authors read it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from tools.wording import _FORMS, in_words, of_the_author, place

pytestmark = pytest.mark.unit


class _Form(BaseModel, extra="forbid"):
    whole: int = Field(default=1, ge=1, le=9)
    number: float = Field(default=0.5, gt=0, lt=1)
    switch: bool = False
    text: str = Field(default="abc", min_length=2, max_length=4, pattern="^[a-c]*$")
    hours: str = Field(default="09:00-17:00", pattern=r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$")
    one_of: Literal["read", "write"] = "read"
    many: tuple[int, ...] = Field(default=(1,), min_length=1, max_length=2)
    inner: dict[Annotated[str, Field(pattern=r"^[a-z]{2}$")], int] = {}
    language: str = "en"
    spoken: str = Field(default_factory=lambda data: str(data["language"]))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"hole": 1}, "hole: is no field here; correct its name or remove it"),
        ({"whole": "soon"}, "whole: must be a whole number, such as 3"),
        ({"whole": 0}, "whole: must be 1 or more"),
        ({"whole": 10}, "whole: must be 9 or less"),
        ({"number": "soon"}, "number: must be a number, such as 2.5"),
        ({"number": 0}, "number: must be more than 0.0"),
        ({"number": 1}, "number: must be less than 1.0"),
        ({"switch": "maybe"}, "switch: must be true or false"),
        ({"text": 1}, "text: must be a text; put it between quotes"),
        ({"text": "a"}, "text: must have at least 2 characters; write more"),
        ({"text": "abcab"}, "text: may have 4 characters at most; shorten it"),
        ({"text": "xyz"}, "text: must be of the form ^[a-c]*$"),
        ({"hours": "9-12"}, "hours: must be from and to, such as 09:00-17:00"),
        ({"one_of": "reed"}, "one_of: must be one of 'read' or 'write'"),
        ({"many": 1}, "many: must be a list, such as [one, two]"),
        ({"many": []}, "many: must have at least 1; add what is missing"),
        ({"many": [1, 2, 3]}, "many: may have 2 at most; take some away"),
        ({"inner": {"eng": 1}}, "inner.eng: must be the two small letters of ISO 639-1, such as en"),
        ({"inner": 1}, "inner: must have fields of its own, such as {name: value}"),
        ({"language": 1}, "language: must be a text; put it between quotes"),
    ],
)
def test_what_is_wrong_is_told_once_and_in_plain_words(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as raised:
        _Form.model_validate(wrong)
    errors = of_the_author(raised.value.errors(include_input=False))
    assert [f"{place(error['loc'])}: {in_words(error)}" for error in errors] == [told]


def test_every_form_that_has_words_is_one_of_some_field() -> None:
    root = Path(__file__).parents[2]
    source = "".join(
        file.read_text(encoding="utf-8")
        for folder in ("personas", "tools")
        for file in (root / folder).rglob("*.py")
        if file.name != "wording.py"
    )
    used = set(re.findall(r'r?"(\^[^"]+\$)"', source))
    assert set(_FORMS) <= used
