"""An HTTP tool at work: its request made of what the model gave, its answer told to the model."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import jmespath
from jmespath.exceptions import JMESPathError
from yarl import URL

from tools.contract import Tool, ToolContext, ToolError, ToolUnavailable
from tools.http.model import HttpTool, Request
from tools.http.proof import proof_headers, spellings
from tools.http.template import MISSING, filled_json, filled_path, filled_text
from tools.outbound.guard import Refused
from tools.outbound.sender import Answer, BrokenOff, Outgoing, Sender, TooLarge, Unreachable
from tools.outbound.signing import signature_headers
from tools.parameters import JsonSchemaParameters
from tools.secrets import SecretError, Secrets, scrubbed

__all__ = ["Unsure", "http_tool", "outgoing", "probe"]

logger = logging.getLogger(__name__)

NOT_DONE = frozenset({408, 425, 429, 503})
"""Statuses by which a service says that it did not do it now; trying again may help."""
MAYBE_DONE = frozenset({500, 502, 504})
LARGE = 32 * 1024
"""Bytes of an answer from which on it is read in a thread: a megabyte takes up to a second, and calls do not wait."""
OWN_WORDS = 300
"""Characters of the service's own words that are passed on."""


class Unsure(Exception):
    """A write went out, and nobody knows what became of it."""


def http_tool(about: HttpTool, sender: Sender, secrets: Secrets) -> Tool:
    """The tool that the file describes. Raises ValueError."""

    async def run(given: dict[str, Any], context: ToolContext) -> dict[str, Any]:
        return await _run(about, sender, secrets, given, context)

    return Tool(
        name=about.name,
        description=about.description,
        parameters=JsonSchemaParameters(about.json_schema()),
        run=run,
        timeout_s=about.timeout_s,
        category=about.category,
        effect="write" if about.writes else "read",
        idempotent=about.idempotent,
        retries=about.retries,
        max_concurrent=about.max_concurrent,
        approval=about.approval,
        hipaa=about.hipaa,
        access=about.access,
    )


async def probe(about: HttpTool, sender: Sender, secrets: Secrets) -> str:
    """Ask the tool's `health`: why it is not well, or nothing."""
    asked = about.health
    assert asked is not None
    try:
        known = await secrets.read_all([asked.auth.secret] if asked.auth is not None else [])
        answer = await sender.send(
            outgoing(asked, {}, known, timeout_s=5.0, max_bytes=about.reply.max_bytes)
        )
    except (SecretError, Refused, Unreachable, BrokenOff, TooLarge) as fault:
        return str(fault)
    return "" if answer.status < 400 else f"its service answers {answer.status}"


async def _run(
    about: HttpTool, sender: Sender, secrets: Secrets, given: Mapping[str, Any], context: ToolContext
) -> dict[str, Any]:
    values = {
        name: schema["default"] for name, schema in about.parameters.items() if "default" in schema
    } | dict(given)
    values |= {f"context.{name}": getattr(context, name) for name in _STRINGS}
    values["context.now"] = context.now.isoformat()
    try:
        auth = about.request.auth
        known = await secrets.read_all([auth.secret] if auth is not None else [])
        hidden = [way for value in known.values() for way in spellings(auth, value)]
        asked = outgoing(
            about.request, values, known, timeout_s=about.timeout_s, max_bytes=about.reply.max_bytes
        )
        key = {about.idempotency_header: context.idempotency_key} if about.writes else {}
        answer = await sender.send(replace(asked, headers={**asked.headers, **key}))
    except (SecretError, Refused) as fault:
        # The operator's to mend: the model could do nothing with it.
        logger.error("tool %s cannot ask its service: %s", about.name, fault)
        raise ToolError("The service is not set up. Say that this cannot be done at the moment.") from None
    except Unreachable:
        raise ToolUnavailable(
            "The service cannot be reached at the moment. Say so, and offer to try again."
        ) from None
    except BrokenOff as fault:
        if about.writes:
            raise Unsure(str(fault)) from None
        raise ToolUnavailable("The service did not answer. Say so, and offer to try again.") from None
    except TooLarge:
        raise ToolError("The service answered too much. Ask for something narrower.") from None
    if len(answer.body) < LARGE:
        return _understood(about, answer, hidden, values)
    return await asyncio.to_thread(_understood, about, answer, hidden, values)


def _understood(
    about: HttpTool, answer: Answer, hidden: Collection[str], values: Mapping[str, Any]
) -> dict[str, Any]:
    """Raises ToolError, ToolUnavailable, Unsure."""
    if answer.status >= 300:
        raise _refusal(about, answer, hidden, values)
    return _taken(about, answer, hidden)


_STRINGS = ("call_id", "session_id", "tenant", "persona_id", "idempotency_key")


