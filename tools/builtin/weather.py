"""Weather, from a small fixed table: sample data to show a tool at work, not a forecast."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from tools.contract import Tool, ToolContext, ToolError

__all__ = ["Weather", "tool"]

_SAMPLE: dict[str, tuple[str, int]] = {
    "amsterdam": ("light rain", 11),
    "atlanta": ("sunny", 22),
    "berlin": ("overcast", 9),
    "boston": ("windy", 12),
    "chicago": ("partly cloudy", 13),
    "dallas": ("sunny", 26),
    "denver": ("clear", 15),
    "houston": ("humid", 27),
    "london": ("drizzle", 12),
    "los angeles": ("sunny", 24),
    "madrid": ("sunny", 21),
    "miami": ("thunderstorms", 29),
    "new york": ("partly cloudy", 16),
    "oslo": ("snow", 1),
    "paris": ("cloudy", 14),
    "philadelphia": ("cloudy", 15),
    "phoenix": ("sunny", 33),
    "portland": ("rain", 12),
    "rome": ("clear", 20),
    "san francisco": ("foggy", 16),
    "seattle": ("light rain", 12),
    "sydney": ("sunny", 23),
    "tokyo": ("clear", 18),
    "toronto": ("cloudy", 10),
    "washington": ("partly cloudy", 17),
}


class Weather(BaseModel):
    """Where."""

    city: str = Field(min_length=2, max_length=80, description="The city, e.g. Boston.")
    unit: Literal["fahrenheit", "celsius"] = Field("fahrenheit", description="The unit of the temperature.")


async def _run(ask: Weather, context: ToolContext) -> dict[str, Any]:
    city = ask.city.split(",")[0].strip().lower().removesuffix(" city")
    if city not in _SAMPLE:
        raise ToolError(
            f"There is no sample for that city. There are: {', '.join(sorted(_SAMPLE)).title()}."
        )
    conditions, celsius = _SAMPLE[city]
    degrees = celsius if ask.unit == "celsius" else round(celsius * 9 / 5 + 32)
    return {
        "summary": f"{city.title()}: {conditions}, {degrees} degrees {ask.unit.title()}. That is sample data, not a "
        "live forecast.",
        "city": city.title(),
        "conditions": conditions,
        "temperature": degrees,
        "unit": ask.unit,
        "source": "fixed sample data, not a live forecast",
    }


tool = Tool(
    name="weather",
    description="The weather in a city, from a fixed table of sample data: not a live forecast; say so.",
    parameters=Weather,
    run=_run,
    category="information",
)
