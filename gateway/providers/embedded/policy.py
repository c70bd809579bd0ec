"""What a caller's utterance means where the dialogue stands, and what is said to it."""

from __future__ import annotations

from gateway.engine.mind import Reply
from gateway.providers.embedded.answers import answer_to, urgent_answer
from gateway.providers.embedded.filling import Filled, fill_slots
from gateway.providers.embedded.grammar import Act
from gateway.providers.embedded.slots import named
from gateway.providers.embedded.state import Expect, Expecting, State
from gateway.providers.embedded.steps import closing, hand_over, keypad_offer, next_reply, offer_again, say
from gateway.providers.embedded.turns import CallerTurn
from personas.dialogue import Task

__all__ = ["respond_to"]


def respond_to(state: State, turn: CallerTurn, *, reminded: bool = False) -> Reply:
    """Take the caller's turn in and answer it. `reminded`: they were just asked whether they are still there."""
    words = state.tongue.tokens(turn.text)
    urgent = urgent_answer(state, words)
    if not urgent:
        return _answered(state, turn, words, reminded)
    if not _takes_notes(state):
        state.misses = 0
        return say(state, urgent)
    reply = _answered(state, turn, words, reminded)
    return Reply(say(state, urgent, reply.say).say, reply.tool_uses)


def _answered(state: State, turn: CallerTurn, words: tuple[str, ...], reminded: bool) -> Reply:
    act = state.tongue.grammar.find_act(words, _acts(state))
    held, state.held = state.held, False
    if not words:
        return _missed(state)
    if act is Act.HOLD:
        state.held = True
        return say(state, state.dialogue.hold)
    if act is Act.REPEAT:
        return Reply(say=state.said or state.prompt or _opening(state))
    if act is Act.PERSON:
        return hand_over(state)
    if (held or reminded) and (
        act in (Act.BACK, Act.BACKCHANNEL, Act.GREETING, Act.THANKS) or len(words) <= 3
    ):
        steering = act is not None or state.tongue.grammar.polarity(words, expected=True)
        if steering and act is not Act.GOODBYE:
            return say(state, state.dialogue.back if held else "", state.prompt or state.dialogue.what_for)
    for handler in (_asked_person, _asked_more, _asked_check, _asked_confirm, _asked_change):
        reply = handler(state, turn, words, act)
        if reply is not None:
            return reply
    if act is Act.GOODBYE and not _takes_notes(state):
        return closing(state)
    return _open(state, turn, words, act)


def _acts(state: State) -> tuple[tuple[Act, str], ...]:
    goodbye = tuple((Act.GOODBYE, pattern) for pattern in state.dialogue.goodbye)
    return goodbye + tuple((Act.PERSON, pattern) for pattern in state.dialogue.person)


def _opening(state: State) -> str:
    return state.persona.greeting or state.dialogue.what_for


# ── answers to our own questions ──────────────────────────────────────────────────────────────────────────


def _asked_person(state: State, turn: CallerTurn, words: tuple[str, ...], act: Act | None) -> Reply | None:
    if state.expecting.what is not Expect.PERSON:
        return None
    answer = state.tongue.grammar.polarity(words, expected=True)
    if answer:
        return hand_over(state)
    state.misses = 0
    state.expecting = Expecting()
    if answer is None:
        return None
    return next_reply(state, state.tongue.lines.all_right)


def _asked_more(state: State, turn: CallerTurn, words: tuple[str, ...], act: Act | None) -> Reply | None:
    if state.expecting.what is not Expect.MORE:
        return None
    if _trigger(state, words) is not None or answer_to(state, words) is not None:
        return None
    done = state.tongue.grammar.spot_any(state.tongue.repairs.done, words) is not None
    answer = state.tongue.grammar.polarity(words, expected=True)
    if act in (Act.GOODBYE, Act.THANKS) or done or answer is False:
        return closing(state)
    if answer:
        # Still expecting: "no thank you" now is the answer to the question before.
        state.prompt = state.dialogue.what_else
        return say(state, state.prompt)
    return None


