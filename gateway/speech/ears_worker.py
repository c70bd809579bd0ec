"""`python -m gateway.speech.ears_worker`: one process that hears, for `gateway.speech.ears`."""

from __future__ import annotations

from importlib.metadata import version

from gateway.speech.decoders import Decoders
from gateway.speech.frames import Message
from gateway.speech.spelling import speller
from gateway.speech.worker import Handler, serve

__all__ = ["start"]


def start() -> tuple[dict[str, object], Handler]:
    decoders = Decoders(speller())

    def handle(request: Message) -> Message:
        head = request.head
        script = head.get("script")
        match head.get("op"):
            case "learn" if isinstance(script, str) and isinstance(
                sentences := head.get("sentences"), list
            ):
                decoders.learn(script, [str(sentence) for sentence in sentences])
                return Message()
            case "transcribe" if script is None or isinstance(script, str):
                heard = decoders.transcribe(request.body, script)
                return Message({"text": heard.text, "score": heard.score, "source": heard.source})
            case _:
                raise ValueError("a request that ears do not know")

    return {"engine": f"pocketsphinx {version('pocketsphinx')}"}, handle


if __name__ == "__main__":
    serve(start)
