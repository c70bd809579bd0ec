"""What a response is to be made with: the session in force, changed by its `response.create` (see that
event in the reference of the OpenAI Realtime API)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.engine.memory import Memory
from gateway.realtime.events import ResponseParams
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.ids import new_id

__all__ = ["Plan", "plan_of", "refuse_remote_tools"]

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a response is made with: the session's values, or those of its `response.create`."""

    response_id: str
    conversation_id: str | None
    """None: out-of-band, nothing of it enters the conversation."""
    context: tuple[Item, ...] | None
    """The items given as `input`; None: the conversation as it is when the engine begins to think."""
    instructions: str
    response_instructions: str | None
    tools: tuple[dict[str, Any], ...]
    tool_choice: Any
    parallel_tool_calls: bool | None
    text: bool
    """Answer in text, not in speech."""
    voice: str
    speed: float
    audio_format: dict[str, Any]
    max_output_tokens: int | str
    metadata: dict[str, str] | None


def plan_of(
    session: dict[str, Any], params: ResponseParams | None, conversation_id: str, memory: Memory
) -> Plan:
    """Raises ProtocolFault when the parameters name what is not there or cannot be done."""
    wanted = {} if params is None else params.model_dump(exclude_unset=True, exclude_none=True)
    tools = wanted.get("tools", session["tools"])
    refuse_remote_tools(tools, "response.tools")
    choice = wanted.get("tool_choice", session["tool_choice"])
    _check_choice(choice, tools)
    output = session["audio"]["output"] | wanted.get("audio", {}).get("output", {})
    if output["format"]["type"] != "audio/pcm":
        told = f"Unsupported audio format '{output['format']['type']}'; supported: audio/pcm."
        raise ProtocolFault("invalid_value", told, "response.audio.output.format.type")
    own = wanted.get("instructions")
    return Plan(
        response_id=new_id("resp"),
        conversation_id=None if wanted.get("conversation") == "none" else conversation_id,
        context=_context(wanted["input"], memory) if "input" in wanted else None,
        instructions=session["instructions"] if own is None else own,
        response_instructions=own,
        tools=tuple(tool for tool in tools if tool["type"] == "function"),
        tool_choice=choice,
        parallel_tool_calls=wanted.get("parallel_tool_calls", session.get("parallel_tool_calls")),
        text=wanted.get("output_modalities", session["output_modalities"]) == ["text"],
        voice=output["voice"]["id"] if isinstance(output["voice"], dict) else output["voice"],
        speed=float(output["speed"]),
        audio_format={"type": "audio/pcm", "rate": 24000},
        max_output_tokens=wanted.get("max_output_tokens", session["max_output_tokens"]),
        metadata=wanted.get("metadata"),
    )


def refuse_remote_tools(tools: list[dict[str, Any]], param: str) -> None:
    """This engine calls no MCP servers, and says so rather than staying silent about it later."""
    for number, tool in enumerate(tools):
        if tool["type"] != "function":
            told = "This engine supports tools of type 'function' only."
            raise ProtocolFault("invalid_value", told, f"{param}[{number}].type")


def _check_choice(choice: Any, tools: list[dict[str, Any]]) -> None:
    names = {tool["name"] for tool in tools}
    if isinstance(choice, dict) and choice.get("name") not in names:
        raise ProtocolFault(
            "invalid_value", "The chosen tool is not among the tools.", "response.tool_choice.name"
        )


def _context(given: list[dict[str, Any]], memory: Memory) -> tuple[Item, ...]:
    items: list[Item] = []
    for number, item in enumerate(given):
        if item["type"] != "item_reference":
            items.append({"object": "realtime.item", **item, "id": item.get("id") or new_id("item")})
            continue
        known = memory.items.find(item["id"])
        if known is None:
            told = f"Item with id '{item['id']}' not found."
            raise ProtocolFault("invalid_value", told, f"response.input[{number}].id")
        items.append(known)
    return tuple(items)
