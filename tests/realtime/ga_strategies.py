"""Client events of the GA protocol, as hypothesis makes them up: each one is what `parse_client_event` takes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

__all__ = ["client_events", "items", "sessions"]

WORDS = st.text(max_size=12)
IDS = st.from_regex(r"[a-z]{1,6}_[0-9a-f]{1,8}", fullmatch=True)
NAMES = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
BASE64 = st.sampled_from(["", "AAAA", "//8AAA=="])
FORMATS = st.sampled_from(
    [{"type": "audio/pcm", "rate": 24000}, {"type": "audio/pcmu"}, {"type": "audio/pcma"}]
)
MAX_TOKENS = st.integers(1, 4096) | st.just("inf")
MODALITIES = st.sampled_from([["audio"], ["text"]])
EFFORT = st.sampled_from(["minimal", "low", "medium", "high", "xhigh"])
OPENAI_VOICES = st.sampled_from(["marin", "cedar", "alloy", "verse"])
SCHEMAS = st.sampled_from(
    [{}, {"type": "object"}, {"type": "object", "properties": {"a": {"default": None}}}]
)


def shape(
    required: dict[str, Any] | None = None, **optional: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    """An object with these fields; the optional ones may be absent."""
    return st.fixed_dictionaries(required or {}, optional=optional)


FUNCTION = shape({"type": st.just("function"), "name": NAMES}, description=WORDS, parameters=SCHEMAS)
MCP = shape(
    {"type": st.just("mcp"), "server_label": NAMES},
    server_url=st.just("https://tools.example/mcp"),
    connector_id=st.just("connector_gmail"),
    authorization=WORDS,
    headers=st.dictionaries(NAMES, WORDS, max_size=2),
    allowed_tools=st.lists(NAMES, max_size=2) | shape(tool_names=st.lists(NAMES, max_size=2)),
    require_approval=st.sampled_from(["always", "never"])
    | shape(always=shape(tool_names=st.lists(NAMES, max_size=2)), never=shape(read_only=st.booleans())),
)
TOOLS = st.lists(
    FUNCTION | MCP, max_size=3, unique_by=lambda tool: tool.get("name", tool.get("server_label"))
)
TOOL_CHOICE = (
    st.sampled_from(["auto", "none", "required"])
    | st.fixed_dictionaries({"type": st.just("function"), "name": NAMES})
    | st.fixed_dictionaries({"type": st.just("mcp"), "server_label": NAMES})
)
SERVER_VAD = shape(
    {"type": st.just("server_vad")},
    threshold=st.floats(0, 1),
    prefix_padding_ms=st.integers(0, 1000),
    silence_duration_ms=st.integers(0, 1000),
    idle_timeout_ms=st.none() | st.integers(5000, 30_000),
    create_response=st.booleans(),
    interrupt_response=st.booleans(),
)
SEMANTIC_VAD = shape(
    {"type": st.just("semantic_vad")},
    eagerness=st.sampled_from(["auto", "low", "medium", "high"]),
    create_response=st.booleans(),
    interrupt_response=st.booleans(),
)
INPUT = shape(
    format=FORMATS,
    noise_reduction=st.none()
    | shape({"type": st.sampled_from(["near_field", "far_field"])}, strength=st.floats(0, 1)),
    transcription=st.none()
    | shape(
        {"model": st.sampled_from(["whisper-1", "gpt-4o-mini-transcribe"])},
        language=st.just("en"),
        prompt=WORDS,
    ),
    turn_detection=st.none() | SERVER_VAD | SEMANTIC_VAD,
)
OUTPUT = shape(format=FORMATS, voice=OPENAI_VOICES | shape({"id": IDS}), speed=st.floats(0.25, 1.5))
LOGPROBS = st.sampled_from([None, [], ["item.input_audio_transcription.logprobs"]])


def sessions() -> st.SearchStrategy[dict[str, Any]]:
    """What `session.update` may carry."""
    return shape(
        {"type": st.just("realtime")},
        model=st.just("gpt-realtime"),
        instructions=WORDS,
        output_modalities=MODALITIES,
        audio=shape(input=INPUT, output=OUTPUT),
        include=LOGPROBS,
        max_output_tokens=MAX_TOKENS,
        parallel_tool_calls=st.none() | st.booleans(),
        reasoning=st.none() | shape(effort=EFFORT),
        prompt=st.none() | shape({"id": IDS}),
        tools=TOOLS,
        tool_choice=TOOL_CHOICE,
        tracing=st.sampled_from([None, "auto"]) | shape(workflow_name=WORDS),
        truncation=st.sampled_from(["auto", "disabled"])
        | st.fixed_dictionaries({"type": st.just("retention_ratio"), "retention_ratio": st.floats(0, 1)}),
    )


def items(*, images: bool = True, mcp: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    """What `conversation.item.create` may carry."""
    said = st.fixed_dictionaries({"type": st.just("input_text"), "text": WORDS})
    heard = shape({"type": st.just("input_audio")}, audio=BASE64, transcript=WORDS)
    seen = st.fixed_dictionaries(
        {"type": st.just("input_image"), "image_url": st.just("data:image/png;base64,AAAA")}
    )
    answered = st.fixed_dictionaries(
        {"type": st.just("output_text"), "text": WORDS}
    ) | st.fixed_dictionaries({"type": st.just("output_audio"), "transcript": WORDS})
    common: dict[str, st.SearchStrategy[Any]] = {
        "id": st.none() | IDS,
        "object": st.just("realtime.item"),
        "status": st.sampled_from(["completed", "incomplete", "in_progress"]),
    }
    message = st.just("message")
    user = said | heard | seen if images else said | heard
    kinds = [
        shape(
            {"type": message, "role": st.just("system"), "content": st.lists(said, max_size=2)}, **common
        ),
        shape({"type": message, "role": st.just("user"), "content": st.lists(user, max_size=2)}, **common),
        shape(
            {"type": message, "role": st.just("assistant"), "content": st.lists(answered, max_size=2)},
            **common,
        ),
        shape(
            {"type": st.just("function_call"), "name": NAMES, "arguments": WORDS, "call_id": IDS}, **common
        ),
        shape({"type": st.just("function_call_output"), "call_id": IDS, "output": WORDS}, **common),
    ]
    if mcp:
        approval = {
            "type": st.just("mcp_approval_response"),
            "approval_request_id": IDS,
            "approve": st.booleans(),
        }
        kinds.append(shape(approval, **common))
    return st.one_of(kinds)


def responses(*, images: bool, mcp: bool, references: bool) -> st.SearchStrategy[dict[str, Any]]:
    given_items = items(images=images, mcp=mcp)
    reference = st.fixed_dictionaries({"type": st.just("item_reference"), "id": IDS})
    return shape(
        conversation=st.sampled_from(["auto", "none"]),
        input=st.lists(given_items | reference if references else given_items, max_size=2),
        instructions=WORDS,
        output_modalities=MODALITIES,
        audio=shape(output=shape(format=FORMATS, voice=OPENAI_VOICES)),
        tools=TOOLS,
        tool_choice=TOOL_CHOICE,
        parallel_tool_calls=st.booleans(),
        reasoning=shape(effort=EFFORT),
        prompt=st.none() | shape({"id": IDS}),
        max_output_tokens=MAX_TOKENS,
        metadata=st.none() | st.dictionaries(NAMES, WORDS, max_size=2),
    )


def client_events(
    *, images: bool = True, mcp: bool = True, references: bool = True
) -> st.SearchStrategy[dict[str, Any]]:
    """Any client event but audio, which has a way of its own. The flags are for what older servers do not take."""
    event_id = {"event_id": IDS}

    def event(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return shape({"type": st.just(kind), **fields}, **event_id)

    create = shape(
        {"type": st.just("conversation.item.create"), "item": items(images=images, mcp=mcp)},
        previous_item_id=st.just("root") | IDS,
        **event_id,
    )
    ask = shape(
        {"type": st.just("response.create")},
        response=responses(images=images, mcp=mcp, references=references),
        **event_id,
    )
    cut = {"item_id": IDS, "content_index": st.just(0), "audio_end_ms": st.integers(0, 10_000)}
    return st.one_of(
        event("session.update", session=sessions()),
        event("input_audio_buffer.commit"),
        event("input_audio_buffer.clear"),
        create,
        event("conversation.item.retrieve", item_id=IDS),
        event("conversation.item.truncate", **cut),
        event("conversation.item.delete", item_id=IDS),
        ask,
        shape({"type": st.just("response.cancel")}, response_id=IDS, **event_id),
    )
