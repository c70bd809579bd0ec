"""The telephone: which carriers are set up, and whether what they need is there. Never what the secrets are."""

from __future__ import annotations

from urllib.parse import urlsplit

from gateway.checks.finding import Finding, Level, fault, ok, warning
from gateway.checks.sheet import Sheet, names, sheet
from gateway.config import ENVIRONMENT, Settings

__all__ = ["LOOPBACK", "about_address", "about_settings", "check_telephone"]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
FIELDS = {variable: field for field, variable in ENVIRONMENT.items()}
ELSEWHERE = frozenset({"OPENAI_API_KEY", "PARLEY_ASTERISK_SECRET"})
"""Settings that are there for something else too: alone they say nothing of a carrier."""


def check_telephone(settings: Settings) -> list[Finding]:
    """One finding where no carrier is set up; else one for each that is, or that was begun, and one for the address."""
    found: list[Finding] = []
    signed = False
    for name in names():
        page = sheet(name)
        missing = [one for one in page.needs if not _is_set(settings, one)]
        if not missing:
            out = [one for one in page.out if not _is_set(settings, one)]
            found.append(_set_up(name, page, out))
            signed = signed or not page.own
        elif any(_is_set(settings, one) for one in page.needs if one not in ELSEWHERE):
            mend = f"set {' and '.join(missing)}: `parley phone setup {name}` tells where they are"
            found.append(warning("telephone", f"{page.name} is set up by half, and is answered 404", mend))
    if settings.telephony_open:
        mend = "good for trying out; unset it where anybody but you may run programs"
        found.append(
            warning("telephone", "PARLEY_TELEPHONY_OPEN: any program on this machine may call", mend)
        )
    if signed and (address := about_address(settings)).level is not Level.OK:
        found.append(warning("telephone", f"{address.about} {address.seen}", address.mend))
    return found or [ok("telephone", "no carrier is set up; `parley phone setup` lists them")]


def _set_up(name: str, page: Sheet, out: list[str]) -> Finding:
    if page.out and not out:
        return ok("telephone", f"{page.name} is set up, for calls out too")
    if 0 < len(out) < len(page.out):
        mend = f"calls out need {' and '.join(out)}: `parley phone setup {name}` tells where they are"
        return warning("telephone", f"{page.name} is set up, for calls out by half", mend)
    return ok("telephone", f"{page.name} is set up")


def about_settings(sheet: Sheet, settings: Settings) -> list[Finding]:
    """Which of the carrier's settings are there. Holds no value."""
    found = []
    for variable in sheet.needs:
        if _is_set(settings, variable):
            found.append(ok(variable, "is set"))
        else:
            found.append(fault(variable, "is not set", f"set it: {_meaning(variable)}"))
    for variable in (*sheet.some, *sheet.out):
        if _is_set(settings, variable):
            found.append(ok(variable, "is set"))
        else:
            what = "calls out need it" if variable in sheet.out else "not every set-up needs it"
            found.append(warning(variable, f"is not set ({what})", _meaning(variable)))
    return found


def about_address(settings: Settings, *, own: bool = False) -> Finding:
    """What PARLEY_PUBLIC_URL says; `own`: a switch of our own, which reaches us without it."""
    url = settings.public_url
    if own and url is None:
        mend = "give your switch the address at which it reaches this server, where that is another one"
        return warning("PARLEY_PUBLIC_URL", "is not set (not every set-up needs it)", mend)
    if own:
        return ok("PARLEY_PUBLIC_URL", f"{url}")
    if url is None:
        return fault(
            "PARLEY_PUBLIC_URL",
            "is not set",
            "set it to the https address under which the carrier reaches this server: carriers sign it",
        )
    parts = urlsplit(url)
    if parts.hostname in LOOPBACK:
        return fault("PARLEY_PUBLIC_URL", f"{url} is this machine itself", "no carrier reaches it")
    if parts.scheme != "https":
        return fault(
            "PARLEY_PUBLIC_URL", f"{url} is not https", "carriers open media sockets over TLS only"
        )
    return ok("PARLEY_PUBLIC_URL", url)


def _is_set(settings: Settings, variable: str) -> bool:
    return bool(getattr(settings, FIELDS[variable]))


def _meaning(variable: str) -> str:
    described = Settings.model_fields[FIELDS[variable]].description
    return (described or "").rstrip(".")
