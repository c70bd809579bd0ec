"""Profiles of customers, as operators set them up (createFastStartProfile and its kin). An agent is told of one in
`GET /api/personas/{id}/runtime`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from api import auth, body
from api.composing import catalog_of
from api.deps import Deps
from api.errors import ApiError
from api.limits import Rate
from api.records import profiles
from api.surfaces.core.wire import iso
from gateway.stores.agents import OnboardingProfile

__all__ = ["routes"]

READ = Rate("profile-reads", per_minute=600, burst=600)
WRITE = Rate("profile-writes", per_minute=60, burst=60)

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Line = Annotated[str, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(
        defer_build=True, hide_input_in_errors=True, strict=True, str_strip_whitespace=True, frozen=True
    )


class _Question(_Part):
    question: Text
    answer: Text


class _Webhook(_Part):
    base_url: str = Field(alias="baseUrl", min_length=1, max_length=500)
    secret: str | None = Field(None, max_length=200)
    header_name: str | None = Field(None, alias="headerName", max_length=100)


class _Change(_Part):
    """What may be changed of one; each field may be left out."""

    company_name: Line | None = Field(None, alias="companyName")
    business_description: Text | None = Field(None, alias="businessDescription")
    use_case: Literal["insurance", "sales", "healthcare", "legal"] | None = Field(
        None, alias="primaryUseCase"
    )
    persona_id: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(None, alias="personaId")
    greeting: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    intake_fields: list[Line] | None = Field(None, alias="intakeFields", max_length=40)
    recipients: list[Line] | None = Field(None, alias="summaryRecipients", max_length=20)
    booking_link: Line | None = Field(None, alias="bookingLink")
    escalation_contact: Line | None = Field(None, alias="escalationContact")
    faqs: list[_Question] | None = Field(None, max_length=25)
    webhook: _Webhook | None = None
    reviewed_persona: bool | None = Field(None, alias="reviewedPersona")
    test_call_passed: bool | None = Field(None, alias="testCallPassed")
    notes: Text | None = None


class _New(_Change):
    company_name: Line = Field(alias="companyName")
    business_description: Text = Field(alias="businessDescription")
    use_case: Literal["insurance", "sales", "healthcare", "legal"] = Field(alias="primaryUseCase")
    persona_id: Annotated[str, Field(min_length=1, max_length=64)] = Field(alias="personaId")
    greeting: Annotated[str, Field(min_length=1, max_length=500)]


COLUMNS = {
    "companyName": "company_name", "businessDescription": "business_description", "personaId": "persona_id",
    "greeting": "greeting",
}  # fmt: skip
"""Fields of the contract that have a column; the others stand in `details`."""


def routes(deps: Deps) -> list[web.RouteDef]:
    async def create(request: web.Request) -> web.Response:
        tenant = await _may(request, deps, WRITE)
        given = _given(await body.parsed(request, _New), deps)
        row = await profiles.store(
            deps.database,
            tenant,
            profile_id=profiles.new_id(),
            details={name: value for name, value in given.items() if name not in COLUMNS},
            now=deps.clock(),
            **{COLUMNS[name]: value for name, value in given.items() if name in COLUMNS},
        )
        return web.json_response({"success": True, "item": _item(row)}, status=201)

    async def read_all(request: web.Request) -> web.Response:
        tenant = await _may(request, deps, READ)
        items = [_item(row) for row in await profiles.every(deps.database, tenant)]
        return web.json_response({"success": True, "items": items, "count": len(items)})

    async def read(request: web.Request) -> web.Response:
        tenant = await _may(request, deps, READ)
        row = await profiles.find(deps.database, tenant, request.match_info["id"])
        if row is None:
            raise _none()
        return web.json_response({"success": True, "item": _item(row)})

    async def change(request: web.Request) -> web.Response:
        tenant = await _may(request, deps, WRITE)
        given = _given(await body.parsed(request, _Change), deps)
        row = await profiles.change(
            deps.database,
            tenant,
            request.match_info["id"],
            columns={COLUMNS[name]: value for name, value in given.items() if name in COLUMNS},
            details={name: value for name, value in given.items() if name not in COLUMNS},
            now=deps.clock(),
        )
        if row is None:
            raise _none()
        return web.json_response({"success": True, "item": _item(row)})

    path = "/api/cp/onboarding/fast-start"
    return [
        web.post(path, create),
        web.get(path, read_all),
        web.get(f"{path}/{{id}}", read),
        web.patch(f"{path}/{{id}}", change),
    ]


async def _may(request: web.Request, deps: Deps, rate: Rate) -> str:
    """The operator's tenant. Raises ApiError 401, 429."""
    await auth.spend(request, deps.limiter, rate, deps.settings)  # guesses count too
    return auth.operator_tenant(request, deps.settings)


def _none() -> ApiError:
    return ApiError(404, "There is no onboarding profile of that id.")


def _given(ask: _Change, deps: Deps) -> dict[str, Any]:
    """What was sent, by the contract's names. Raises ApiError 400."""
    given = ask.model_dump(by_alias=True, exclude_none=True)
    if given.get("personaId", "") not in ("", *catalog_of(deps).personas):
        told = "There is no persona of that id; GET /api/personas lists them."
        raise ApiError(400, told, param="personaId")
    return given


def _item(row: OnboardingProfile) -> dict[str, Any]:
    details = dict(row.details)
    webhook = details.pop("webhook", None)
    told = {
        "id": row.id,
        "tenantId": row.tenant,
        "companyName": row.company_name,
        "businessDescription": row.business_description,
        "personaId": row.persona_id,
        "greeting": row.greeting,
        "intakeFields": [],
        "summaryRecipients": [],
        "faqs": [],
        "reviewedPersona": False,
        "testCallPassed": False,
        **details,
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
        # Nothing is sent to a destination yet, so none was tested.
        "destinationStatus": {},
    }
    if webhook is not None:
        # Its secret is never told again.
        told["webhook"] = {name: value for name, value in webhook.items() if name != "secret"}
    destined = bool(told["summaryRecipients"]) or webhook is not None
    told["checklist"] = {
        "profileConfigured": True,
        "destinationsConfigured": destined,
        "destinationsTested": False,
        "personaReviewed": told["reviewedPersona"],
        "testCallPassed": told["testCallPassed"],
        "readyForGoLive": False,
    }
    return told
