"""Urdu as it is spoken in Pakistan, as a tongue."""

from __future__ import annotations

from gateway.providers.embedded.grammar import Words
from gateway.providers.embedded.tongue import Choosing, Finding, Lines, Repairs, Speaking, Tongue
from gateway.providers.embedded.urdu import clock, dates, names, numbers
from gateway.providers.embedded.urdu.grammar import GRAMMAR
from gateway.providers.embedded.urdu.words import listed

__all__ = ["URDU"]

_NOT = listed("نہیں نہ مت")
_WITHOUT = listed("بغیر بنا")


def _affirmed(words: Words) -> Words:
    """The denial stands behind what it denies."""
    kept: list[str] = []
    for at, word in enumerate(words):
        if word in _NOT and at and at + 1 < len(words):
            kept = kept[:-1]
        else:
            kept.append(word)
    return tuple(kept)


def _denies(words: Words, start: int, end: int) -> bool:
    return bool(_NOT & set(words[end : end + 2])) or bool(_WITHOUT & set(words[max(start - 2, 0) : start]))


def _either(texts: list[str]) -> str:
    return "، ".join(texts[:-1]) + (" یا " if len(texts) > 1 else "") + (texts[-1] if texts else "")


URDU = Tongue(
    language="ur",
    grammar=GRAMMAR,
    find=Finding(
        moment=dates.find_moment,
        name=names.find_name,
        names_somebody=names.names_somebody,
        digit_runs=numbers.digit_runs,
        amounts=numbers.amounts,
        ordinal=numbers.ordinal,
        affirmed=_affirmed,
        denies=_denies,
        phone_lengths=(10, 11),
    ),
    say=Speaking(
        day=dates.say_date,
        month_day=dates.say_month_day,
        clock=clock.say_time,
        when=dates.say_when,
        moment=dates.say_moment,
        apart=dates.apart,
        either=_either,
        items=_either,
        digits=numbers.say_digits,
        spell=numbers.spell,
        money=numbers.say_money,
    ),
    choosing=Choosing(
        any=(
            "کوئی (بھی|سا|سی)",
            "جو (بھی|مرضی)",
            "پہلا دستیاب",
            "جلد از جلد",
            "آپ (دیکھ|بتا|رکھ) (لیں|دیں)",
            "سب ٹھیک",
        ),
        earlier=listed("پہلے جلدی"),
        other=listed("بعد مزید علاوہ اور"),
        last=listed("آخری"),
    ),
    repairs=Repairs(
        corrections=(
            "(بدل|تبدیل) (دیں|کریں|کر دیں|دیجیے|کیجیے)",
            "[کی] بجائے",
            "کے بجائے",
            "میرا مطلب",
            "بلکہ",
            "دراصل",
            "کر (دیں|دیجیے|لیں)",
            "(رکھ|کر) (لیں|دیں)",
            "کیا (خیال|ہو سکتا) ہے",
        ),
        done=("کچھ نہیں", "بس", "بس اتنا ہی", "بس یہی", "اور کچھ نہیں", "سب ہو گیا"),
        dropping=listed("سب سارا منسوخ کینسل چھوڑ"),
        nothing=listed("کچھ"),
    ),
    lines=Lines(
        goodbye="خدا حافظ۔",
        hello="السلام علیکم۔",
        welcome="کوئی بات نہیں۔",
        all_right="ٹھیک ہے۔",
        sorry="معذرت چاہتے ہیں۔",
        yes_or_no="براہِ کرم ہاں یا نہیں کہیے۔",
        need="یہ بتائیے: {0}۔",
        can_change="یہ بدلا جا سکتا ہے: {0}۔",
        something="کوئی بات",
        cannot_be="معاف کیجیے، یہ ممکن نہیں۔",
        incomplete="{0} سنا گیا؛ یہ مکمل نہیں ہے۔",
        nothing_there="اس دن کوئی اور وقت نہیں ہے۔",
        heard="{0} سنا گیا۔ کیا یہ درست ہے؟",
        last_name="اور پورا نام، براہِ کرم؟",
        pass_on="کیا آپ کی بات کسی نمائندے سے کروا دی جائے؟",
        about="بات یہ ہے: {0}۔",
        soonest="جلد از جلد",
        yes="ہاں",
        no="نہیں",
        again="معاف کیجیے، بات سمجھ نہیں آئی۔ کیا آپ دوبارہ کہہ سکتے ہیں؟",
        unable="معاف کیجیے، اس بارے میں معلومات نہیں ہیں۔ کیا کسی اور چیز میں مدد چاہیے؟",
        how_can_i_help="آپ کو کس سلسلے میں مدد چاہیے؟",
        moment="ایک لمحہ، براہِ کرم۔",
        took_time="جی ضرور، اطمینان سے۔",
    ),
)
