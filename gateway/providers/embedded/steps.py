"""What to do next: the first step of the task that is not done yet, as words to say and tools to call."""

from __future__ import annotations

from typing import Any

from gateway.engine.mind import Reply, ToolUse
from gateway.providers.embedded.findings import Moment
from gateway.providers.embedded.items import Item, exact, near
from gateway.providers.embedded.schema import fitted
from gateway.providers.embedded.slots import complete
from gateway.providers.embedded.state import Expect, Expecting, State
from gateway.providers.embedded.turns import Result
from personas.dialogue import Slot, Step

__all__ = ["closing", "hand_over", "keypad_offer", "listed_items", "next_reply", "offer_again", "say"]

KEYPAD_AFTER = 2
"""Times that a number was not understood."""


def say(state: State, *parts: str) -> Reply:
    """The parts as one utterance."""
    text = " ".join(part.strip() for part in parts if part.strip())
    state.said = text or state.said
    return Reply(say=text)


def next_reply(state: State, *before: str) -> Reply:
    """Go on with the task: say `before`, then ask, confirm or call. Without a task: ask what to do."""
    words = list(before)
    for _ in range(12):
        if state.task is None:
            break
        reply = _walk(state, words)
        if reply is not None:
            return reply
    if state.task is not None:
        return _offer_person(state, words)
    state.prompt = (
        state.prompt if state.expecting.what is Expect.MORE and state.prompt else state.dialogue.what_for
    )
    return say(state, *words, state.prompt)


def _walk(state: State, words: list[str]) -> Reply | None:
    """One pass over the steps. None: something changed, pass again."""
    task = state.task
    assert task is not None  # the caller looked
    for step in task.steps:
        if any(
            str(state.values.get(name)).lower() != value.lower() for name, value in step.only_if.items()
        ):
            continue
        if step.slot is not None:
            slot = task.slot(step.slot)
            if slot.kind == "item":
                words += _choose_alone(state, slot)
            value = state.values.get(slot.id)
            if slot.id in state.unchecked and value is not None:
                return _check(state, slot, words)
            if value is None or not complete(slot, value):
                return _ask(state, slot, words)
        elif step.confirm is not None:
            if state.agreed != state.values:
                state.expecting = Expecting(Expect.CONFIRM)
                state.prompt = state.scope().say(step.confirm)
                return say(state, *words, state.prompt)
        else:
            outcome = _call(state, step, words)
            if outcome == "done":
                continue
            return outcome if isinstance(outcome, Reply) else None
    state.finish()
    state.expecting = Expecting(Expect.MORE)
    state.prompt = state.dialogue.anything_else
    return say(state, *words, state.prompt)


def _check(state: State, slot: Slot, words: list[str]) -> Reply:
    state.expecting = Expecting(Expect.CHECK, slot)
    state.prompt = state.scope().say(slot.verify or state.tongue.lines.heard.format(f"{{{slot.id}}}"))
    return say(state, *words, state.prompt)


def _ask(state: State, slot: Slot, words: list[str]) -> Reply:
    state.expecting = Expecting(Expect.SLOT, slot)
    count = state.asked.get(slot.id, 0)
    state.asked[slot.id] = count + 1
    if slot.kind == "item":
        return _offer(state, slot, words)
    if slot.kind == "name" and state.partial.get(slot.id):
        state.prompt = state.tongue.lines.last_name
    else:
        state.prompt = state.scope().say(slot.ask[min(count, len(slot.ask) - 1)])
    return say(state, *words, state.prompt, keypad_offer(state, slot))


def keypad_offer(state: State, slot: Slot) -> str:
    """The way out for a number that was asked for and not understood twice; empty where there is none."""
    failed = max(state.misses, state.asked.get(slot.id, 0) - 1)
    offered = state.keypad and slot.kind in ("digits", "phone") and failed >= KEYPAD_AFTER
    return state.dialogue.keypad if offered else ""


# ── lists ─────────────────────────────────────────────────────────────────────────────────────────────────


def _list(state: State, path: str) -> list[Item]:
    name, _, rest = path.partition(".")
    result = state.results.get(name)
    value: Any = result.output if result is not None and result.ok else None
    for part in filter(None, rest.split(".")):
        value = value.get(part) if isinstance(value, dict) else None
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def listed_items(state: State, slot: Slot) -> list[Item]:
    """The items that the slot can be chosen from now."""
    return _list(state, slot.source) or (_list(state, slot.otherwise) if slot.otherwise else [])


def _wish(state: State, slot: Slot) -> Moment | None:
    value = state.values.get(slot.nearest) if slot.nearest else None
    return value if isinstance(value, Moment) else None


def _choose_alone(state: State, slot: Slot) -> list[str]:
    """Keep the choice only while it is on the list; choose what was wished for without asking, and say so."""
    items = listed_items(state, slot)
    chosen, wish = state.values.get(slot.id), _wish(state, slot)
    if isinstance(chosen, dict):
        same = next((item for item in items if item.get(slot.key) == chosen.get(slot.key)), None)
        if same is None:
            state.clear((slot.id,))
        else:
            state.values[slot.id] = same
    if slot.id not in state.values and wish is not None:
        fitting = exact(slot, items, wish)
        if fitting is not None:
            state.values[slot.id] = fitting
            return [state.scope().say(slot.heard)]
    return []


