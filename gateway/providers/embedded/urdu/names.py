"""People's names in Urdu: `میرا نام علی احمد ہے`, `میں فاطمہ خان ہوں`."""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.providers.embedded.findings import Name
from gateway.providers.embedded.urdu.numbers import one_word
from gateway.providers.embedded.urdu.words import bare, fold, listed

__all__ = ["find_name", "names_somebody"]

_WORD = re.compile(r"[^\W\d_]+|\d+")
_NAME, _I, _IS, _AM = fold("نام"), fold("میں"), fold("ہے"), fold("ہوں")
_ENDS = listed(
    "ہے ہوں ہیں بول بات اور میرا میری نمبر فون کا کی کے کو سے پر لکھ لکھیں رکھ کر کریں دیں لیں شکریہ براہ "
    "پلیز والا والی رہا رہی تھا مگر لیکن"
)
_LEADING = listed("جی ہاں نہیں اچھا تو وہ یہ السلام علیکم سلام ہیلو جناب محترمہ مسٹر مس بس ٹھیک")
_NOT_NAMES = listed(
    "کیا کب کہاں کون کیسے کیوں کتنا کتنی کتنے کس مجھے ہمیں آپ اپائنٹمنٹ معائنہ ڈاکٹر نمبر فون پیر منگل "
    "بدھ جمعرات جمعہ ہفتہ ہفتے اتوار آج کل پرسوں صبح دوپہر شام رات بجے کچھ کوئی کسی شخص مدد منٹ دوبارہ "
    "غلط درست صحیح بالکل ضرور شکریہ نہیں ہاں جی چاہیے رکیں ٹھہریں رہنے منسوخ بدل حافظ وقت دن نام تبدیل سب"
)
_FIRST = listed(
    "محمد احمد علی حسن حسین عمر عثمان بلال حمزہ فہد عمران کامران نعمان سلمان فیصل طارق خالد اسد زین سعد "
    "یاسر شاہد راشد عامر ناصر وقاص عدنان جنید شعیب فاطمہ عائشہ زینب مریم خدیجہ حنا ثنا صبا نادیہ سعدیہ "
    "ماریہ آمنہ رابعہ حرا اقرا سارہ نور مہوش عالیہ شازیہ روبینہ نسرین"
)
_LAST = listed(
    "خان احمد علی حسین شاہ ملک چوہدری بٹ قریشی صدیقی انصاری شیخ مرزا بیگ راجپوت جاوید اقبال اکرم محمود "
    "رضا بی بیگم"
)


@lru_cache(maxsize=4096)
def find_name(text: str, *, expected: bool) -> Name | None:
    """The name in `text`, as it is written. `expected`: the bare words of a short utterance are one."""
    raw = tuple(_WORD.findall(bare(text)))
    words = tuple(map(fold, raw))
    for at, word in enumerate(words[:-1]):
        if word == _NAME and words[at + 1] not in _ENDS - {_IS}:
            return _name(raw, words, at + 1, sure=True)
    if _I in words and _AM in words[words.index(_I) :]:
        start = words.index(_I) + 1
        if start < len(words) and (
            words[start] in _FIRST or (expected and words[start + 1 : start + 3] != ())
        ):
            return _name(raw, words, start, sure=words[start] in _FIRST)
    if not expected:
        return None
    start = _led(words, 0)
    alone = words[start:]
    if not alone or len([word for word in alone if word not in _ENDS]) > 4:
        return None
    return _name(raw, words, start, sure=len(alone) >= 2)


def _led(words: tuple[str, ...], at: int) -> int:
    while at < len(words) and words[at] in _LEADING:
        at += 1
    return at


def _name(raw: tuple[str, ...], words: tuple[str, ...], start: int, *, sure: bool) -> Name | None:
    kept: list[str] = []
    for at in range(_led(words, start), len(words)):
        word = words[at]
        if word in _ENDS or len(kept) == 4:
            break
        if word in _NOT_NAMES or one_word(word) is not None or word.isdigit():
            return None
        kept.append(raw[at].capitalize())
    if not kept or (len(kept) == 1 and len(kept[0]) < 2):
        return None
    return Name(" ".join(kept), sure)


def names_somebody(words: tuple[str, ...]) -> bool:
    """Whether `نہیں، نام ثنا خان ہے` may be meant."""
    cued = _NAME in words or _IS in words or _AM in words
    return cued and any(word in _FIRST or word in _LAST for word in words)
