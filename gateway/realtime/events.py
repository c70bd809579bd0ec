"""What a client may send: parsed, bounded, checked. Noise raises ProtocolFault only.

OpenAI API reference: Realtime client events.
"""

from __future__ import annotations

import binascii
from typing import Annotated, Any, Literal

import orjson
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from gateway.realtime.fault import ProtocolFault, fault_of
from gateway.realtime.item_shapes import Item, ItemId, ItemOrReference
from gateway.realtime.shapes import (
    AudioOutput,
    MaxTokens,
    Modalities,
    Prompt,
    Reasoning,
    Shape,
    ToolChoice,
    Tools,
)
from gateway.realtime.weight import MAX_VALUES, too_many_values

__all__ = [
    "MAX_APPEND",
    "MAX_DEPTH",
    "MAX_MESSAGE",
    "AudioAppend",
    "AudioClear",
    "AudioCommit",
    "ClientEvent",
    "ItemCreate",
    "ItemDelete",
    "ItemRetrieve",
    "ItemTruncate",
    "OutputClear",
    "ResponseCancel",
    "ResponseCreate",
    "ResponseParams",
    "SessionUpdate",
    "decode_audio",
    "parse_client_event",
]

MAX_MESSAGE = 16 * 1024 * 1024
"""Longest message, in bytes of UTF-8."""

MAX_APPEND = 15 * 1024 * 1024
"""Longest base64 text of one `input_audio_buffer.append`, in characters."""

MAX_DEPTH = 64
"""Deepest nesting: beyond some depth JSON can be read but not written again."""


def decode_audio(value: object) -> bytes:
    """PCM of a base64 string; bytes pass through, for peers in the same process. Raises ValueError."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("expected audio as a base64 string")  # noqa: TRY004 - pydantic turns ValueError into a fault
    if len(value) > MAX_APPEND:
        raise ValueError(f"at most {MAX_APPEND} characters of audio fit in one event")
    try:
        return binascii.a2b_base64(value, strict_mode=True)
    except ValueError:
        raise ValueError("not valid base64") from None


class Client(Shape):
    event_id: str | None = Field(None, max_length=512)


class SessionUpdate(Client):
    type: Literal["session.update"]
    session: dict[str, Any]
    """Checked by `gateway.realtime.session.merge_session`, which knows what is in force."""


class AudioAppend(Client):
    type: Literal["input_audio_buffer.append"]
    audio: Annotated[bytes, BeforeValidator(decode_audio)]
    """Decoded, in the session's input format."""


class AudioCommit(Client):
    type: Literal["input_audio_buffer.commit"]


class AudioClear(Client):
    type: Literal["input_audio_buffer.clear"]


class ItemCreate(Client):
    type: Literal["conversation.item.create"]
    item: Item
    previous_item_id: ItemId | None = None


class ItemRetrieve(Client):
    type: Literal["conversation.item.retrieve"]
    item_id: ItemId


class ItemTruncate(Client):
    type: Literal["conversation.item.truncate"]
    item_id: ItemId
    content_index: int = Field(ge=0)
    audio_end_ms: int = Field(ge=0)


class ItemDelete(Client):
    type: Literal["conversation.item.delete"]
    item_id: ItemId


class ResponseAudio(Shape):
    output: AudioOutput | None = None


MetadataKey = Annotated[str, Field(max_length=64)]
MetadataValue = Annotated[str, Field(max_length=512)]


class ResponseParams(Shape):
    """What differs from the session for one response: `response` of `response.create` in the reference of the
    OpenAI Realtime API."""

    conversation: Literal["auto", "none"] | None = None
    input: list[ItemOrReference] | None = Field(None, max_length=1000)
    instructions: str | None = None
    output_modalities: Modalities | None = None
    audio: ResponseAudio | None = None
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None
    prompt: Prompt | None = None
    max_output_tokens: MaxTokens | None = None
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=16)] | None = None


class ResponseCreate(Client):
    type: Literal["response.create"]
    response: ResponseParams | None = None


class ResponseCancel(Client):
    type: Literal["response.cancel"]
    response_id: str | None = Field(None, max_length=512)


class OutputClear(Client):
    type: Literal["output_audio_buffer.clear"]


ClientEvent = (
    SessionUpdate
    | AudioAppend
    | AudioCommit
    | AudioClear
    | ItemCreate
    | ItemRetrieve
    | ItemTruncate
    | ItemDelete
    | ResponseCreate
    | ResponseCancel
    | OutputClear
)
CLIENT_EVENT: TypeAdapter[ClientEvent] = TypeAdapter(Annotated[ClientEvent, Field(discriminator="type")])
TYPES = frozenset(
    {
        "session.update",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "input_audio_buffer.clear",
        "conversation.item.create",
        "conversation.item.retrieve",
        "conversation.item.truncate",
        "conversation.item.delete",
        "response.create",
        "response.cancel",
        "output_audio_buffer.clear",
    }
)


def parse_client_event(message: str | bytes | dict[str, Any]) -> ClientEvent:
    """The event in one message of the wire, or in an object that was JSON already.

    Raises ProtocolFault: `invalid_event` when it is no event at all (too long, not JSON, not an object, without
    a `type`), else the code and the dotted `param` of what is wrong, with the client's `event_id`.
    """
    data = message if isinstance(message, dict) else _json(message)
    if not isinstance(data, dict):
        raise ProtocolFault("invalid_event", "An event is a JSON object.")
    kind, told = data.get("type"), data.get("event_id")
    event_id = told if isinstance(told, str) and len(told) <= 512 else None
    if not isinstance(kind, str):
        raise ProtocolFault("invalid_event", "An event has a 'type', which is a string.", "type", event_id)
    if kind not in TYPES:
        told_types = ", ".join(sorted(TYPES))
        message_text = f"Invalid value: '{kind[:64]}'. Supported values are: {told_types}."
        raise ProtocolFault("invalid_value", message_text, "type", event_id)
    if _too_deep(data):
        raise ProtocolFault("invalid_event", f"An event nests at most {MAX_DEPTH} deep.", None, event_id)
    try:
        return CLIENT_EVENT.validate_python(data)
    except ValidationError as error:
        raise fault_of(error, data, "", event_id) from None


def _json(message: str | bytes) -> object:
    # A character is at least one byte, so a text that is too long needs no encoding to be refused.
    raw = (
        b""
        if len(message) > MAX_MESSAGE
        else message.encode(errors="replace")
        if isinstance(message, str)
        else message
    )
    if len(message) > MAX_MESSAGE or len(raw) > MAX_MESSAGE:
        raise ProtocolFault("invalid_event", f"An event is at most {MAX_MESSAGE} bytes long.")
    if too_many_values(message if isinstance(message, str) else message.decode("latin-1")):
        raise ProtocolFault("invalid_event", f"An event holds at most {MAX_VALUES} values.")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ProtocolFault("invalid_event", "The message is not valid JSON.") from None


def _too_deep(data: dict[str, Any]) -> bool:
    level: list[dict[str, Any] | list[Any]] = [data]
    for _ in range(MAX_DEPTH):
        inner = [value for each in level for value in (each.values() if isinstance(each, dict) else each)]
        level = [value for value in inner if isinstance(value, dict | list)]
        if not level:
            return False
    return True
