"""The files of an Asterisk 22 that connects calls to Parley over chan_websocket (reference/telephony.md, section 10.3).

Written for somebody who knows Asterisk: whoever has files of these names already takes the sections out of them.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.pbx.plan import USER, Plan

__all__ = ["CONNECTION", "CONTEXT", "STREAM", "configuration"]

CONNECTION = "parley"
"""The section of websocket_client.conf, which the dial string names."""
CONTEXT = "parley"
"""The context of the dialplan that reaches us."""
STREAM = "/telephony/asterisk_websocket/stream"
"""Where the media socket is."""


def configuration(plan: Plan) -> dict[str, str]:
    """The files by name. Raises ConfigError."""
    plan.check()
    return {name: write(plan) for name, write in FILES.items()}


def _pjsip(plan: Plan) -> str:
    return f"""\
; pjsip.conf: who calls. Written by `parley phone asterisk`.
; Where there is a transport already, keep that one, and take the sections behind it.

[parley-udp]
type = transport
protocol = udp
bind = {plan.bind}
; Behind NAT, say what is seen from outside, and what is inside:
;external_signaling_address = 203.0.113.1
;external_media_address = 203.0.113.1
;local_net = 192.168.0.0/16

[{plan.endpoint}]
type = endpoint
transport = parley-udp
context = {CONTEXT}
; One codec on both sides of Asterisk: nothing is transcoded between the caller and Parley.
disallow = all
allow = {plan.codec}
; The sound goes through Asterisk, since Parley has no RTP address.
direct_media = no
; Keys come as RTP events (RFC 4733). A side that offers none is listened to.
dtmf_mode = auto
; Answer to where requests and sound really come from: callers are behind NAT more often than not.
rtp_symmetric = yes
force_rport = yes
rewrite_contact = yes
; While nobody speaks nothing is sent; one packet every few seconds keeps the way through NAT open.
rtp_keepalive = 5
; The other side is gone when it has sent nothing for so many seconds.
rtp_timeout = 60
{_trunk(plan) if plan.trunk else _telephone(plan)}"""


def _telephone(plan: Plan) -> str:
    name = plan.endpoint
    return f"""\
auth = {name}
aors = {name}

[{name}]
type = auth
auth_type = digest
username = {name}
password = {plan.password}

[{name}]
type = aor
max_contacts = 1
remove_existing = yes
"""


def _trunk(plan: Plan) -> str:
    name = plan.endpoint
    host = plan.trunk.partition(":")[0]
    return f"""\
aors = {name}

; Calls are the trunk's when they come from its address. Name every address that it calls from, one `match` each.
[{name}]
type = identify
endpoint = {name}
match = {host}

[{name}]
type = aor
contact = sip:{plan.trunk}
qualify_frequency = 60

; A trunk that wants to be registered with, instead of knowing our address:
;[{name}]
;type = auth
;auth_type = digest
;username = …
;password = …
;
;[{name}]
;type = registration
;transport = parley-udp
;outbound_auth = {name}
;server_uri = sip:{plan.trunk}
;client_uri = sip:…@{host}
"""


def _extensions(plan: Plan) -> str:
    facts = [
        "call=${UNIQUEID}",
        "caller=${URIENCODE(${CALLERID(num)})}",
        "called=${URIENCODE(${EXTEN})}",
        *([f"persona={plan.persona}"] if plan.persona else []),
    ]
    dial = f"WebSocket/{CONNECTION}/c({plan.codec})f(json)v({','.join(facts)})"
    blocks = "".join(
        f"""
exten => {one},1,Dial({dial})
 same => n,ExecIf($["${{DIALSTATUS}}" != "ANSWER"]?Hangup(17))
 same => n,Hangup()
"""
        for one in plan.extensions
    )
    return f"""\
; extensions.conf: what is dialled to reach Parley. Written by `parley phone asterisk`.
; From a dialplan of your own:  same => n,Goto({CONTEXT},${{EXTEN}},1)
;
; The dial string: c is the codec of the media socket; f how it is controlled (22.8 or newer; older ones use words,
; which Parley understands as well); v are facts that go along in its URL, encoded, since commas part them.
;
; Parley answers the call as soon as it is connected. When it is not, nobody has answered yet, and the caller may get
; the busy signal (486): all lines are in use, or Parley is not there. ANSWER is a call that Parley has ended.
;
; Callers whose packets come late are heard better through a jitter buffer, at the price of 40 ms or more. Before Dial:
;  same => n,Set(JITTERBUFFER(adaptive)=default)

[{CONTEXT}]{blocks}"""


def _websocket_client(plan: Plan) -> str:
    server = plan.server.rstrip("/")
    tls = server.startswith("wss:")
    authority = """\
; The server's certificate is checked. One that no well-known authority has signed:
;ca_list_file = /etc/asterisk/keys/parley-ca.pem
"""
    return f"""\
; websocket_client.conf: where Parley is. Written by `parley phone asterisk`.
; It holds a secret: readable for Asterisk alone.

[{CONNECTION}]
type = websocket_client
; One connection a call; it is the call's sound and control, and its end is the end of the call.
connection_type = per_call_config
uri = {server}{STREAM}
protocols = media
; The password is Parley's PARLEY_ASTERISK_SECRET.
username = {USER}
password = {plan.secret}
tls_enabled = {"yes" if tls else "no"}
{authority if tls else ""}\
; Milliseconds. The caller hears it ring meanwhile, so one attempt: who is refused may know it at once.
connection_timeout = 2000
reconnect_attempts = 1
"""


def _chan_websocket(plan: Plan) -> str:
    return """\
; chan_websocket.conf: Written by `parley phone asterisk`. The dial string says the same; this is for the dialplans of
; others. http.conf is not needed: Asterisk is the client here, and no port of its own is open for media sockets.

[global]
control_message_format = json
"""


def _rtp(plan: Plan) -> str:
    first, last = plan.rtp
    return f"""\
; rtp.conf: UDP ports of the sound, two a call; the firewall has to let them in. Written by `parley phone asterisk`.

[general]
rtpstart = {first}
rtpend = {last}
"""


FILES: dict[str, Callable[[Plan], str]] = {
    "pjsip.conf": _pjsip,
    "extensions.conf": _extensions,
    "websocket_client.conf": _websocket_client,
    "chan_websocket.conf": _chan_websocket,
    "rtp.conf": _rtp,
}
