"""What an Asterisk is configured with. That a real one understands it is seen by `make e2e-sip`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from gateway.carriers.asterisk_websocket import FORMATS
from gateway.errors import ConfigError
from gateway.pbx.asterisk import configuration
from gateway.pbx.plan import CODECS, Plan, ports

pytestmark = pytest.mark.unit

PLAN = Plan("wss://voice.example.test", "the-secret", password="the-password")


def sections(text: str) -> list[tuple[str, dict[str, str]]]:
    """The sections of a file of Asterisk's, without comments; of a dialplan the lines by their number."""
    found: list[tuple[str, dict[str, str]]] = []
    for line in text.splitlines():
        line = line.partition(";")[0].strip()
        if line.startswith("["):
            found.append((line.strip("[]"), {}))
        elif line:
            name, _, value = line.partition("=")
            values = found[-1][1]
            values[name.strip() if value[:1] != ">" else str(len(values))] = value.lstrip("> ").strip()
    return found


def test_one_codec_from_end_to_end() -> None:
    assert set(CODECS) <= set(FORMATS)
    for codec in CODECS:
        files = configuration(replace(PLAN, codec=codec))
        endpoint = dict(sections(files["pjsip.conf"])[1][1])
        assert (endpoint["type"], endpoint["disallow"], endpoint["allow"]) == ("endpoint", "all", codec)
        assert f"/c({codec})f(json)v(" in files["extensions.conf"]


def test_a_telephone_registers_with_its_password() -> None:
    told = sections(configuration(replace(PLAN, endpoint="desk-7"))["pjsip.conf"])
    assert [(name, values["type"]) for name, values in told] == [
        ("parley-udp", "transport"),
        ("desk-7", "endpoint"),
        ("desk-7", "auth"),
        ("desk-7", "aor"),
    ]
    endpoint, auth = told[1][1], told[2][1]
    assert (endpoint["auth"], endpoint["aors"], endpoint["context"]) == ("desk-7", "desk-7", "parley")
    assert (auth["username"], auth["password"]) == ("desk-7", "the-password")


def test_a_trunk_is_known_by_its_address() -> None:
    plan = replace(PLAN, endpoint="provider", trunk="sip.provider.example:5080", password="")
    told = sections(configuration(plan)["pjsip.conf"])
    assert [(name, values["type"]) for name, values in told[1:]] == [
        ("provider", "endpoint"),
        ("provider", "identify"),
        ("provider", "aor"),
    ]
    assert "auth" not in told[1][1]
    assert told[2][1] == {"type": "identify", "endpoint": "provider", "match": "sip.provider.example"}
    assert told[3][1]["contact"] == "sip:sip.provider.example:5080"


def test_the_socket_and_its_proof() -> None:
    [(name, client)] = sections(configuration(PLAN)["websocket_client.conf"])
    assert name == "parley"
    assert client["uri"] == "wss://voice.example.test/telephony/asterisk_websocket/stream"
    assert (client["protocols"], client["connection_type"]) == ("media", "per_call_config")
    assert (client["username"], client["password"], client["tls_enabled"]) == (
        "parley",
        "the-secret",
        "yes",
    )
    assert client["reconnect_attempts"] == "1"
    plain = configuration(replace(PLAN, server="ws://10.0.0.7:8080/behind/"))["websocket_client.conf"]
    [(_, client)] = sections(plain)
    assert client["uri"] == "ws://10.0.0.7:8080/behind/telephony/asterisk_websocket/stream"
    assert client["tls_enabled"] == "no"


