"""Keys: there or not, and plausible or not. Never what they are."""

from __future__ import annotations

from gateway.checks.finding import Finding, fault, ok, warning
from gateway.config import Settings
from gateway.stages import STAGES

__all__ = ["check_keys"]

SHORTEST_KEY = 16
SHORTEST_SIGNING_KEY = 32


def check_keys(settings: Settings) -> list[Finding]:
    """One finding for each kind of key that matters with these settings."""
    found = [_openai(settings), *_others(settings)]
    if settings.server_keys:
        short = sum(len(key.secret.get_secret_value()) < SHORTEST_KEY for key in settings.server_keys)
        if short:
            seen = f"{short} of {len(settings.server_keys)} shorter than {SHORTEST_KEY} characters"
            found.append(
                warning("server keys", seen, "use long random PARLEY_API_KEYS: openssl rand -hex 24")
            )
        else:
            found.append(ok("server keys", f"{len(settings.server_keys)} set"))
    if settings.signing_key is None:
        found.append(ok("signing key", "in the data folder; created at the first start"))
    elif len(settings.signing_key.get_secret_value()) < SHORTEST_SIGNING_KEY:
        seen = f"shorter than {SHORTEST_SIGNING_KEY} characters"
        mend = "tokens could be forged; use openssl rand -hex 32 for PARLEY_SIGNING_KEY"
        found.append(fault("signing key", seen, mend))
    else:
        found.append(ok("signing key", "set"))
    if not settings.loopback and settings.api_key_for_realtime is None:
        mend = "only pages of this server's own origin can start calls; for others set API_KEY_FOR_REALTIME"
        found.append(warning("minting key", "not set, on an address others can reach", mend))
    return found


def _openai(settings: Settings) -> Finding:
    if settings.openai_api_key is None:
        first = settings.provider_order[0]
        return ok("openai key", f"not set; calls go to {first}")
    key = settings.openai_api_key.get_secret_value()
    if not key.startswith("sk-") or len(key) < 20 or not key.isascii() or any(c.isspace() for c in key):
        return warning("openai key", "set, but does not look like one", "copy OPENAI_API_KEY again, whole")
    return ok("openai key", "set")


def _others(settings: Settings) -> list[Finding]:
    """The keys of the other providers in use. What they look like is theirs to know; what no key has is not."""
    keys = {
        "azure": ("AZURE_OPENAI_API_KEY", settings.azure_openai_api_key),
        "voicelive": ("AZURE_VOICELIVE_API_KEY", settings.azure_voicelive_api_key),
        "upstream": ("PARLEY_UPSTREAM_API_KEY", settings.upstream_api_key),
    }
    asked = [(f"{name} key", *key) for name, key in keys.items() if name in settings.provider_order]
    if "cascade" in settings.provider_order:
        stages = [stage for name in STAGES if (stage := settings.stage(name)) is not None]
        asked += [
            (f"cascade {stage.name} key", f"PARLEY_CASCADE_{stage.name.upper()}_KEY", stage.key)
            for stage in stages
        ]
    found = []
    for about, variable, secret in asked:
        key = "" if secret is None else secret.get_secret_value()
        if not key:
            found.append(ok(about, "not set; the server is reached without one"))
        elif not key.isascii() or any(c.isspace() for c in key):
            found.append(warning(about, "set, but no key looks like that", f"copy {variable} again, whole"))
        else:
            found.append(ok(about, "set"))
    return found
