"""Who speaks on a call: the agent's persona as it can be there, its tools, its session, and who takes over from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.call.inputs import SuccessorAsked
from gateway.call.plan import CallDeps, CallPlan
from gateway.call.sessions import CoreSettings, upstream_session, visible_session
from gateway.languages import refusal, written
from gateway.ports import Ear, Leg, ModelSpec
from personas.keys import telephone_notes
from personas.persona import Persona
from personas.succession import Handoff, succeeding
from tools.contract import Tool, ToolError

__all__ = ["Agent", "nobody_now"]


class Agent:
    """One call's. Another persona may take its place; what runs meanwhile keeps the plan that it began with."""

    def __init__(self, plan: CallPlan, leg: Leg, deps: CallDeps) -> None:
        self._deps = deps
        self._plays, self._form = leg.plays, leg.form
        self._phone = isinstance(leg, Ear)
        """What has an ear at its far end is a telephone."""
        self._next: Persona | None = None
        self.models = deps.models if plan.model is None else (plan.model,)
        """Who answers, in the order in which they are tried."""
        self.plan = plan
        """The call's, with the persona that speaks now."""
        self._become(self._held(plan.persona))

    @property
    def persona(self) -> Persona:
        return self.plan.persona

    @property
    def local_time(self) -> datetime:
        """The time where its business is."""
        return datetime.fromtimestamp(self._deps.wall(), self.persona.zone)

    def settings(self, *, announce: bool) -> CoreSettings:
        """What the core of a call that begins now is made with. `announce`: the caller is told of the recording."""
        plan, deps = self.plan, self._deps
        expires_at = int(deps.wall() + plan.persona.limits.length_s)
        session = visible_session(
            plan.persona, plan.session_id, deps.model_name, tuple(self.tools.values()), expires_at
        )
        return CoreSettings(
            plan.call_id, plan.persona, session, self._definitions, wanted=plan.session, recalls=self._phone,
            outbound=plan.outbound,
            tariff=deps.tariff, budget_usd=_lower(deps.budget_usd, plan.persona.limits.budget_usd),
            notes=self._notes,
            announce=plan.persona.recording.announce if announce else "",
        )  # fmt: skip

    def spec(self, session: dict[str, Any]) -> ModelSpec:
        """What its model session is opened with. `session`: as the client sees it."""
        return ModelSpec(
            self.plan.call_id, self.persona,
            upstream_session(
                session, self._definitions, self.persona,
                gateway_turns=self._plays and self.persona.turns == "gateway", form=self._form,
                notes=self._notes,
            ),
            realtime=self._plays, form=self._form,
        )  # fmt: skip

    # ── another agent ──

    def successor(self, agent: str, handoff: Handoff, session: dict[str, Any]) -> SuccessorAsked:
        """The agent of this id, asked to take over. `session`: as the client sees it. Raises ToolError when nobody of
        that id is there for this call, or no model speaks their language."""
        persona = self.plan.colleague(agent)
        if persona is None:
            raise nobody_now(agent)
        persona = self._held(succeeding(persona, handoff))
        in_text = written(session, plays=self._plays)
        refusals = [refusal(model, persona, written=in_text) for model in self.models]
        if refusals and None not in refusals:
            raise ToolError(f"{persona.display_name} cannot take the caller over. {refusals[0]}")
        self._next = persona
        return SuccessorAsked(
            persona, tuple(tool.definition() for tool in self._tools_of(persona).values())
        )

    def succeed(self) -> bool:
        """Who was asked takes over; whether somebody was."""
        persona, self._next = self._next, None
        if persona is None:
            return False
        self._become(persona)
        return True

    def _become(self, persona: Persona) -> None:
        self.plan = replace(self.plan, persona=persona)
        self.tools = self._tools_of(persona)
        self._definitions = tuple(tool.definition() for tool in self.tools.values())
        self._notes = telephone_notes(persona.keys) if self._phone else ""

    def _tools_of(self, persona: Persona) -> dict[str, Tool]:
        return {name: self._deps.tools[name] for name in persona.tools if name in self._deps.tools}

    def _held(self, persona: Persona) -> Persona:
        """`persona` as it can be on this call."""
        changes: dict[str, Any] = {}
        if self.plan.exchange is None and persona.transfers:
            # The model is told of nobody whom it cannot put the caller through to.
            changes["transfers"] = {}
        if self._phone and persona.client_tools:
            # There is no client to run them.
            changes["client_tools"] = ()
        if self.plan.outbound:
            # A provider that takes the turns would converse with a machine.
            changes["turns"] = "gateway"
        return persona.model_copy(update=changes) if changes else persona


def nobody_now(agent: str) -> ToolError:
    """Nobody of this id can take over."""
    return ToolError(f"There is nobody of the id {agent[:80]} to take the caller over now.")


def _lower(one: float | None, other: float | None) -> float | None:
    """The lower of two limits, of which either may be none."""
    limits = [limit for limit in (one, other) if limit is not None]
    return min(limits, default=None)