def test_every_number_is_dialled_with_the_facts_and_refused_politely() -> None:
    plan = replace(PLAN, extensions=("100", "_[+0-9]!"), persona="dental_reception")
    [(context, lines)] = sections(configuration(plan)["extensions.conf"])
    assert context == "parley"
    steps = list(lines.values())
    assert [one.partition(",")[0] for one in steps] == ["100", "n", "n", "_[+0-9]!", "n", "n"]
    for dial, busy, over in (steps[:3], steps[3:]):
        target = re.fullmatch(r".+,1,Dial\((WebSocket/parley/c\(ulaw\)f\(json\)v\((.+)\))\)", dial)
        assert target is not None
        facts = dict(parse_qsl(target[2].replace(",", "&")))
        assert facts == {
            "call": "${UNIQUEID}",
            "caller": "${URIENCODE(${CALLERID(num)})}",
            "called": "${URIENCODE(${EXTEN})}",
            "persona": "dental_reception",
        }
        # Q.850 cause 17 is SIP's 486. Answering first would make that impossible.
        assert busy == 'n,ExecIf($["${DIALSTATUS}" != "ANSWER"]?Hangup(17))'
        assert over == "n,Hangup()"
    assert not any("Answer()" in step for step in steps)


def test_the_other_files() -> None:
    files = configuration(replace(PLAN, rtp=(40_000, 40_100), bind="127.0.0.1:5062"))
    assert set(files) == {
        "pjsip.conf",
        "extensions.conf",
        "websocket_client.conf",
        "chan_websocket.conf",
        "rtp.conf",
    }
    assert sections(files["chan_websocket.conf"]) == [("global", {"control_message_format": "json"})]
    assert sections(files["rtp.conf"]) == [("general", {"rtpstart": "40000", "rtpend": "40100"})]
    assert sections(files["pjsip.conf"])[0][1]["bind"] == "127.0.0.1:5062"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"server": "https://voice.example.test"}, "--server must be ws://host:port"),
        ({"server": "ws://user:pw@host"}, "--server"),
        ({"server": "ws://[::1]:8080"}, "--server"),
        ({"server": "ws://host:99999"}, "--server"),
        ({"server": "ws://host/a?b=c"}, "--server"),
        ({"server": "ws://ho\nst"}, "--server"),
        ({"secret": "a;b"}, "the secret must be"),
        ({"secret": "a\nb"}, "the secret must be"),
        ({"secret": ""}, "the secret must be"),
        ({"password": "pass word"}, "the telephone's password"),
        ({"password": ""}, "the telephone's password"),
        ({"endpoint": "general"}, "--endpoint"),
        ({"endpoint": "a]\n[b"}, "--endpoint"),
        ({"endpoint": "parley-udp"}, "--endpoint"),
        ({"trunk": "sip.example;x"}, "--trunk must be host or host:port"),
        ({"trunk": "sip.example:0"}, "--trunk"),
        ({"extensions": ("100,1,System(x)",)}, "--extension must be a number"),
        ({"extensions": ("_[0-9",)}, "--extension"),
        ({"extensions": ()}, "--extension: at least one"),
        ({"persona": "a,b=c"}, "--persona"),
        ({"codec": "opus"}, "--codec must be ulaw or alaw"),
        ({"bind": "localhost:5060"}, "--bind must be address:port"),
        ({"bind": "0.0.0.0"}, "--bind"),
        ({"bind": "0.0.0.0:70000"}, "--bind"),
        ({"rtp": (10_000, 10_002)}, "--rtp must be"),
        ({"rtp": (20_000, 10_000)}, "--rtp"),
        ({"rtp": (100, 70_000)}, "--rtp"),
    ],
)
def test_what_cannot_be_meant(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError) as told:
        configuration(replace(PLAN, **change))
    [only] = told.value.faults
    assert fault in only
    assert "a\nb" not in only


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as told:
        configuration(replace(PLAN, server="", codec="gsm", bind=""))
    assert len(told.value.faults) == 3


def test_ports_are_read() -> None:
    assert ports("10000-20000") == (10_000, 20_000)
    for wrong in ("10000", "10000-", "-", "a-b", "1-999999", "10000-20000-30000"):
        with pytest.raises(ConfigError, match="--rtp"):
            ports(wrong)
