"""What to send, for who tries the API on its own page: bodies and parameters that work on a new server, as far as
they can be known before anything is there. The contract's own examples name agents and tools of somebody else's."""

from __future__ import annotations

from typing import Any

__all__ = ["BODIES", "PARAMETERS", "with_examples"]

PERSONA = "dental_reception"
PARAMETERS: dict[str, str] = {
    "personaId": PERSONA,
    "scenarioId": "dental-appointment",
    "slug": "dental-appointment",
    "tone": "friendly",
    "toolId": "find_slots",
    "tenantId": "default-practice",
}
"""By name. What names a session, a profile or a run has to be made first."""
BODIES: dict[str, dict[str, Any]] = {
    "createSession": {"scenarioId": "dental-appointment", "requestedLocale": "en-US"},
    "createRealtimeCredentials": {"personaId": PERSONA},
    "createRealtimeRuntimeSession": {
        "personaId": PERSONA, "personaName": "Nora", "locale": "en-US", "transportMode": "BROWSER_REALTIME",
    },
    "recordRealtimeRuntimeUtterance": {"speaker": "caller", "text": "I would like to book a cleaning."},
    "patchSessionState": {"completedStep": "name"},
    "executeTool": {"toolName": "find_slots", "parameters": {"service": "cleaning"}},
    "createFastStartProfile": {
        "companyName": "Hollis Dental", "businessDescription": "A dental practice.", "primaryUseCase": "healthcare",
        "personaId": PERSONA, "greeting": "Hollis Dental, good day.",
    },
    "updateFastStartProfile": {"greeting": "Hollis Dental, how can I help you?"},
    "postTelephonyWebhook": {"callSid": "CA00000000000000000000000000000001", "status": "ringing"},
}  # fmt: skip
"""By operation."""


def with_examples(operation: dict[str, Any]) -> dict[str, Any]:
    """An operation of the contract with what works here in place of its own examples of what to send."""
    told = dict(operation)
    if "parameters" in told:
        told["parameters"] = [_parameter(one) for one in told["parameters"]]
    body = BODIES.get(told.get("operationId", ""))
    if body is not None:
        content = {
            kind: {**media, "example": body} for kind, media in told["requestBody"]["content"].items()
        }
        told["requestBody"] = {**told["requestBody"], "content": content}
    return told


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    example = PARAMETERS.get(parameter["name"])
    if example is None:
        return parameter
    # One that may be left out is, unless somebody fills it in: what they try is to answer as it does without.
    kept = {name: value for name, value in parameter.get("schema", {}).items() if name != "example"}
    return {**parameter, "schema": kept} | ({"example": example} if parameter.get("required") else {})
