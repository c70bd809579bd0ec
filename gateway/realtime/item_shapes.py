"""Conversation items as a client may write them (OpenAI API reference: Realtime, conversation items)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.realtime.shapes import Shape

__all__ = ["Item", "ItemId", "ItemReference"]

ItemId = Annotated[str, Field(min_length=1, max_length=64)]
Status = Literal["completed", "incomplete", "in_progress"]


class InputText(Shape):
    type: Literal["input_text"]
    text: str


class InputAudioPart(Shape):
    type: Literal["input_audio"]
    audio: str | None = None
    transcript: str | None = None


class InputImage(Shape):
    type: Literal["input_image"]
    image_url: Annotated[str, Field(pattern=r"^data:image/(png|jpe?g);base64,")]
    detail: Literal["auto", "low", "high"] | None = None


class OutputText(Shape):
    type: Literal["output_text"]
    text: str


class OutputAudio(Shape):
    """What was said before, as history. Assistant audio itself cannot be supplied."""

    type: Literal["output_audio"]
    transcript: str


class Common(Shape):
    id: ItemId | None = None
    object: Literal["realtime.item"] | None = None
    status: Status | None = None


class SystemMessage(Common):
    type: Literal["message"]
    role: Literal["system"]
    content: list[InputText]


class UserMessage(Common):
    type: Literal["message"]
    role: Literal["user"]
    content: list[Annotated[InputText | InputAudioPart | InputImage, Field(discriminator="type")]]


class AssistantMessage(Common):
    type: Literal["message"]
    role: Literal["assistant"]
    content: list[Annotated[OutputText | OutputAudio, Field(discriminator="type")]]


class FunctionCall(Common):
    type: Literal["function_call"]
    name: str = Field(min_length=1, max_length=64)
    arguments: str
    call_id: str | None = Field(None, min_length=1, max_length=64)


class FunctionCallOutput(Common):
    type: Literal["function_call_output"]
    call_id: str = Field(min_length=1, max_length=64)
    output: str


class ListedTool(Shape):
    name: str
    input_schema: dict[str, Any]
    description: str | None = None
    annotations: dict[str, Any] | None = None


class McpListTools(Common):
    type: Literal["mcp_list_tools"]
    server_label: str
    tools: list[ListedTool]


class McpCall(Common):
    type: Literal["mcp_call"]
    name: str
    arguments: str
    server_label: str
    output: str | None = None
    approval_request_id: str | None = None
    error: dict[str, Any] | None = None


class McpApprovalRequest(Common):
    type: Literal["mcp_approval_request"]
    name: str
    arguments: str
    server_label: str


class McpApprovalResponse(Common):
    type: Literal["mcp_approval_response"]
    approval_request_id: str
    approve: bool
    reason: str | None = None


class ItemReference(Shape):
    """Only inside the `input` of `response.create`."""

    type: Literal["item_reference"]
    id: ItemId


Message = Annotated[SystemMessage | UserMessage | AssistantMessage, Field(discriminator="role")]
Item = Annotated[
    Message
    | FunctionCall
    | FunctionCallOutput
    | McpListTools
    | McpCall
    | McpApprovalRequest
    | McpApprovalResponse,
    Field(discriminator="type"),
]
ItemOrReference = Annotated[
    Message
    | FunctionCall
    | FunctionCallOutput
    | McpListTools
    | McpCall
    | McpApprovalRequest
    | McpApprovalResponse
    | ItemReference,
    Field(discriminator="type"),
]
