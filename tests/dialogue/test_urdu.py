"""Words, numbers, days, times and names in Urdu, in Arabic script and as they are typed in Roman letters."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.embedded.findings import Moment
from gateway.providers.embedded.grammar import Act
from gateway.providers.embedded.urdu.numbers import NAMES
from gateway.providers.embedded.urdu.pack import URDU
from gateway.providers.embedded.urdu.words import listed

pytestmark = pytest.mark.unit

TODAY = date(2026, 11, 18)  # a Wednesday
find, speak, grammar, tokens = URDU.find, URDU.say, URDU.grammar, URDU.tokens
SOME = sorted(
    listed(
        "ساڑھے نو بجے جمعہ ہفتے اگلے کو صبح رات کل پرسوں بعد پہلے دن 27 نومبر تاریخ پونے بج کر منٹ بجنے میں 9:30"
    )
)


def moment(text: str, *, past: bool = False, expected: bool = True) -> Moment:
    return find.moment(tokens(text), TODAY, past=past, expected=expected)


@pytest.mark.parametrize(
    ("text", "day", "at"),
    [
        ("جمعے کو صبح ساڑھے نو بجے", date(2026, 11, 20), time(9, 30)),
        ("جمعہ ساڑھے نو بجے", date(2026, 11, 20), time(9, 30)),
        ("کل دوپہر ایک بجے", date(2026, 11, 19), time(13)),
        ("پرسوں دس بجے", date(2026, 11, 20), time(10)),
        ("ہفتے کو گیارہ بجے", date(2026, 11, 21), time(11)),
        ("منگل کو پونے چار بجے", date(2026, 11, 24), time(15, 45)),
        ("تین دسمبر کو دوپہر دو بجے", date(2026, 12, 3), time(14)),
        ("3 دسمبر شام 5 بجے", date(2026, 12, 3), time(17)),
        ("۳ دسمبر", date(2026, 12, 3), None),
        ("یکم دسمبر", date(2026, 12, 1), None),
        ("بارہ اپریل", date(2027, 4, 12), None),
        ("نومبر کی تیس تاریخ", date(2026, 11, 30), None),
        ("جمعرات دوپہر بارہ بجے", date(2026, 11, 19), time(12)),
        ("2026-11-20 کو 09:30", date(2026, 11, 20), time(9, 30)),
        ("بیس تاریخ کو", date(2026, 11, 20), None),
        ("نو بج کر بیس منٹ", None, time(9, 20)),
        ("دس بجنے میں دس منٹ", None, time(9, 50)),
        ("ڈیڑھ بجے", None, time(13, 30)),
        ("رات آٹھ بجے", None, time(20)),
        ("دو ہفتے بعد", date(2026, 12, 2), None),
        ("اگلے ہفتے پیر کو", date(2026, 11, 23), None),
        ("اگلے ہفتے", date(2026, 11, 23), None),
        ("بدھ", date(2026, 11, 25), None),
        ("آج پانچ بجے", date(2026, 11, 18), time(17)),
        ("jumma ko subah sadhe nau baje", date(2026, 11, 20), time(9, 30)),
        ("kal shaam 5 baje", date(2026, 11, 19), time(17)),
        ("فرائیڈے کو", date(2026, 11, 20), None),
    ],
)
def test_days_and_times_to_come(text: str, day: date | None, at: time | None) -> None:
    found = moment(text)
    assert (found.day, found.at) == (day, at)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("بارہ اپریل کو", date(2026, 4, 12)),
        ("کل رات", date(2026, 11, 17)),
        ("پرسوں", date(2026, 11, 16)),
        ("دو دن پہلے", date(2026, 11, 16)),
        ("پیر کو ساڑھے گیارہ بجے", date(2026, 11, 16)),
        ("پچھلے جمعے", date(2026, 11, 13)),
    ],
)
def test_days_gone_by(text: str, day: date) -> None:
    assert moment(text, past=True, expected=False).day == day


@pytest.mark.parametrize(
    "text", ["میرا نام علی احمد ہے", "پانچ پانچ پانچ صفر ایک سات دو", "پہلا", "جی ہاں", ""]
)
def test_what_is_no_time(text: str) -> None:
    assert moment(text, expected=False) == Moment()


def test_parts_of_the_day_and_soonest() -> None:
    assert moment("منگل کی شام").part == "evening"
    assert moment("جلد از جلد").soonest


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
    assert " کو ".join(speak.apart(said)) == said


@given(st.lists(st.sampled_from(SOME), max_size=9))
def test_no_words_break_the_reading_of_time(words: list[str]) -> None:
    for past in (True, False):
        find.moment(tuple(words), TODAY, past=past, expected=True)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("میرا نمبر صفر تین صفر صفر پانچ پانچ پانچ صفر ایک سات دو ہے", ["03005550172"]),
        ("صفر تین سو", ["03"]),
        ("اڑتالیس انیس چھبیس", ["481926"]),
        ("۰۳۰۰-۵۵۵۰۱۷۲", ["03005550172"]),
        ("0300 5550172", ["03005550172"]),
        ("ڈبل پانچ", ["55"]),
        ("sifar teen sifar sifar", ["0300"]),
        ("مجھے معائنہ کروانا ہے", []),
    ],
)
def test_digits(text: str, digits: list[str]) -> None:
    assert [run.digits for run in find.digit_runs(tokens(text))] == digits


@given(st.text(alphabet="0123456789", min_size=1, max_size=16))
def test_digits_that_are_read_back_are_understood(digits: str) -> None:
    assert "".join(run.digits for run in find.digit_runs(tokens(speak.digits(digits)))) == digits


def test_every_number_below_a_hundred_has_its_own_name() -> None:
    assert len({tokens(name) for name in NAMES}) == 100
    assert [find.amounts(tokens(name)) for name in NAMES] == [(float(value),) for value in range(100)]


def test_amounts_and_codes() -> None:
    assert find.amounts(tokens("تین سو بیس روپے")) == (320.0,)
    assert find.amounts(tokens("دو ہزار پانچ سو")) == (2500.0,)
    assert find.amounts(tokens("ڈھائی لاکھ نہیں، ایک لاکھ بیس ہزار"))[-1] == 120_000
    assert find.amounts(tokens("1,500 روپے")) == (1500.0,)
    assert speak.spell("K7-Q2") == "K، سات، Q، دو"
    assert speak.money(1250) == "1,250 روپے"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("میرا نام علی احمد ہے", "علی احمد"),
        ("فاطمہ خان", "فاطمہ خان"),
        ("جی میں محمد بلال قریشی بول رہا ہوں", "محمد بلال قریشی"),
        ("نام عائشہ صدیقی لکھیں", "عائشہ صدیقی"),
        ("mera naam ali ahmed hai", "Ali Ahmed"),
    ],
)
def test_names(text: str, name: str) -> None:
    found = find.name(text, expected=True)
    assert found is not None
    assert found.text == name


@pytest.mark.parametrize(
    "text", ["آپ کے اوقات کیا ہیں", "جمعے کو نو بجے", "پانچ پانچ", "کیا", "", "مجھے اپائنٹمنٹ چاہیے"]
)
def test_what_is_no_name(text: str) -> None:
    assert find.name(text, expected=True) is None


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("ایک منٹ رکیے", Act.HOLD),
        ("ذرا ٹھہریں", Act.HOLD),
        ("اچھا", Act.BACKCHANNEL),
        ("دوبارہ کہیے پلیز", Act.REPEAT),
        ("آپ نے کیا کہا؟", Act.REPEAT),
        ("کسی انسان سے بات کروائیں", Act.PERSON),
        ("مجھے کسی شخص سے بات کرنی ہے", Act.PERSON),
        ("شکریہ، خدا حافظ", Act.GOODBYE),
        ("رہنے دیں", Act.CANCEL),
        ("آپ کیا مدد کر سکتے ہیں؟", Act.HELP),
        ("السلام علیکم", Act.GREETING),
        ("بہت شکریہ", Act.THANKS),
        ("مجھے اپائنٹمنٹ لینی ہے", None),
        ("نہیں، ہفتے کو کر دیں", None),
    ],
)
def test_acts(text: str, act: Act | None) -> None:
    assert grammar.find_act(tokens(text)) is act


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("جی ہاں", True),
        ("جی بالکل", True),
        ("نہیں شکریہ", False),
        ("جی نہیں", False),
        ("کوئی مسئلہ نہیں", True),
        ("مجھے معائنہ کروانا", None),
        ("ٹھیک ہے", True),
        ("haan ji", True),
        ("nahi", False),
        ("ھاں", True),
        ("هاں", True),
    ],
)
def test_yes_and_no(text: str, answer: bool | None) -> None:
    assert grammar.polarity(tokens(text), expected=True) is answer


def test_what_is_typed_on_another_keyboard_is_the_same() -> None:
    assert tokens("يه كيا هے") == tokens("یہ کیا ہے")
    assert tokens("اُردُو میں") == tokens("اردو میں")
    assert (
        grammar.vocabulary.alike("معاینہ", "معائنہ") == 1
        or grammar.vocabulary.alike(*tokens("معاینہ معائنہ")) == 1
    )


@given(st.text(max_size=60))
def test_any_text_is_tokens(text: str) -> None:
    words = tokens(text)
    grammar.find_act(words)
    grammar.polarity(words, expected=True)
    find.name(text, expected=True)
    find.digit_runs(words, lenient=True)
    find.amounts(words)
