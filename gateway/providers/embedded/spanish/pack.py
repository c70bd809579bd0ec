"""Mexican Spanish as a tongue."""

from __future__ import annotations

from gateway.providers.embedded.grammar import Words
from gateway.providers.embedded.spanish import clock, dates, names, numbers
from gateway.providers.embedded.spanish.grammar import GRAMMAR
from gateway.providers.embedded.spanish.words import OPTIONAL, listed
from gateway.providers.embedded.tongue import Choosing, Finding, Lines, Repairs, Speaking, Tongue

__all__ = ["SPANISH"]

_DENIED = listed("no nadie nunca sin ningun ninguno ninguna ni tampoco")


def _affirmed(words: Words) -> Words:
    kept: list[str] = []
    at = 0
    while at < len(words):
        if words[at] == "no" and at:
            at += 1
            while at < len(words) and words[at] in OPTIONAL:
                at += 1
        else:
            kept.append(words[at])
        at += 1
    return tuple(kept)


def _denies(words: Words, start: int, _end: int) -> bool:
    return bool(_DENIED & set(words[max(start - 2, 0) : start]))


def _either(texts: list[str]) -> str:
    if len(texts) < 2:
        return "".join(texts)
    # `u` before a word that begins with an o: siete u ocho.
    last = texts[-1]
    joint = "u" if last.lower().startswith(("o", "ho", "8", "11 ")) else "o"
    return f"{', '.join(texts[:-1])} {joint} {last}"


SPANISH = Tongue(
    language="es",
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
        phone_lengths=(10, 12),
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
            "(cualquiera|cualquier)",
            "[(la|el)] que sea",
            "(me da|es) (igual|lo mismo)",
            "no importa",
            "usted (elija|diga|escoja)",
            "(la|el) [mas] (pronto|temprano|antes)",
            "(primera|primer|primero) disponible",
            "lo antes posible",
        ),
        earlier=listed("antes"),
        other=listed("despues otro otra otros otras ninguno ninguna mas"),
        last=listed("ultimo ultima"),
    ),
    repairs=Repairs(
        corrections=(
            "mejor",
            "(cambie|cambielo|cambiela|cambia|cambialo) [(el|la|lo|mi|por|a)]",
            "quise decir",
            "quiero decir",
            "me equivoque",
            "mas bien",
            "en vez de",
            "en lugar de",
            "no (es|dije|era)",
            "(podria|puede|podemos) (ser|cambiar)",
            "que tal",
            "(corrija|corrijo|perdon) [es]",
        ),
        done=(
            "nada",
            "nada mas",
            "(eso es|eso seria|es|seria) todo",
            "asi esta bien",
            "ya [es] todo",
            "todo bien",
            "ya quedo",
        ),
        dropping=listed("todo cancelar cancele olvidelo dejelo"),
        nothing=listed("nada"),
    ),
    lines=Lines(
        goodbye="Hasta luego.",
        hello="Hola.",
        welcome="Con gusto.",
        all_right="De acuerdo.",
        sorry="Una disculpa.",
        yes_or_no="Por favor dígame sí o no.",
        need="Necesito {0}.",
        can_change="Puedo cambiar {0}.",
        something="algún dato",
        cannot_be="Me temo que eso no es posible.",
        incomplete="Escuché {0}; no está completo.",
        nothing_there="Ya no tengo otros horarios ahí.",
        heard="Escuché {0}. ¿Es correcto?",
        last_name="¿Y sus apellidos, por favor?",
        pass_on="¿Quiere que le comunique con una persona?",
        about="Se trata de: {0}.",
        soonest="lo antes posible",
        yes="sí",
        no="no",
        again="Disculpe, no le escuché bien. ¿Me lo puede repetir?",
        unable="Disculpe, de eso no tengo información. ¿Le ayudo con algo más?",
        how_can_i_help="¿En qué le puedo ayudar?",
        moment="Un momento, por favor.",
        took_time="Claro, tómese su tiempo.",
    ),
)