def _asked_check(state: State, turn: CallerTurn, words: tuple[str, ...], act: Act | None) -> Reply | None:
    slot = state.expecting.slot
    if state.expecting.what is not Expect.CHECK or slot is None:
        return None
    answer = state.tongue.grammar.polarity(words, expected=True)
    corrected = (
        fill_slots(state, turn, correcting=slot) if answer is not True or len(words) > 4 else Filled()
    )
    if slot.id in corrected.names:
        return next_reply(state, *corrected.acknowledged)
    if answer is True:
        state.unchecked.discard(slot.id)
        state.misses = 0
        return next_reply(state)
    if answer is False:
        state.clear((slot.id,))
        return next_reply(state, state.tongue.lines.sorry)
    return None


def _asked_confirm(state: State, turn: CallerTurn, words: tuple[str, ...], act: Act | None) -> Reply | None:
    if state.expecting.what is not Expect.CONFIRM:
        return None
    if act is Act.CANCEL:
        return _dropped(state)
    answer = state.tongue.grammar.polarity(words, expected=True)
    if answer is not True or len(words) > 2:
        before = dict(state.values)
        changed = fill_slots(state, turn, changing=True)
        if changed.names and state.values != before:
            state.misses = 0
            return next_reply(state, *changed.acknowledged)
    if answer is True and not turn.doubtful:
        state.agreed = dict(state.values)
        state.misses = 0
        return next_reply(state)
    if answer is False:
        state.misses = 0
        return _which(state, words) or _ask_change(state)
    if _named_slot(state, words) is not None and not state.tongue.grammar.is_question(words, turn.text):
        return _which(state, words)
    return None


def _asked_change(state: State, turn: CallerTurn, words: tuple[str, ...], act: Act | None) -> Reply | None:
    if state.expecting.what is not Expect.CHANGE:
        return None
    changed = fill_slots(state, turn, changing=True)
    if changed.names:
        return next_reply(state, *changed.acknowledged)
    if act is Act.CANCEL or not state.tongue.repairs.dropping.isdisjoint(words):
        return _dropped(state)
    which = _which(state, words)
    if which is not None:
        return which
    nothing = not state.tongue.repairs.nothing.isdisjoint(words)
    if state.tongue.grammar.polarity(words, expected=True) is False or nothing:
        return next_reply(state)
    return None


def _ask_change(state: State) -> Reply:
    known = [slot for slot in state.task.slots if slot.id in state.values] if state.task else []
    slots = [slot.title for slot in known if not slot.nearest]
    lines = state.tongue.lines
    choices = lines.can_change.format(state.tongue.say.either(slots) or lines.something)
    state.expecting = Expecting(Expect.CHANGE)
    state.prompt = f"{state.dialogue.which_change} {choices}"
    return say(state, state.prompt)


def _named_slot(state: State, words: tuple[str, ...]) -> str | None:
    slots = state.task.slots if state.task else ()
    return next(
        (slot.id for slot in slots if slot.id in state.values and named(state.tongue, slot, words)), None
    )


def _which(state: State, words: tuple[str, ...]) -> Reply | None:
    """Ask again for the slot that the caller named."""
    name = _named_slot(state, words)
    if name is None or state.task is None:
        return None
    slot = state.task.slot(name)
    state.clear((name, slot.nearest) if slot.nearest else (name,))
    return next_reply(state, state.tongue.lines.all_right)


def _dropped(state: State) -> Reply:
    state.finish()
    state.expecting = Expecting(Expect.MORE)
    state.prompt = state.dialogue.anything_else
    return say(state, state.dialogue.dropped, state.prompt)


# ── anything the caller may say ───────────────────────────────────────────────────────────────────────────


def _trigger(state: State, words: tuple[str, ...]) -> Task | None:
    """The task that the caller asks for."""
    best: tuple[float, int, Task] | None = None
    for task in state.dialogue.tasks:
        hit = state.tongue.grammar.spot_any(task.triggers, words, 0.78)
        if hit is not None and (best is None or hit > best[:2]):
            best = *hit, task
    return best[2] if best is not None else None


