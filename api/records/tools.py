"""The records as tools see them: `tools.contract.Records` for one tenant."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError

from api.records import accounts, banking, handoffs, handovers, insurance, scheduling
from api.records.once import Result
from api.records.scheduling import BUSINESS_ZONE
from gateway.stores.engine import Database
from tools.contract import ToolError

__all__ = ["SqlRecords"]

logger = logging.getLogger(__name__)


class SqlRecords:
    """See `tools.contract.Records`. A database that fails is a ToolError: the agent can say so."""

    def __init__(
        self,
        database: Database,
        tenant: str,
        *,
        zone: ZoneInfo = BUSINESS_ZONE,
        clock: Callable[[ZoneInfo], datetime] = datetime.now,
    ) -> None:
        self._database = database
        self._tenant = tenant
        self._zone = zone
        self._clock = clock

    async def find_slots(
        self, *, service: str, on: date | None, limit: int, calendar: str = "main"
    ) -> list[Result]:
        """Any slot of the calendar serves any service."""
        async with _told():
            return await scheduling.find_slots(
                self._database, self._tenant, calendar=calendar, on=on, after=self._now(), limit=limit
            )

    async def book_appointment(
        self,
        *,
        key: str,
        service: str,
        starts_at: datetime,
        name: str,
        phone: str,
        session_id: str,
        calendar: str = "main",
    ) -> Result:
        async with _told():
            return await scheduling.book(
                self._database,
                self._tenant,
                key=key,
                calendar=calendar,
                service=service,
                starts_at=self._local(starts_at),
                name=name,
                phone=phone,
                session_id=session_id,
                after=self._now(),
            )

    async def find_policy(self, *, number: str) -> Result:
        async with _told():
            return await insurance.find_policy(self._database, self._tenant, number=number)

    async def open_claim(
        self,
        *,
        key: str,
        policy_number: str,
        loss_type: str,
        occurred_on: date,
        injured: bool,
        description: str,
        session_id: str,
    ) -> Result:
        async with _told():
            return await insurance.open_claim(
                self._database,
                self._tenant,
                key=key,
                policy_number=policy_number,
                loss_type=loss_type,
                occurred_on=occurred_on,
                injured=injured,
                description=description,
                session_id=session_id,
            )

    async def find_card(self, *, last4: str) -> Result:
        async with _told():
            return await banking.find_card(self._database, self._tenant, last4=last4)

    async def open_dispute(
        self, *, key: str, last4: str, charge_id: str, reason: str, session_id: str
    ) -> Result:
        async with _told():
            return await banking.open_dispute(
                self._database,
                self._tenant,
                key=key,
                last4=last4,
                charge_id=charge_id,
                reason=reason,
                session_id=session_id,
            )

    async def find_account(self, *, kind: str, number: str, zip_code: str) -> Result:
        async with _told():
            return await accounts.find(
                self._database, self._tenant, kind=kind, number=number, zip_code=zip_code
            )

    async def file_request(
        self,
        *,
        key: str,
        kind: str,
        details: dict[str, Any],
        session_id: str,
        name: str = "",
        phone: str = "",
        subject: str | None = None,
    ) -> Result:
        async with _told():
            return await accounts.file_request(
                self._database,
                self._tenant,
                key=key,
                kind=kind,
                details=details,
                session_id=session_id,
                name=name,
                phone=phone,
                subject=subject,
            )

    async def request_handover(self, *, key: str, department: str, reason: str, session_id: str) -> Result:
        async with _told():
            return await handovers.request(
                self._database,
                self._tenant,
                key=key,
                department=department,
                reason=reason,
                session_id=session_id,
            )

    async def pass_on(
        self,
        *,
        key: str,
        from_agent: str,
        to_agent: str,
        summary: str,
        facts: Sequence[str],
        said: Sequence[str],
        session_id: str,
    ) -> Result:
        async with _told():
            return await handoffs.pass_on(
                self._database,
                self._tenant,
                key=key,
                session_id=session_id,
                from_agent=from_agent,
                to_agent=to_agent,
                summary=summary,
                facts=facts,
                said=said,
            )

    def _now(self) -> datetime:
        return self._clock(self._zone).replace(tzinfo=None)

    def _local(self, moment: datetime) -> datetime:
        """Wall-clock time at the business; a time without a zone is that already."""
        local = moment if moment.tzinfo is None else moment.astimezone(self._zone).replace(tzinfo=None)
        return local.replace(second=0, microsecond=0)


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        logger.warning("records: %s", type(error).__name__)
        raise ToolError(
            "The records cannot be reached at the moment. Apologise, and offer to try again."
        ) from None
