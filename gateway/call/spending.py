"""What a call uses, what that costs, and whether it may cost more. Pure.

Usage is told at the end of a response, whatever became of it, and with a transcription; each is counted for the model
that answers then. What no price is known for is counted in tokens, costs an unknown sum, and nothing in the budget.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gateway.call.effects import Charge, Effect, Note, Remark
from gateway.ports import UsageEntry
from gateway.pricing.tariff import Account, Tariff, cost
from gateway.pricing.usage import NOTHING, Usage, read_usage
from gateway.realtime.response import is_bridging

__all__ = ["BUDGET_EXCEEDED", "NEARLY", "OVER_BUDGET_TOLD", "Spending"]

NEARLY = 0.8
"""The part of the budget from which on it is said that it runs out."""

BUDGET_EXCEEDED = "budget_exceeded"
"""The code of the error that a client gets."""

OVER_BUDGET_TOLD = "This call has cost as much as it may; no response is begun any more."

MOST_MODELS = 16
"""Models of one call that are told apart; the usage of further ones is counted for the last."""

_MODEL_CHARS = 200


class Spending:
    def __init__(self, call_id: str, tariff: Tariff, budget_usd: float | None = None) -> None:
        self._call_id = call_id
        self._tariff = tariff
        self._budget = budget_usd
        self._answers: Account = ("", "")
        self._used: dict[Account, Usage] = {}
        self._known: dict[Account, float] = {}
        """What each cost, as far as there are prices."""
        self._untold: set[Account] = set()
        """Who has answered without telling the usage."""
        self._unpriced: set[Account] = set()
        self._revision = 0
        self._warned = False
        self.over = False
        """The budget is spent."""

    @property
    def usd(self) -> float:
        """What the call has cost, as far as there are prices."""
        return sum(self._known.values())

    def answering(self, provider: str, model: str) -> None:
        """This model answers from now on."""
        self._answers = provider, model[:_MODEL_CHARS]

    def response(self, response: dict[str, Any]) -> list[Effect]:
        """A response is over."""
        usage = read_usage(response.get("usage"))
        if usage is not None:
            return self._add(self._answers, usage)
        # What broke off tells nothing, and a bridging phrase is our own.
        if response.get("status") in ("completed", "incomplete") and not is_bridging(response):
            self._untold.add(self._answers)
            return self._add(self._answers, NOTHING)
        return []

    def transcription(self, told: object, named: str) -> list[Effect]:
        """The caller was transcribed. `told`: its `usage`; `named`: the model that the session names for it."""
        usage = read_usage(told)
        if usage is None or usage == NOTHING:
            return []
        provider, model = self._tariff.ears_of(self._answers[0], named)
        return self._add((provider, model[:_MODEL_CHARS]), usage)

    def _add(self, account: Account, usage: Usage) -> list[Effect]:
        if account not in self._used and len(self._used) >= MOST_MODELS:
            account = next(reversed(self._used))
        total = self._used[account] = self._used.get(account, NOTHING) + usage
        rates = self._tariff.of(account)
        known = cost(rates, total)
        self._known[account] = known or 0.0
        told = account not in self._untold or (rates is not None and rates.free)
        usd = known if told else None
        self._revision += 1
        effects: list[Effect] = [
            Note("input_tokens", usage.tokens.input),
            Note("output_tokens", usage.tokens.output),
            Charge(
                UsageEntry(
                    self._call_id, *account, self._revision, **asdict(total.tokens), seconds=total.seconds,
                    usd=usd, price_date=rates.date if rates is not None and usd is not None else None,
                )
            ),
        ]  # fmt: skip
        if usd is None and account not in self._unpriced:
            self._unpriced.add(account)
            effects.append(Remark({"type": "CostUnknown", "provider": account[0], "model": account[1]}))
        return effects + self._mind_the_budget()

    def _mind_the_budget(self) -> list[Effect]:
        if self._budget is None or self.over:
            return []
        told = {"usd": round(self.usd, 6), "budget_usd": self._budget}
        if self.usd >= self._budget:
            self.over = True
            return [Note("budgets_spent"), Remark({"type": "BudgetSpent", **told})]
        if self.usd >= NEARLY * self._budget and not self._warned:
            self._warned = True
            return [Note("budgets_nearly_spent"), Remark({"type": "BudgetNearlySpent", **told})]
        return []