def outgoing(
    request: Request,
    values: Mapping[str, Any],
    secrets: Mapping[str, str],
    *,
    timeout_s: float,
    max_bytes: int,
) -> Outgoing:
    """The request with its values and secrets. Raises ToolError for a value that cannot stand where it should."""
    head, slash, path = _halves(request.url)
    query = [
        (name, _word(each))
        for name, template in request.query.items()
        for each in _listed(filled_json(template, values))
        if each is not MISSING and each is not None
    ]
    headers = _there({name: filled_text(text, values) for name, text in request.headers.items()})
    body: bytes | None = None
    if request.form is not None:
        form = _there({name: filled_json(text, values) for name, text in request.form.items()})
        body = urlencode({name: _word(value) for name, value in form.items()}).encode()
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    elif request.body is not None:
        made = filled_json(request.body, values)
        body = json.dumps(None if made is MISSING else made, ensure_ascii=False).encode()
        headers.setdefault("Content-Type", "application/json")
    if request.auth is not None:
        value = secrets[request.auth.secret]
        headers |= proof_headers(request.auth, value)
        if request.auth.query is not None:
            query.append((request.auth.query.name, value))
        if request.auth.sign is not None:
            name = request.auth.sign.secret
            key = str(values.get("context.idempotency_key", ""))
            headers |= signature_headers(
                body or b"", key=key, now=time.time(), name=name, secret=secrets[name]
            )
    text = head + slash + filled_path(path, values) + (f"?{urlencode(query)}" if query else "")
    return Outgoing(request.method, URL(text, encoded=True), headers, body, timeout_s, max_bytes)


def _halves(url: str) -> tuple[str, str, str]:
    """`https://host`, `/`, the rest: only the rest holds fields."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", slash, path


def _word(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _there(made: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if value is not MISSING}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _taken(about: HttpTool, answer: Answer, hidden: Collection[str]) -> dict[str, Any]:
    text = answer.body.decode("utf-8", "replace")
    if about.reply.format == "text":
        return {"result": scrubbed(text, hidden)}
    if not text.strip():
        return {"done": True}
    try:
        content = scrubbed(json.loads(text), hidden)
    except (ValueError, RecursionError):
        raise ToolError(
            "The service answered with something that cannot be read. Say that it did not work."
        ) from None
    take = about.reply.take
    try:
        if take is None:
            taken = content
        elif isinstance(take, str):
            taken = jmespath.search(take, content)
        else:
            return {name: jmespath.search(path, content) for name, path in take.items()}
    except JMESPathError as fault:
        logger.warning(
            "tool %s: its answer has another shape than `take` expects (%s)",
            about.name,
            type(fault).__name__,
        )
        raise ToolError(
            "The service answered in a way that is not understood. Say that it did not work."
        ) from None
    return taken if isinstance(taken, dict) else {"result": taken}


def _refusal(
    about: HttpTool, answer: Answer, hidden: Collection[str], values: Mapping[str, Any]
) -> Exception:
    """What a status other than success means for the model."""
    status = answer.status
    told = about.reply.errors.get(str(status)) or about.reply.errors.get(f"{status // 100}xx")
    logger.info("tool %s: status %d", about.name, status)
    if told is not None:
        text = filled_json(told, {name: value for name, value in values.items() if value is not None})
        return ToolError(told if text is MISSING else str(text))
    if status in NOT_DONE:
        return ToolUnavailable("The service is too busy at the moment. Say so, and offer to try again.")
    if status >= 500:
        if about.writes and status in MAYBE_DONE:
            return Unsure(f"status {status}")
        return ToolUnavailable("The service failed. Say so, and offer to try again.")
    if status in (401, 403):
        logger.error(
            "tool %s: its service refuses us (%d); look at its `auth` and the secret", about.name, status
        )
        return ToolError("The service does not let us in. Say that this cannot be done at the moment.")
    if status < 400:
        logger.error(
            "tool %s: its service has moved (%d); write the new URL into its file", about.name, status
        )
        return ToolError("The service has moved. Say that this cannot be done at the moment.")
    if status == 404:
        return ToolError("The service found nothing for this. Check the values with the caller.")
    words = _own_words(about, answer, hidden)
    return ToolError(
        f"The service did not accept it{f': {words}' if words else ''}. Check the values with the caller."
    )


def _own_words(about: HttpTool, answer: Answer, hidden: Collection[str]) -> str:
    if about.reply.explain is None:
        return ""
    try:
        found = jmespath.search(about.reply.explain, json.loads(answer.body))
    except (ValueError, RecursionError, JMESPathError):
        return ""
    text = str(scrubbed(" ".join(str(found).split()), hidden)) if found else ""
    return text[:OWN_WORDS].rstrip(".")