def _open(state: State, turn: CallerTurn, words: tuple[str, ...], act: Act | None) -> Reply:
    question = state.tongue.grammar.is_question(words, turn.text)
    answer = answer_to(state, words)
    wanted = _trigger(state, words)
    notes = _takes_notes(state)
    if answer is not None and (question or (answer.sure and not notes)) and wanted is None:
        state.misses = 0
        return hand_over(state, answer.text) if answer.hands_over else _back(state, answer.text)
    if act is Act.CANCEL and state.task is not None:
        return _dropped(state)
    if act is Act.HELP or (act is Act.GREETING and state.task is None):
        return _back(state, state.dialogue.help if act is Act.HELP else state.tongue.lines.hello)
    if state.task is None:
        begun = wanted or _implied(state, turn)
        if begun is not None:
            return _begin(state, begun, turn)
    filled = _agreed(state, wanted) or fill_slots(state, turn)
    if filled:
        state.misses = state.misses + 1 if filled.objection and not filled.names else 0
        return next_reply(state, *filled.acknowledged, filled.objection)
    if wanted is not None and wanted is not state.task and not notes:
        return _begin(state, wanted, turn)
    if answer is not None and not notes:
        return _back(state, answer.text)
    if act in (Act.BACKCHANNEL, Act.BACK, Act.THANKS, Act.GREETING) or wanted is not None:
        return say(
            state,
            state.tongue.lines.welcome if act is Act.THANKS else "",
            state.prompt or state.dialogue.what_for,
        )
    return _missed(state)


def _begin(state: State, task: Task, turn: CallerTurn) -> Reply:
    """Start a task with whatever of it was already said."""
    state.start(task)
    state.expecting = Expecting()
    begin = state.scope().say(task.begin)
    filled = fill_slots(state, turn)
    return next_reply(state, begin, *filled.acknowledged, filled.objection)


def _agreed(state: State, wanted: Task | None) -> Filled | None:
    """Whoever asks again for what is just being offered has said yes to it."""
    slot = state.expecting.slot
    if wanted is None or wanted is not state.task or slot is None or slot.kind != "yes_no":
        return None
    if len(wanted.slots) > 1:
        return None
    state.values[slot.id] = True
    return Filled(names=[slot.id])


def _takes_notes(state: State) -> bool:
    """Whether a free text was asked for: then the words are that text."""
    slot = state.expecting.slot
    return state.expecting.what is Expect.SLOT and slot is not None and slot.kind == "text"


def _implied(state: State, turn: CallerTurn) -> Task | None:
    """The task whose choice or time the words give, when no task was named: `a cleaning, please`."""
    for task in state.dialogue.tasks:
        probe = State(state.tongue, state.persona, state.dialogue, state.now, state.tools)
        probe.start(task)
        if any(task.slot(name).kind in ("choice", "datetime") for name in fill_slots(probe, turn).names):
            return task
    return None


def _back(state: State, text: str) -> Reply:
    """Say something, then bring the caller back to the open question."""
    if state.task is None and state.expecting.what is not Expect.MORE:
        state.expecting = Expecting(Expect.MORE) if state.said else Expecting()
        state.prompt = (
            state.dialogue.anything_else if state.expecting.what is Expect.MORE else state.dialogue.what_for
        )
    return say(state, text, "" if text.rstrip().endswith("?") else state.prompt)


def _missed(state: State) -> Reply:
    """Not understood: say so, name what is expected; after too often offer a person."""
    state.misses += 1
    dialogue, expecting = state.dialogue, state.expecting
    if state.misses >= dialogue.max_misses and "hand_over" in state.tools:
        state.expecting = Expecting(Expect.PERSON)
        state.prompt = dialogue.offer_person
        return say(state, state.prompt)
    sorry = dialogue.unclear[min(state.misses, len(dialogue.unclear)) - 1]
    if expecting.what is Expect.SLOT and expecting.slot is not None and state.task is not None:
        if expecting.slot.kind == "item" and state.offered.get(expecting.slot.id):
            return say(state, sorry, offer_again(state, expecting.slot))
        return say(
            state,
            sorry,
            state.tongue.lines.need.format(expecting.slot.expects),
            keypad_offer(state, expecting.slot),
        )
    if expecting.what in (Expect.CHECK, Expect.CONFIRM, Expect.PERSON):
        return say(state, sorry, state.tongue.lines.yes_or_no, state.prompt if state.misses < 2 else "")
    if expecting.what in (Expect.MORE, Expect.CHANGE):
        return say(state, sorry, state.prompt)
    return say(state, sorry, dialogue.help)
