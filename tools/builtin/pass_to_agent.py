"""Pass the caller to another agent, which takes over in the same call."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext

__all__ = ["PassToAgent", "tool"]


class PassToAgent(BaseModel):
    """To which agent, and what it has to know."""

    agent: str = Field(min_length=1, max_length=64, description="Id of the agent that is to take over.")
    summary: str = Field(
        min_length=1,
        max_length=600,
        description="What the caller needs, in a sentence or two, for the agent.",
    )
    key_facts: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        (),
        max_length=12,
        description="What you have learnt and the agent need not ask again, one thing each.",
    )


async def _run(ask: PassToAgent, context: ToolContext) -> dict[str, Any]:
    said = context.control.colleague(ask.agent)
    result = await context.records.pass_on(
        key=context.idempotency_key,
        from_agent=context.persona_id,
        to_agent=ask.agent,
        summary=ask.summary,
        facts=ask.key_facts,
        said=said,
        session_id=context.session_id,
    )
    context.control.pass_on(ask.agent, ask.summary, ask.key_facts)
    return result


tool = Tool(
    name="pass_to_agent",
    description=(
        "Pass the caller to another agent, who takes over in this call and is told what you know. Tell the caller so "
        "first, in the same turn, and say nothing after it."
    ),
    parameters=PassToAgent,
    run=_run,
    category="handover",
    call_only=True,
    effect="write",
    idempotent=True,
)
