"""What personas say where their file leaves it out, by language. The defaults of `Persona` and `Dialogue` are English,
and nobody is to hear English from a persona that speaks something else. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from personas.languages import language_of

__all__ = ["SPOKEN", "Manners", "in_its_language", "manners_of", "texts_in"]


@dataclass(frozen=True, slots=True)
class Manners:
    """One language's."""

    texts: Mapping[str, Any]
    """Fields of a persona."""
    announce: str
    """That the call is recorded."""
    dialogue: Mapping[str, Any]
    """Fields of a dialogue."""
    hand_over: Mapping[str, str]


_SPANISH = Manners(
    texts={
        "still_there": "¿Sigue en la línea?",
        "farewell": "Gracias por llamar. Hasta luego.",
        "bridging": "Un momento, por favor.",
        "filler": ("Un momento, por favor.", "Está tardando un poco más. Gracias por esperar."),
        "putting_through": "Un momento, por favor. Le comunico.",
    },
    announce="Esta llamada se graba.",
    dialogue={
        "what_for": "¿En qué le puedo ayudar?",
        "unclear": ("Disculpe, no le escuché bien.", "Disculpe, sigo sin entenderle."),
        "hold": "Claro, tómese su tiempo.",
        "back": "Gracias por esperar.",
        "anything_else": "¿Le puedo ayudar con algo más?",
        "what_else": "¿Con qué más le puedo ayudar?",
        "which_change": "De acuerdo. ¿Qué le cambio?",
        "dropped": "De acuerdo, lo dejamos así.",
        "working": "Un momento, por favor. Todavía lo estoy buscando.",
        "approval": "Eso lo tiene que autorizar antes un colega. Ya lo pedí, y le aviso en cuanto sepa.",
        "keypad": "También lo puede marcar en el teclado de su teléfono, y al final la tecla de gato.",
        "offer_person": "Me está costando entenderle. ¿Quiere que le comunique con una persona?",
    },
    hand_over={
        "department": "recepción",
        "reason": "Quien llama quiere hablar con una persona.",
        "say": "Claro que sí. Un momento, le comunico con alguien de mi equipo.",
        "unavailable": "Una disculpa, ahora no le puedo comunicar. Por favor llame en nuestro horario de atención.",
    },
)
_URDU = Manners(
    texts={
        "still_there": "کیا آپ لائن پر موجود ہیں؟",
        "farewell": "کال کرنے کا شکریہ۔ خدا حافظ۔",
        "bridging": "ایک لمحہ، براہِ کرم۔",
        "filler": ("ایک لمحہ، براہِ کرم۔", "اس میں کچھ اور وقت لگ رہا ہے۔ انتظار کرنے کا شکریہ۔"),
        "putting_through": "ایک لمحہ، براہِ کرم۔ آپ کی کال ملائی جا رہی ہے۔",
    },
    announce="یہ کال ریکارڈ کی جا رہی ہے۔",
    dialogue={
        "what_for": "آپ کو کس سلسلے میں مدد چاہیے؟",
        "unclear": ("معاف کیجیے، بات سمجھ نہیں آئی۔", "معاف کیجیے، بات اب بھی واضح نہیں ہوئی۔"),
        "hold": "جی ضرور، اطمینان سے۔",
        "back": "انتظار کرنے کا شکریہ۔",
        "anything_else": "کیا آپ کو کسی اور چیز میں مدد چاہیے؟",
        "what_else": "اور کس چیز میں مدد چاہیے؟",
        "which_change": "ٹھیک ہے۔ کیا بدلنا ہے؟",
        "dropped": "ٹھیک ہے، اسے رہنے دیتے ہیں۔",
        "working": "ایک لمحہ، براہِ کرم۔ ابھی دیکھا جا رہا ہے۔",
        "approval": "اس کے لیے پہلے ایک ساتھی کی منظوری ضروری ہے۔ درخواست بھیج دی گئی ہے، جواب آتے ہی بتا دیا جائے گا۔",
        "keypad": "آپ اسے فون کے بٹنوں سے بھی لکھ سکتے ہیں، اور آخر میں ہیش دبائیں۔",
        "offer_person": "بات سمجھنے میں دشواری ہو رہی ہے۔ کیا آپ کی بات کسی نمائندے سے کروا دی جائے؟",
    },
    hand_over={
        "department": "استقبالیہ",
        "reason": "کال کرنے والے کسی شخص سے بات کرنا چاہتے ہیں۔",
        "say": "جی ضرور۔ ایک لمحہ، آپ کی بات نمائندے سے کروائی جا رہی ہے۔",
        "unavailable": "معاف کیجیے، اس وقت بات نہیں ہو سکتی۔ براہِ کرم دفتری اوقات میں دوبارہ کال کیجیے۔",
    },
)
_MANNERS = {"es": _SPANISH, "ur": _URDU}

SPOKEN = tuple(_SPANISH.texts)
"""Fields of a persona that are said word for word and have an English default."""


def manners_of(language: str) -> Manners | None:
    """Those of a language (ISO 639-1); None for English, whose are the defaults, and for one that has none here."""
    return _MANNERS.get(language)


def texts_in(language: str) -> Mapping[str, Any]:
    """Of a language other than English, the fields of a persona that are said word for word; none where they are not
    known."""
    manners = _MANNERS.get(language)
    return {} if manners is None else manners.texts


def in_its_language(told: Any) -> Any:
    """The fields of a persona with what they leave out in the language of its locale. Raises ValueError where they
    leave out what nobody knows in that language."""
    if not isinstance(told, Mapping):
        return told
    language = language_of(str(told.get("locale", "en-US")))
    if language == "en" or len(language) != 2:
        return told
    dialogue = told.get("dialogue")
    if isinstance(dialogue, Mapping):
        told = {**told, "dialogue": {"language": language, **dialogue}}
    manners = _MANNERS.get(language)
    if manners is None:
        missing = [name for name in SPOKEN if name not in told]
        if missing:
            raise ValueError(
                f"a persona of {told.get('locale')} has to say in its own language what is English by default: "
                f"add {', '.join(missing)}"
            )
        return told
    whole: dict[str, Any] = {**manners.texts, **told}
    recording = told.get("recording")
    if isinstance(recording, str):
        recording = {"mode": recording}
    if recording is None or isinstance(recording, Mapping):
        whole["recording"] = {"announce": manners.announce, **(recording or {})}
    dialogue = told.get("dialogue")
    if isinstance(dialogue, Mapping):
        passing = dialogue.get("hand_over")
        whole["dialogue"] = {**manners.dialogue, **dialogue}
        if passing is None or isinstance(passing, Mapping):
            whole["dialogue"]["hand_over"] = {**manners.hand_over, **(passing or {})}
    return whole
