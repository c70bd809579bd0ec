"""Urdu words in normal form: one letter for each sound that is typed in several ways, without marks; common Roman Urdu
becomes Arabic script."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from gateway.providers.embedded.likeness import alike_by, nearest

__all__ = ["OPTIONAL", "STOP", "alike", "bare", "best", "fold", "listed", "normal", "stem", "tokens"]

_TOKEN = re.compile(r"\$?\d[\d,]*(?:[:./-]\d+)*|[^\W\d_]+")
_MARKS = re.compile(
    "[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200d-\u200f\u202a-\u202e\u2066-\u2069]"
)
_LETTERS = str.maketrans(
    {
        "ي": "ی", "ى": "ی", "ئ": "ی", "ك": "ک", "ه": "ہ", "ة": "ہ", "ۃ": "ہ", "ۀ": "ہ", "ۂ": "ہ", "ھ": "ہ", "أ": "ا",
        "إ": "ا", "ٱ": "ا", "آ": "ا", "ؤ": "و", "ۓ": "ے", "\u200c": " ", "’": "'",
    }
    | {chr(0x06F0 + digit): str(digit) for digit in range(10)}
    | {chr(0x0660 + digit): str(digit) for digit in range(10)}
)  # fmt: skip
"""How the same is typed on other keyboards, and what many leave out."""
_ROMAN = """
haan ہاں|han ہاں|ha ہاں|yes ہاں|ji جی|jee جی|nahi نہیں|nahin نہیں|nai نہیں|no نہیں|theek ٹھیک|thik ٹھیک
ok ٹھیک|okay ٹھیک
hai ہے|hain ہیں|hoon ہوں|mera میرا|meri میری|naam نام|mujhe مجھے|chahiye چاہیے|aur اور|kya کیا|kab کب|kahan کہاں
shukriya شکریہ|salam سلام|sifar صفر|zero صفر|ek ایک|aik ایک|do دو|teen تین|char چار|chaar چار|panch پانچ|paanch پانچ
chay چھ|che چھ|chhe چھ|saat سات|aath آٹھ|ath آٹھ|nau نو|das دس|gyarah گیارہ|barah بارہ|aaj آج|kal کل|parson پرسوں
subah صبح|dopahar دوپہر|dopehar دوپہر|shaam شام|sham شام|raat رات|baje بجے|bajay بجے|sadhe ساڑھے|sarhe ساڑھے|sawa سوا
paune پونے|pone پونے|peer پیر|pir پیر|somwar پیر|mangal منگل|budh بدھ|jumerat جمعرات|juma جمعہ|jumma جمعہ|hafta ہفتہ
hafte ہفتے|itwar اتوار|ko کو|appointment اپائنٹمنٹ|doctor ڈاکٹر|checkup معائنہ|minute منٹ|number نمبر|phone فون
منڈے پیر|سوموار پیر|ٹیوزڈے منگل|وینزڈے بدھ|تھرسڈے جمعرات|فرائیڈے جمعہ|جمعے جمعہ|سیٹرڈے سنیچر|سنڈے اتوار
"""


def normal(text: str) -> str:
    """The letters and digits of `text` in one form each, without marks."""
    return _MARKS.sub("", unicodedata.normalize("NFC", text)).translate(_LETTERS).lower()


def bare(text: str) -> str:
    """As written, without marks."""
    return _MARKS.sub("", unicodedata.normalize("NFC", text))


_WRITTEN = {
    key: normal(value)
    for key, value in (
        normal(pair).rsplit(" ", 1) for line in _ROMAN.split("\n") if line for pair in line.split("|")
    )
}


def fold(word: str) -> str:
    """One word in normal form."""
    word = normal(word)
    return _WRITTEN.get(word, word)


def listed(text: str) -> frozenset[str]:
    """The words of `text`, as a set, in normal form."""
    return frozenset(map(fold, text.split()))


STOP = listed(
    "کا کی کے کو سے میں پر نے ہے ہیں ہوں تھا تھی تھے ہو یہ وہ اس ان آپ مجھے ہم ہمیں میرا میری میرے اپنا "
    "اپنی اور یا تو بھی ہی نہ نہیں جی ہاں اگر کہ جو کیا کیوں کب کہاں کون کیسے کتنا کتنی کتنے چاہیے چاہتا "
    "چاہتی گا گی گے کر کرنا کرنی کرنے رہا رہی رہے دیں دے لے لیں لینا لینی ایک براہ کرم پلیز شکریہ ذرا "
    "ابھی اب پھر لیے کوئی کچھ والا والی والے ہوتا ہوتی ہوتے"
)
"""Words that carry little of a sentence's meaning."""

OPTIONAL = listed(
    "کا کی کے کو سے میں پر ہے ہیں ہوں مجھے میرا میری میرے آپ ایک جی تو بھی ہی ذرا براہ کرم پلیز یہ وہ نے "
    "لیے"
)
"""Words that a phrase is still the same without."""


@lru_cache(maxsize=8192)
def tokens(text: str) -> tuple[str, ...]:
    """The words of `text` in normal form."""
    return tuple(_WRITTEN.get(word, word) for word in _TOKEN.findall(normal(text)))


_ENDINGS = ("یوں", "یاں", "وں", "یں", "ات", "ے", "ی", "ا", "ہ")


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """A rough stem: `معائنہ`, `معائنے` → `معائن`."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


_SOUND = str.maketrans(
    {"ث": "س", "ص": "س", "ذ": "ز", "ض": "ز", "ظ": "ز", "ح": "ہ", "ط": "ت", "ق": "ک", "ع": "ا"}
)


def _sound(word: str) -> str:
    return word.translate(_SOUND)


alike = alike_by(stem, _sound, shortest=5)


def best(word: str, options: tuple[str, ...] | frozenset[str], least: float = 0.75) -> str | None:
    """The option that `word` most likely was."""
    return nearest(alike, word, options, least)