def _offer(state: State, slot: Slot, words: list[str]) -> Reply:
    items, wish = listed_items(state, slot), _wish(state, slot)
    if not items:
        if slot.nearest:
            state.clear((slot.nearest,))
            state.expecting = Expecting(Expect.SLOT, state.task.slot(slot.nearest) if state.task else None)
            state.prompt = state.scope().say(slot.none)
            return say(state, *words, state.prompt)
        state.finish()
        state.expecting = Expecting(Expect.MORE)
        state.prompt = state.dialogue.anything_else
        return say(state, *words, state.scope().say(slot.none), state.prompt)
    chosen = state.shortlist.pop(slot.id, None)
    offer = chosen or near(slot, items, wish)
    state.offered[slot.id] = offer
    joined = _spoken_list(state, slot, offer)
    count = state.asked.get(slot.id, 1)
    ask = slot.ask[min(count - 1, len(slot.ask) - 1)]
    if chosen:
        ask = slot.ask[0]
    elif slot.otherwise and not _list(state, slot.source):
        ask = slot.other_ask or ask
    elif wish is not None and wish.at is not None and slot.taken_ask and count == 1:
        ask = slot.taken_ask
    state.prompt = state.scope(heard=joined).say(ask)
    return say(state, *words, state.prompt)


def _spoken_list(state: State, slot: Slot, items: list[Item]) -> str:
    """The items in one sentence; of the same day only the first names it."""
    choices: list[str] = []
    day = ""
    for item in items:
        label = state.scope().item(slot, item)
        head, tail = state.tongue.say.apart(label)
        choices.append(tail if slot.nearest and head and head == day else label)
        day = head
    return state.tongue.say.items(choices)


def offer_again(state: State, slot: Slot) -> str:
    """The question about the items named last, without its preliminaries."""
    return state.scope(heard=_spoken_list(state, slot, state.offered[slot.id])).say(slot.ask[-1])


# ── tools ─────────────────────────────────────────────────────────────────────────────────────────────────


def _call(state: State, step: Step, words: list[str]) -> Reply | str:
    """`done`: go on; `again`: something changed; or what to say and call now."""
    assert step.call is not None  # the caller looked
    tool = state.tools.get(step.call)
    scope = state.scope()
    wanted = {name: scope.argument(text) for name, text in step.arguments.items()}
    arguments = fitted({name: value for name, value in wanted.items() if value is not None}, tool)
    result = state.results.get(step.call)
    if tool is None and (result is None or result.output is None):
        result = state.results[step.call] = Result(step.call, arguments, {"error": "not available"})
    if result is None or result.arguments != arguments:
        return _use(state, step, arguments, words)
    if result.output is None:
        asked = state.asked[f"{step.call}()"] = state.asked.get(f"{step.call}()", 0) + 1
        # An answer that does not come at all was lost with its session: call once more.
        return (
            say(state, *words, state.dialogue.working) if asked % 3 else _use(state, step, arguments, words)
        )
    if result.undecided:
        return say(state, *words, state.dialogue.approval)
    return _settle(state, step, result, words)


def _use(state: State, step: Step, arguments: dict[str, Any], words: list[str]) -> Reply:
    assert step.call is not None  # the caller looked
    state.results.pop(step.call, None)
    spoken = say(state, *words, state.scope().say(step.before)).say
    return Reply(spoken, (ToolUse(step.call, arguments),))


def _settle(state: State, step: Step, result: Result, words: list[str]) -> Reply | str:
    output = result.output or {}
    first = id(result) not in state.told
    state.told.add(id(result))
    if not result.ok:
        error = output.get("error")
        words.append(state.scope(error=str(error or "")).say(step.failed))
        if not step.clears:
            return _offer_person(state, words)
        state.clear((*step.clears, result.name))
        return "again"
    for case in step.cases:
        if str(output.get(case.field)).lower() == case.equals.lower():
            if first:
                words.append(state.scope().say(case.say))
            if case.ends:
                state.finish()
                state.expecting = Expecting(Expect.MORE)
                state.prompt = state.dialogue.anything_else
                return say(state, *words, state.prompt)
            if case.clears:
                state.clear((*case.clears, result.name))
                return "again"
            return "done"
    if first:
        words.append(state.scope().say(step.say))
    return "done"


# ── the end ───────────────────────────────────────────────────────────────────────────────────────────────


def _offer_person(state: State, words: list[str]) -> Reply:
    if "hand_over" not in state.tools:
        state.finish()
        state.expecting = Expecting(Expect.MORE)
        state.prompt = state.dialogue.anything_else
        return say(state, *words, state.prompt)
    state.expecting = Expecting(Expect.PERSON)
    state.prompt = state.tongue.lines.pass_on
    return say(state, *words, state.prompt)


def hand_over(state: State, *before: str) -> Reply:
    """Pass the caller on, or say that it cannot be done."""
    plan, tool = state.dialogue.hand_over, state.tools.get("hand_over")
    if tool is None:
        return say(state, *before, plan.unavailable)
    state.over = True
    about = state.tongue.lines.about.format(state.task.title) if state.task else ""
    reason = f"{plan.reason} {about}".strip()
    arguments = fitted({"department": plan.department, "reason": reason}, tool)
    return Reply(say(state, *before, plan.say).say, (ToolUse("hand_over", arguments),))


def closing(state: State) -> Reply:
    """Say goodbye and end the call."""
    state.over = True
    words = say(state, state.persona.farewell or state.tongue.lines.goodbye).say
    return Reply(words, (ToolUse("hang_up", {}),) if "hang_up" in state.tools else ())
