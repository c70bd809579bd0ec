"""What the voices of this folder say: name → voice and words. `es:` is espeak-ng, the others are flite's."""

from __future__ import annotations

__all__ = ["PHRASES"]

PHRASES: dict[str, tuple[str, str]] = {
    "john": (
        "rms",
        "Hi, you've reached John Carter. I can't come to the phone right now. Please leave a message after the tone.",
    ),
    "carrier": (
        "slt",
        "The person you are trying to reach is not available. Please record your message after the tone. When you have "
        "finished recording, you may hang up, or press one for more options.",
    ),
    "curt": ("awb", "Leave a message."),
    "office_1": ("slt", "Thank you for calling the office of Doctor Weller."),
    "office_2": (
        "slt",
        "Our hours are Monday through Friday, from nine in the morning until five in the afternoon.",
    ),
    "office_3": (
        "slt",
        "If this is an emergency, please hang up and dial nine one one. Otherwise leave your name.",
    ),
    "away": ("es:en-us", "This is Maria. I am away until Monday. Talk to you then."),
    "prank_1": ("rms", "Hello?"),
    "prank_2": ("rms", "Just kidding, I'm not here. You know what to do."),
    "mailbox": (
        "es:en-gb",
        "You have reached the mailbox of seven three zero five. Please speak after the signal.",
    ),
    "buzon": ("es:es-419", "Hola, ha llamado a Lucia. No puedo atender. Deje su mensaje después del tono."),
    "plain": ("awb", "You've reached the Brandt family. We'll call you back, thank you."),
    "hello": ("slt", "Hello?"),
    "hello_low": ("rms", "Hello?"),
    "yes_john": ("rms", "Yes, this is John speaking."),
    "firm": (
        "awb",
        "Good afternoon, Miller and Sons plumbing and heating, this is John speaking, how can I help you today?",
    ),
    "who": ("slt", "Who is this?"),
    "screening": (
        "slt",
        "Hi, the person you are calling is using a screening service. Please state your name and the reason for "
        "calling.",
    ),
    "here": ("rms", "Yes, John here."),
    "sorry": ("slt", "Sorry, go on, please."),
}
