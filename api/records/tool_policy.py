"""Who may use which tool: rules for all tenants and overrides of one (`tools.runtime.policy.PolicyStore`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from gateway.stores.engine import EVERY_TENANT, Database
from gateway.stores.executions import ToolOverride, ToolRule
from tools.contract import Access
from tools.runtime.ledger import LedgerError
from tools.runtime.policy import Override, Policy, Rule

__all__ = ["SqlPolicies", "lay_down", "override"]


class SqlPolicies:
    """Read anew for every run: a block holds from the next one on, on every node."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def policy(self, tenant: str) -> Policy:
        try:
            async with self._database.reading(tenant) as db:
                return Policy(
                    {row.tool: _rule(row) for row in await db.scalars(select(ToolRule))},
                    {row.tool: _override(row) for row in await db.scalars(select(ToolOverride))},
                )
        except (SQLAlchemyError, OSError) as error:
            raise LedgerError(type(error).__name__) from error

    async def whole(self) -> tuple[Mapping[str, Rule], Mapping[str, Mapping[str, Override]]]:
        try:
            async with self._database.reading(EVERY_TENANT) as db:
                rules = {row.tool: _rule(row) for row in await db.scalars(select(ToolRule))}
                overrides: dict[str, dict[str, Override]] = {}
                for row in await db.scalars(select(ToolOverride)):
                    overrides.setdefault(row.tenant, {})[row.tool] = _override(row)
                return rules, overrides
        except (SQLAlchemyError, OSError) as error:
            raise LedgerError(type(error).__name__) from error


async def lay_down(
    database: Database, tool: str, changes: dict[str, object], *, by: str, now: float
) -> Rule:
    """Change an operator's rule: `access`, `hipaa`, `category`, `description`; None: as the tool says.
    Raises SQLAlchemyError."""
    async with database.writing(EVERY_TENANT) as db:
        row = await db.get(ToolRule, tool, with_for_update=True) or ToolRule(tool=tool)
        _change(row, changes, by, now)
        db.add(row)
        return _rule(row)


async def override(
    database: Database, tenant: str, tool: str, changes: dict[str, object], *, by: str, now: float
) -> Override:
    """Change what holds for one tenant: `enabled`, `approval`; None: as the rule and the tool say.
    Raises SQLAlchemyError."""
    async with database.writing(tenant) as db:
        row = await db.get(ToolOverride, (tenant, tool), with_for_update=True)
        row = row or ToolOverride(tenant=tenant, tool=tool)
        _change(row, changes, by, now)
        db.add(row)
        return _override(row)


def _change(row: ToolRule | ToolOverride, changes: dict[str, object], by: str, now: float) -> None:
    for name, value in changes.items():
        setattr(row, name, value)
    row.updated_at, row.updated_by = now, by


def _rule(row: ToolRule) -> Rule:
    return Rule(
        cast("Access | None", row.access),
        row.hipaa,
        row.category,
        row.description,
        row.updated_at,
        row.updated_by,
    )


def _override(row: ToolOverride) -> Override:
    return Override(row.enabled, row.approval, row.updated_at, row.updated_by)
