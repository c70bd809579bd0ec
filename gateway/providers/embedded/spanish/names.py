"""People's names in Mexican Spanish: `me llamo Lucía Hernández Ruiz`, `a nombre de José de la Cruz`."""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.providers.embedded.findings import Name
from gateway.providers.embedded.spanish.numbers import one_word
from gateway.providers.embedded.spanish.words import fold, listed

__all__ = ["find_name", "names_somebody"]

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+")
_CUES: tuple[tuple[str, ...], ...] = (
    ("mi", "nombre", "completo", "es"),
    ("mi", "nombre", "es"),
    ("el", "nombre", "es"),
    ("nombre", "es"),
    ("me", "llamo"),
    ("a", "nombre", "de"),
    ("a", "mi", "nombre"),
    ("mis", "apellidos", "son"),
    ("mi", "apellido", "es"),
    ("le", "habla"),
    ("habla",),
)
_WEAK_CUES: tuple[tuple[str, ...], ...] = (
    ("soy",),
    ("es",),
    ("se", "llama"),
    ("para",),
    ("seria",),
    ("nombre",),
)
_ENDS = listed(
    "y mi telefono numero celular es al en con por para que quiero quisiera necesito pero favor gracias "
    "vivo desde hablando llamando le les mañana cita el lo un una"
)
_LEADING = listed(
    "eh este si no claro pues bueno hola oiga señor señora señorita don doña ok buenas buenos dias tardes "
    "noches"
)
_PARTICLES = listed("de la del los las y")
_NOT_NAMES = listed(
    "que cual cuando donde como quien por quiero quisiera necesito tengo puedo puede cita consulta vacuna "
    "telefono numero lunes martes miercoles jueves viernes sabado domingo hoy mañana tarde noche nada "
    "algo nadie espere espera momento perdon ayuda correcto bien mal gracias adios todo cancelar cambiar "
    "repita repite persona alguien hora dia"
)
_FIRST = listed(
    "jose juan luis carlos miguel jesus antonio francisco alejandro pedro manuel ricardo fernando jorge "
    "roberto javier eduardo daniel rafael raul sergio hector mario arturo david oscar diego ivan andres "
    "pablo gabriel enrique ramon maria guadalupe juana margarita ana rosa teresa leticia patricia "
    "veronica alejandra gabriela lucia laura carmen silvia elena claudia monica sofia fernanda valeria "
    "daniela adriana isabel beatriz martha gloria paola andrea karla ximena regina camila renata mariana"
)
_LAST = listed(
    "hernandez garcia martinez lopez gonzalez perez rodriguez sanchez ramirez cruz flores gomez morales "
    "vazquez reyes jimenez torres diaz gutierrez ruiz mendoza aguilar ortiz moreno castillo romero "
    "alvarez mendez chavez rivera juarez ramos dominguez herrera medina castro vargas guzman velazquez "
    "rojas contreras salazar luna ortega"
)


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:].lower()


@lru_cache(maxsize=4096)
def find_name(text: str, *, expected: bool) -> Name | None:
    """The name in `text`, with its accents. `expected`: the bare words of a short utterance are one."""
    raw = tuple(_WORD.findall(text))
    words = tuple(map(fold, raw))
    for cue in _CUES:
        for at in range(len(words) - len(cue)):
            if words[at : at + len(cue)] == cue:
                return _name(raw, words, at + len(cue), sure=True)
    if not expected:
        for at in range(len(words) - 1):
            if words[at] == "soy" and words[at + 1] in _FIRST:
                return _name(raw, words, at + 1, sure=True)
        return None
    start = _led(words, 0)
    for cue in _WEAK_CUES:
        if words[start : start + len(cue)] == cue:
            return _name(raw, words, start + len(cue), sure=True)
    bare = [word for word in words[start:] if word not in _PARTICLES]
    if not bare or len(bare) > 5:
        return None
    return _name(raw, words, start, sure=len(bare) >= 2)


def _led(words: tuple[str, ...], at: int) -> int:
    while at < len(words) and words[at] in _LEADING:
        at += 1
    return at


def _name(raw: tuple[str, ...], words: tuple[str, ...], start: int, *, sure: bool) -> Name | None:
    kept: list[str] = []
    proper = 0
    for at in range(_led(words, start), len(words)):
        word = words[at]
        if kept and word in _PARTICLES and at + 1 < len(words) and _goes_on(words, at):
            kept.append(word)
            continue
        if word in _ENDS or proper == 4:
            break
        if word in _NOT_NAMES or one_word(word) is not None or word.isdigit():
            return None
        kept.append(_capital(raw[at]))
        proper += 1
    if not proper or (proper == 1 and len(kept[0]) < 2):
        return None
    return Name(" ".join(kept), sure)


def _goes_on(words: tuple[str, ...], at: int) -> bool:
    """Whether a name follows the particle: `de la Cruz`, not `y mi teléfono`."""
    if words[at] == "y":
        return words[at + 1] in _LAST
    return words[at + 1] not in _ENDS - _PARTICLES and words[at + 1] not in _NOT_NAMES


def names_somebody(words: tuple[str, ...]) -> bool:
    """Whether `no, es Susana Molina` may be meant."""
    cued = any(word in ("es", "soy", "llamo") for word in words)
    return cued and any(word in _FIRST or word in _LAST for word in words)
