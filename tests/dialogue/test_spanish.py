"""Words, numbers, days, times and names in Mexican Spanish."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.embedded.findings import Moment
from gateway.providers.embedded.grammar import Act
from gateway.providers.embedded.spanish.pack import SPANISH
from gateway.providers.embedded.spanish.words import listed

pytestmark = pytest.mark.unit

TODAY = date(2026, 11, 18)  # a Wednesday
find, speak, grammar, tokens = SPANISH.find, SPANISH.say, SPANISH.grammar, SPANISH.tokens
SOME = sorted(
    listed(
        "nueve y media viernes la de abril a las mañana tarde para cuarto doce hace dias 9:30 27/11 menos el dia 31"
    )
)


def moment(text: str, *, past: bool = False, expected: bool = True) -> Moment:
    return find.moment(tokens(text), TODAY, past=past, expected=expected)


@pytest.mark.parametrize(
    ("text", "day", "at"),
    [
        ("el viernes a las nueve y media de la mañana", date(2026, 11, 20), time(9, 30)),
        ("Viernes a las 9:30", date(2026, 11, 20), time(9, 30)),
        ("mañana a la una", date(2026, 11, 19), time(13)),
        ("mañana en la mañana", date(2026, 11, 19), None),
        ("pasado mañana a las diez", date(2026, 11, 20), time(10)),
        ("el sábado a las once", date(2026, 11, 21), time(11)),
        ("el martes al cuarto para las cuatro", date(2026, 11, 24), time(15, 45)),
        ("el tres de diciembre a las dos de la tarde", date(2026, 12, 3), time(14)),
        ("3 de diciembre a las 2 p.m.", date(2026, 12, 3), time(14)),
        ("el doce de abril", date(2027, 4, 12), None),
        ("el treinta y uno de marzo", date(2027, 3, 31), None),
        ("primero de diciembre", date(2026, 12, 1), None),
        ("el jueves al mediodía", date(2026, 11, 19), time(12)),
        ("2026-11-20 a las 09:30", date(2026, 11, 20), time(9, 30)),
        ("27/11/2026", date(2026, 11, 27), None),
        ("que sea el treinta", date(2026, 11, 30), None),
        ("nueve en punto", None, time(9)),
        ("las diez cuarenta y cinco", None, time(10, 45)),
        ("nueve cero cinco", None, time(9, 5)),
        ("las siete de la noche", None, time(19)),
        ("dentro de dos semanas", date(2026, 12, 2), None),
        ("el lunes de la próxima semana", date(2026, 11, 23), None),
        ("el viernes de la semana que viene", date(2026, 11, 27), None),
        ("miércoles", date(2026, 11, 25), None),
        ("miercoles", date(2026, 11, 25), None),
        ("hoy a las cinco", date(2026, 11, 18), time(17)),
        ("manana", date(2026, 11, 19), None),
        ("a las diez menos cuarto", None, time(9, 45)),
        ("catorce horas", None, time(14)),
    ],
)
def test_days_and_times_to_come(text: str, day: date | None, at: time | None) -> None:
    found = moment(text)
    assert (found.day, found.at) == (day, at)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("fue el doce de abril", date(2026, 4, 12)),
        ("doce de abril del dos mil veinticinco", date(2025, 4, 12)),
        ("anoche", date(2026, 11, 17)),
        ("hace dos días", date(2026, 11, 16)),
        ("el lunes como a las once y media", date(2026, 11, 16)),
        ("ayer", date(2026, 11, 17)),
        ("antier", date(2026, 11, 16)),
        ("el viernes pasado", date(2026, 11, 13)),
    ],
)
def test_days_gone_by(text: str, day: date) -> None:
    assert moment(text, past=True, expected=False).day == day


@pytest.mark.parametrize(
    "text",
    [
        "me llamo Lucía Hernández",
        "cinco cinco cinco cero uno siete dos",
        "la primera",
        "sí",
        "",
        "una cita",
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert moment(text, expected=False) == Moment()


def test_parts_of_the_day_and_soonest() -> None:
    assert moment("el martes por la tarde").part == "afternoon"
    assert moment("lo antes posible").soonest
    assert not moment("más tarde")
    assert moment("lo más temprano posible").soonest
    assert moment("mañana").part is None


@given(st.dates(date(2026, 11, 19), date(2027, 11, 17)))
def test_a_day_that_is_spoken_is_understood(day: date) -> None:
    assert moment(speak.day(day)).day == day
    assert moment(speak.month_day(day)).day == day


@given(
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.dates(TODAY + timedelta(1), date(2027, 11, 17)),
)
def test_a_moment_that_is_spoken_is_understood(at: time, day: date) -> None:
    said = speak.when(datetime.combine(day, at))
    found = moment(said)
    assert (found.day, found.at) == (day, at), said
    assert " ".join(speak.apart(said)) == said


@given(st.lists(st.sampled_from(SOME), max_size=9))
def test_no_words_break_the_reading_of_time(words: list[str]) -> None:
    for past in (True, False):
        find.moment(tuple(words), TODAY, past=past, expected=True)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("mi teléfono es cincuenta y cinco, cinco cinco cinco cero, cero uno siete dos", ["5555500172"]),
        ("cuatro ocho uno nueve dos seis", ["481926"]),
        ("cuarenta y ocho diecinueve veintiséis", ["481926"]),
        ("55-5550-0172", ["5555500172"]),
        ("quiero una cita", []),
    ],
)
def test_digits(text: str, digits: list[str]) -> None:
    assert [run.digits for run in find.digit_runs(tokens(text))] == digits


@given(st.text(alphabet="0123456789", min_size=1, max_size=16))
def test_digits_that_are_read_back_are_understood(digits: str) -> None:
    assert "".join(run.digits for run in find.digit_runs(tokens(speak.digits(digits)))) == digits


def test_amounts_and_codes() -> None:
    assert find.amounts(tokens("cuarenta y dos pesos con cincuenta centavos"))[0] == 42.5
    assert find.amounts(tokens("la de $1,042.50"))[0] == 1042.5
    assert find.amounts(tokens("trescientos veinte pesos")) == (320.0,)
    assert find.amounts(tokens("dos mil quinientos"))[0] == 2500
    assert speak.spell("K7-Q2") == "K, siete, Q, dos"
    assert speak.money(1250.5) == "1,250 pesos con 50 centavos"


@given(st.integers(1, 999_999))
def test_sums_that_are_spoken_are_understood(pesos: int) -> None:
    assert find.amounts(tokens(speak.money(pesos)))[0] == pesos


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("me llamo Lucía Hernández", "Lucía Hernández"),
        ("Lucía Hernández Ruiz", "Lucía Hernández Ruiz"),
        ("mi nombre es josé luis de la cruz y mi teléfono es el cincuenta y cinco", "José Luis de la Cruz"),
        ("a nombre de María del Carmen Ortiz", "María del Carmen Ortiz"),
        ("sí, soy Ana Gómez", "Ana Gómez"),
    ],
)
def test_names(text: str, name: str) -> None:
    found = find.name(text, expected=True)
    assert found is not None
    assert found.text == name


@pytest.mark.parametrize(
    "text", ["quiero saber sus horarios", "el viernes a las nueve", "cinco cinco", "qué", "", "una cita"]
)
def test_what_is_no_name(text: str) -> None:
    assert find.name(text, expected=True) is None


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("espere un momento", Act.HOLD),
        ("un momentito por favor", Act.HOLD),
        ("ajá", Act.BACKCHANNEL),
        ("¿me puede repetir por favor?", Act.REPEAT),
        ("¿mande?", Act.REPEAT),
        ("quiero hablar con una persona por favor", Act.PERSON),
        ("comuníqueme con un asesor", Act.PERSON),
        ("hasta luego, gracias", Act.GOODBYE),
        ("eso es todo, muchas gracias", Act.GOODBYE),
        ("olvídelo", Act.CANCEL),
        ("¿en qué me puede ayudar?", Act.HELP),
        ("buenas tardes", Act.GREETING),
        ("quiero agendar una cita", None),
        ("mejor el sábado", None),
    ],
)
def test_acts(text: str, act: Act | None) -> None:
    assert grammar.find_act(tokens(text)) is act


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("sí por favor", True), ("claro que sí", True), ("no gracias", False), ("no, está mal", False),
        ("no hay problema", True), ("quiero una consulta", None), ("así es", True), ("órale", True), ("simón", True),
    ],
)  # fmt: skip
def test_yes_and_no(text: str, answer: bool | None) -> None:
    assert grammar.polarity(tokens(text), expected=True) is answer


def test_words_that_sound_alike() -> None:
    alike = grammar.vocabulary.alike
    assert alike("bacuna", "vacuna") > 0.8
    assert alike("vacunas", "vacunar") == 0.95
    assert alike("gato", "pato") == 0


@given(st.text(max_size=60))
def test_any_text_is_tokens(text: str) -> None:
    words = tokens(text)
    grammar.find_act(words)
    grammar.polarity(words, expected=True)
    find.name(text, expected=True)
    find.digit_runs(words, lenient=True)
    find.amounts(words)
