"""What answering machines say, and nobody else as a rule. Pure.

Looked for in the model's transcription of the caller, which mishears: each phrase is short, and one is enough.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["LOCALES", "says_machine"]

LOCALES: dict[str, tuple[str, ...]] = {
    "en": (
        "leave a message", "leave your message", "leave me a message", "leave us a message",
        "leave a brief message", "leave your name", "record your message", "record a message", "at the tone",
        "after the tone", "at the beep", "after the beep", "sound of the tone", "voicemail of", "voicemail box",
        "voicemail service", "the voicemail", "voicemail system", "voice mailbox", "voice messaging system",
        "mailbox is full", "the mailbox", "not available to take your call", "unable to take your call",
        "can't take your call", "cannot take your call", "can't come to the phone", "cannot come to the phone",
        "unable to come to the phone", "can't get to the phone", "not able to answer your call",
        "unable to answer your call", "can't answer your call", "has not been set up yet",
        "forwarded to an automated", "get back to you as soon as", "call you back as soon as",
        "finished recording you may hang up",
    ),
    "es": (
        "deje su mensaje", "deje un mensaje", "deja tu mensaje", "deja un mensaje", "dejar un mensaje",
        "despues del tono", "despues de la senal", "despues del bip", "al escuchar el tono", "buzon de voz",
        "contestador de", "no esta disponible en este momento", "no puedo atender", "no podemos atender",
        "grabe su mensaje",
    ),
    "fr": (
        "laissez un message", "laissez votre message", "laisser un message", "laissez moi un message",
        "apres le bip", "apres le signal", "apres la tonalite", "messagerie vocale de", "boite vocale de",
        "repondeur de", "sur le repondeur", "n'est pas disponible pour le moment", "je ne peux pas vous repondre",
        "ne peut pas vous repondre",
    ),
    "de": (
        "hinterlassen sie", "nach dem ton", "nach dem signalton", "nach dem piepton", "nach dem pfeifton",
        "anrufbeantworter von", "mailbox von", "sprachbox von", "zurzeit nicht erreichbar",
        "derzeit nicht erreichbar", "im moment nicht erreichbar", "voruebergehend nicht erreichbar",
    ),
    "it": (
        "lasciate un messaggio", "lasci un messaggio", "lascia un messaggio", "lasciare un messaggio",
        "dopo il segnale", "dopo il bip", "segreteria telefonica di", "casella vocale",
        "non e al momento raggiungibile",
    ),
    "pt": (
        "deixe sua mensagem", "deixe a sua mensagem", "deixe um recado", "deixe o seu recado", "deixe seu recado",
        "apos o sinal", "depois do sinal", "apos o bip", "caixa postal de", "correio de voz", "caixa de mensagens",
    ),
    "nl": (
        "spreek een bericht in", "laat een bericht achter", "na de piep", "na de pieptoon", "na de toon",
        "voicemail van", "antwoordapparaat van", "niet bereikbaar",
    ),
}  # fmt: skip
"""By language; English is looked for everywhere."""

SCREENING = (
    "record your name and", "state your name and", "say your name and", "name and reason", "reason for calling",
    "reason for your call", "using a screening service", "is screening",
)  # fmt: skip
"""Somebody has calls announced: whoever answers that is put through."""


def _plain(text: str) -> str:
    """Lower case, without accents and marks; a blank round each word."""
    for umlaut, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("\u2019", ""), ("'", "")):
        text = text.lower().replace(umlaut, plain)
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return f" {' '.join(re.findall('[a-z]+', bare))} "


_PHRASES = {language: tuple(map(_plain, phrases)) for language, phrases in LOCALES.items()}
_SCREENING = tuple(map(_plain, SCREENING))


def says_machine(text: str, locale: str) -> bool:
    """Whether these words are an answering machine's. `locale`: the persona's, as `en-US`."""
    plain = _plain(text)
    if any(phrase in plain for phrase in _SCREENING):
        return False
    language = locale.split("-", 1)[0].lower()
    return any(phrase in plain for phrase in (*_PHRASES["en"], *_PHRASES.get(language, ())))
