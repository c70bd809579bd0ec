"""What any caller may say to any agent: part of every script, so that it is always heard well."""

from __future__ import annotations

__all__ = ["BACKCHANNELS", "COMMON", "FREQUENT", "INTERRUPTIONS"]

BACKCHANNELS: tuple[str, ...] = (
    "uh huh", "mm hmm", "mhm", "yeah", "okay", "right", "sure", "i see", "got it", "alright", "uh", "um", "oh", "ah",
)  # fmt: skip
"""Said while listening; they do not ask for the floor."""

INTERRUPTIONS: tuple[str, ...] = (
    "stop", "stop please", "please stop", "wait", "wait a minute", "wait a second", "wait wait", "hold on",
    "hold on a second", "hold on a minute", "hold on please", "stop hold on", "stop hold on a second", "stop wait",
    "no wait", "no stop", "one moment", "one moment please", "one second", "just a moment", "just a second",
    "hang on", "hang on a second", "excuse me", "sorry", "actually", "let me stop you there", "be quiet",
    "never mind", "cancel", "cancel that",
)  # fmt: skip
"""Said to get the floor."""

ANSWERS: tuple[str, ...] = (
    "yes", "yes please", "yes that's right", "yes that is right", "yes that's correct", "yes it is", "yes i do",
    "yes that works", "yes that works for me", "that works", "that works for me", "that's right", "that's correct",
    "correct", "exactly", "yep", "yeah sure", "sure thing", "of course", "okay great", "okay thank you",
    "that sounds good", "sounds good", "perfect", "great", "please do", "go ahead",
    "no", "no thank you", "no thanks", "nope", "no that's wrong", "that's wrong", "that's not right", "no it isn't",
    "no that's not right", "not really", "no that's all", "no that is all", "no that's it", "i don't know",
    "i'm not sure", "i don't want that", "that's all", "that is all", "that's all thank you", "that is all thank you",
)  # fmt: skip

COURTESY: tuple[str, ...] = (
    "hello", "hi", "hi there", "good morning", "good afternoon", "hello is anyone there", "are you there",
    "can you hear me", "thank you", "thanks", "thank you very much", "thanks a lot", "goodbye", "bye", "bye bye",
    "have a nice day", "that's all goodbye", "thank you goodbye", "please", "sorry what", "pardon", "what",
    "what did you say", "can you repeat that", "could you repeat that", "can you repeat that please", "say that again",
    "say that again please", "please repeat that", "i didn't catch that", "i don't understand", "what do you mean",
    "what can you do", "can you help me", "i need help", "help", "who are you", "are you a robot",
    "are you a real person", "can i talk to a person", "can i speak to a person", "i want to talk to a person",
    "i'd like to speak to a human", "can i speak to someone", "let me talk to a human", "operator", "start over",
    "let's start over", "go back", "slow down", "can you speak slower",
)  # fmt: skip

COMMON: tuple[str, ...] = BACKCHANNELS + INTERRUPTIONS + ANSWERS + COURTESY

FREQUENT: frozenset[str] = frozenset({
    "uh huh", "mm hmm", "yeah", "okay", "right", "yes", "no", "stop", "wait", "hold on", "hello", "yes please",
    "no thank you", "wait a minute", "hold on a second", "stop hold on a second", "excuse me", "thank you", "goodbye",
})  # fmt: skip
"""Said so often, and so short, that the language model has to lean towards them."""
