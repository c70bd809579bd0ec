"""What callers say in English that is the same for every persona: yes, no, wait, again, goodbye."""

from __future__ import annotations

from gateway.providers.embedded.english.words import OPTIONAL, STOP, alike, listed, tokens
from gateway.providers.embedded.grammar import Act, Grammar, Vocabulary

__all__ = [
    "ACTS", "FILLERS", "GRAMMAR", "about", "about_any", "find_act", "is_question", "phrase_words", "polarity", "spot",
    "spot_any",
]  # fmt: skip

ACTS: dict[Act, tuple[str, ...]] = {
    Act.HOLD: (
        "stop", "(hold|hang) on [(a|one) (second|minute|moment|sec)]",
        "[just] wait [(a|one) (second|minute|moment)]",
        "[just] (a|one) (second|minute|moment|sec)", "give me (a|one) (second|minute|moment)",
        "let me (think|see|check)",
        "hold it", "not so fast", "slow down",
    ),
    Act.REPEAT: (
        "[can you|could you|please] repeat that", "[can you|could you|please] say that again", "say it again",
        "what did you say", "pardon [me]", "come again", "i did not (hear|catch|get) (you|that)", "once more",
        "repeat [please]", "excuse me", "what was that", "again please", "[i am] sorry what",
    ),
    Act.BACK: ("i am back", "go on", "go ahead", "continue", "i am (here|ready)", "ready",
               "yes i am still here", "hello"),
    Act.BACKCHANNEL: ("mhm", "mm", "hm", "hmm", "aha", "ah", "i see", "ok", "right", "all right", "alright", "got it"),
    Act.GOODBYE: (
        "(goodbye|bye)", "bye bye", "good bye", "see you", "have a (good|nice|great) (day|one|evening|weekend)",
        "that is (all|it) [for (today|now)]", "hang up", "i have to go", "talk to you later", "take care",
    ),
    Act.PERSON: (
        "(speak|talk) (to|with) (a|an|some|another) (person|human|agent|representative|someone|somebody)",
        "(speak|talk) (to|with) (someone|somebody)", "(a person|real person|human|representative|operator) [please]",
        "transfer me", "connect me", "put me through", "(can|could|may) i (speak|talk) (to|with) (a person|someone)",
    ),
    Act.CANCEL: ("never mind", "forget (it|that|about it)", "start over", "cancel that", "scratch that", "start again"),
    Act.HELP: (
        "help [me]", "what can (you|i) (do|say|ask)", "what (are|is) (my|the) options", "i need help",
        "how does this work",
        "can you help [me]", "what do you do",
    ),
    Act.GREETING: ("(hello|hi|hey) [there]", "good (morning|afternoon|evening)", "how are you [(today|doing)]"),
    Act.THANKS: ("(thanks|thank you) [(very|so) much]", "thanks a lot",
                 "(great|good|perfect|wonderful) (thanks|thank you)"),
}  # fmt: skip

FILLERS = listed("um uh er ah well so please actually like and then oh just sorry but a")

_POLITE = listed(
    "thanks thank all ok great good perfect wonderful lovely cool fine nice sure right very much"
)
_NO = (
    "no", "nope", "nah", "wrong", "incorrect", "not right", "not correct", "not really", "not quite", "do not",
    "negative", "that is not", "it is not", "neither", "never",
)  # fmt: skip
_YES = (
    "yes", "sure", "correct", "right", "that is it", "works", "works for me", "sounds good", "perfect", "absolutely",
    "of course", "go ahead", "ok", "fine", "exactly", "definitely", "book it", "do it", "great", "good", "please do",
    "all right", "alright", "mhm", "aha", "certainly", "affirmative", "indeed", "it is", "ya", "ye",
    "you bet", "confirm", "confirmed", "that is true", "true", "i guess so", "i think so",
)  # fmt: skip
_YES_MISHEARD = ("yet", "guess", "jess", "yest", "chess")
_NO_MISHEARD = ("know", "nor", "nose")


GRAMMAR = Grammar(
    Vocabulary(
        tokens=tokens,
        alike=alike,
        stop=STOP,
        optional=OPTIONAL,
        fillers=FILLERS,
        beside=listed("yes no ok you hello hi"),
        polite=_POLITE,
        acts=ACTS,
        yes=_YES,
        no=_NO,
        yes_all_the_same=("no problem", "no doubt"),
        yes_misheard=_YES_MISHEARD,
        no_misheard=_NO_MISHEARD,
        questions=listed("what when where who how which why do does is are can could will"),
        questions_anywhere=frozenset(),
        before_questions=listed("ok yes hi hello"),
        question_openings=("tell me about", "i have a"),
    )
)
spot, spot_any, about, about_any = GRAMMAR.spot, GRAMMAR.spot_any, GRAMMAR.about, GRAMMAR.about_any
find_act, is_question, polarity = GRAMMAR.find_act, GRAMMAR.is_question, GRAMMAR.polarity
phrase_words = GRAMMAR.phrase_words
