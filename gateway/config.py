"""Settings: read once, checked once, every fault told at once. The only reader of the environment."""

from __future__ import annotations

import ipaddress
import os
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from gateway.errors import ConfigError
from gateway.stages import STAGES, Stage, StageName, with_defaults

__all__ = ["ENVIRONMENT", "ServerKey", "Settings", "from_env"]

NUMBER = r"^\+[1-9]\d{6,14}$"
"""E.164."""
API_VERSION = r"^\d{4}-\d{2}-\d{2}(-preview)?$"

NEEDS: dict[str, tuple[str, ...]] = {
    "openai": ("openai_api_key",),
    "azure": ("azure_openai_endpoint", "azure_openai_api_key", "azure_openai_deployment"),
    "voicelive": ("azure_voicelive_endpoint", "azure_voicelive_api_key"),
    "upstream": ("upstream_url",),
    "cascade": ("cascade_chat_url", "cascade_chat_model"),
    "embedded": (),
}
"""The providers, in the order in which they are tried by default, each with the settings that it cannot do without.
With the first of those set it counts as wanted."""

KNOWN_PROVIDERS = tuple(NEEDS)

_ACS = re.compile(r"endpoint=https?://[^;/]+/?;accesskey=([A-Za-z0-9+/=]+);?", re.IGNORECASE)
_KEY_OF_TENANT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63}):(.+)")


@dataclass(frozen=True, slots=True)
class ServerKey:
    """One key of `PARLEY_API_KEYS`, and whose it is."""

    tenant: str | None
    """None: the default tenant."""
    secret: SecretStr


class Settings(BaseModel):
    """Everything that can be set. Field order is the order of docs/run.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: str | None = Field(
        None, description="How the world reaches this server, e.g. https://voice.example.com."
    )
    data_dir: Path = Field(Path("data"), description="Folder of the SQLite database and the signing key.")
    database_url: str | None = Field(
        None, description="postgresql://… or sqlite:///…; by default SQLite in the data folder."
    )
    redis_url: str | None = Field(None, description="redis://…; only needed for several nodes.")

    providers: tuple[str, ...] = Field(
        (), description="Order of preference; by default every configured one, embedded last."
    )
    stall_s: float = Field(
        8.0,
        ge=2,
        le=120,
        description="A provider that owes an answer and says nothing for so long is left.",
    )
    rollover_s: float = Field(
        3300.0, ge=60, le=86_400,
        description="Age at which a provider's session is replaced: five minutes below the provider's cap.",
    )  # fmt: skip
    openai_api_key: SecretStr | None = Field(None, description="Key of the OpenAI Realtime API.")
    openai_organization: str | None = Field(None, description="OpenAI organization that is billed.")
    openai_project: str | None = Field(None, description="OpenAI project that is billed.")
    openai_webhook_secret: SecretStr | None = Field(
        None, description="Proves OpenAI's webhooks: calls on SIP, which OpenAI answers for us."
    )
    openai_api_url: str = Field(
        "https://api.openai.com/v1", description="Base URL of OpenAI's API for such calls."
    )
    openai_model: str = Field(
        "gpt-realtime-2.1", description="Realtime model asked of OpenAI and of the upstream."
    )
    azure_openai_endpoint: str | None = Field(
        None, description="Azure OpenAI resource, e.g. https://name.openai.azure.com."
    )
    azure_openai_api_key: SecretStr | None = Field(None, description="Key of the Azure OpenAI resource.")
    azure_openai_deployment: str | None = Field(
        None, description="Name of the deployment of a realtime model."
    )
    azure_openai_api_version: str | None = Field(
        None,
        pattern=API_VERSION,
        description="When set, the preview protocol of that version is spoken; otherwise GA.",
    )
    azure_openai_transcription_model: str | None = Field(
        None, description="Deployment that transcribes the caller; by default the persona's model name."
    )
    azure_voicelive_endpoint: str | None = Field(
        None, description="Foundry resource of Voice Live, e.g. https://name.services.ai.azure.com."
    )
    azure_voicelive_api_key: SecretStr | None = Field(None, description="Key of that resource.")
    azure_voicelive_model: str = Field("gpt-realtime", description="Model that Voice Live is to use.")
    azure_voicelive_api_version: str = Field(
        "2026-04-10", pattern=API_VERSION, description="Version of the Voice Live API."
    )
    azure_voicelive_voice: str | None = Field(
        None, description="Azure voice to speak with, instead of the persona's: en-US-AvaNeural."
    )
    upstream_url: str | None = Field(
        None, description="ws(s):// URL of any OpenAI-compatible realtime server."
    )
    upstream_api_key: SecretStr | None = Field(None, description="Bearer key for the upstream.")
    upstream_pcm_only: int = Field(
        0, ge=0, le=1,
        description="1: the upstream gets PCM on the telephone too, for it says that it takes G.711, and does not.",
    )  # fmt: skip
    cascade_chat_url: str | None = Field(
        None, description="Base URL of a chat completions API; OpenAI's when only its key is set."
    )
    cascade_chat_key: SecretStr | None = Field(None, description="Bearer key for it.")
    cascade_chat_model: str | None = Field(None, description="Language model asked of it.")
    cascade_stt_url: str | None = Field(None, description="Base URL of a transcription API.")
    cascade_stt_key: SecretStr | None = Field(None, description="Bearer key for it.")
    cascade_stt_model: str | None = Field(None, description="Model that transcribes.")
    cascade_tts_url: str | None = Field(None, description="Base URL of a speech API.")
    cascade_tts_key: SecretStr | None = Field(None, description="Bearer key for it.")
    cascade_tts_model: str | None = Field(None, description="Model that speaks.")
    cascade_tts_voice: str | None = Field(
        None, description="Voice to speak with instead of the session's, for APIs with voices of their own."
    )

    api_keys: tuple[SecretStr, ...] = Field(
        (), description="Server keys for /v1/realtime/*, comma-separated; `acme:key` is the tenant acme's."
    )
    api_key_for_realtime: SecretStr | None = Field(
        None, description="When set, minting credentials needs it."
    )
    signing_key: SecretStr | None = Field(
        None, description="Signs ephemeral tokens; by default created in the data folder."
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer for /metrics; without it only this machine may read them."
    )
    frontend_urls: tuple[str, ...] = Field(
        (), description="Origins that may use the REST API from a browser."
    )

    phone_persona: tuple[str, ...] = Field(
        (),
        description="Who answers the telephone: a persona, or one per called number: +15550100002=dental, …",
    )
    transfer_targets: tuple[str, ...] = Field(
        (),
        description="Numbers of the personas' transfers: front desk=+15550100020, tenant:lab=sip:lab@example.com, …",
    )
    outbound_carrier: str | None = Field(
        None, description="Carrier that places calls, when more than one could."
    )
    machine_detection: int = Field(
        1,
        ge=0,
        le=1,
        description="1: carriers are asked whether a machine answered, on calls of personas that leave messages.",
    )
    telephony_open: int = Field(
        0, ge=0, le=1, description="1: carriers on this machine need no signature. For development only."
    )
    telephony_webhook_secret: SecretStr | None = Field(
        None, description="Signs POST /api/webhooks/telephony-events."
    )
    twilio_account_sid: str | None = Field(None, description="Account that outbound calls are made from.")
    twilio_auth_token: SecretStr | None = Field(
        None, description="Signs Twilio's webhooks and sockets, and opens its API."
    )
    twilio_phone_number: str | None = Field(
        None, pattern=NUMBER, description="Our number at Twilio, which outbound calls show."
    )
    twilio_api_url: str = Field("https://api.twilio.com", description="Base URL of Twilio's API.")
    signalwire_signing_key: SecretStr | None = Field(
        None, description="Signs SignalWire's webhooks, as its dashboard shows it."
    )
    signalwire_space_url: str | None = Field(
        None, description="Space whose API places and ends calls: example.signalwire.com."
    )
    signalwire_project_id: str | None = Field(None, description="Project that opens SignalWire's API.")
    signalwire_api_token: SecretStr | None = Field(None, description="Token of that project.")
    signalwire_phone_number: str | None = Field(
        None, pattern=NUMBER, description="Our number at SignalWire, which outbound calls show."
    )
    telnyx_public_key: str | None = Field(
        None, description="Proves Telnyx' webhooks, base64 as the portal shows it."
    )
    telnyx_api_key: SecretStr | None = Field(
        None, description="Opens Telnyx' API; needed for call control, not for TeXML."
    )
    telnyx_connection_id: str | None = Field(
        None, description="Voice API application that outbound calls are made from."
    )
    telnyx_phone_number: str | None = Field(
        None, pattern=NUMBER, description="Our number at Telnyx, which outbound calls show."
    )
    telnyx_api_url: str = Field("https://api.telnyx.com/v2", description="Base URL of Telnyx' API.")
    vonage_signature_secret: SecretStr | None = Field(
        None, description="Signs Vonage's webhooks and sockets."
    )
    vonage_application_id: str | None = Field(
        None, description="When set, only what is signed for this application is taken."
    )
    vonage_private_key: SecretStr | None = Field(
        None,
        description="Opens Vonage's API: the application's private key, as PEM or the path of its file.",
    )
    vonage_phone_number: str | None = Field(
        None, pattern=NUMBER, description="Our number at Vonage, which outbound calls show."
    )
    vonage_api_url: str = Field("https://api.nexmo.com", description="Base URL of Vonage's API.")
    plivo_auth_id: str | None = Field(None, description="Account that opens Plivo's API.")
    plivo_auth_token: SecretStr | None = Field(
        None, description="Signs Plivo's webhooks and sockets, and opens its API."
    )
    plivo_phone_number: str | None = Field(
        None, pattern=NUMBER, description="Our number at Plivo, which outbound calls show."
    )
    plivo_api_url: str = Field("https://api.plivo.com", description="Base URL of Plivo's API.")

    acs_connection_string: SecretStr | None = Field(
        None, description="endpoint=https://…;accesskey=… of the resource; answers calls by its API."
    )
    acs_resource_id: str | None = Field(
        None, description="Immutable id of the resource, for which Azure signs its callbacks and sockets."
    )
    acs_secret: SecretStr | None = Field(
        None, description="The secret in the URL that Event Grid posts to."
    )
    acs_phone_number: str | None = Field(
        None, pattern=NUMBER, description="Our number at Azure, which outbound calls show."
    )
    acs_openid_url: str = Field(
        "https://acscallautomation.communication.azure.com/calling/.well-known/acsopenidconfiguration",
        description="Tells where the keys are published that Azure signs with.",
    )
    exotel_secret: SecretStr | None = Field(
        None,
        description="What Exotel shows: the password in a socket's address, the secret in a webhook's.",
    )
    genesys_api_key: SecretStr | None = Field(
        None, description="API key of the Audio Connector integration."
    )
    genesys_client_secret: SecretStr | None = Field(
        None, description="Client secret of that integration (base64), which signs its sockets."
    )
    jambonz_webhook_secret: SecretStr | None = Field(
        None, description="Signs jambonz' webhooks, as its portal shows it."
    )
    freeswitch_secret: SecretStr | None = Field(
        None, description="What our own FreeSWITCH proves itself with."
    )
    asterisk_secret: SecretStr | None = Field(None, description="What our own Asterisk proves itself with.")
    audiosocket: str | None = Field(
        None, description="host:port to listen on for Asterisk's AudioSocket (TCP, not encrypted)."
    )
    audiosocket_from: tuple[str, ...] = Field(
        (), description="Addresses whose AudioSockets need no UUID of ours."
    )

    recording: Literal["off", "persona", "all"] = Field(
        "off", description="Which calls are recorded: none, those whose persona says so, or all."
    )
    recordings_url: str | None = Field(
        None, description="Where recordings are kept: s3://bucket/prefix, …; by default a folder."
    )
    recordings_days: int | None = Field(
        None, ge=1, le=36_500, description="How long recordings are kept; by default until deleted."
    )

    ice_addresses: tuple[str, ...] = Field(
        (), description="Host candidates to offer, loopback allowed; default: every interface."
    )
    ice_servers: tuple[str, ...] = Field(
        (), description="stun: URLs the server itself uses; none by default."
    )
    max_calls: int = Field(50, ge=1, le=10_000, description="Calls at once; the next gets an honest 503.")
    setup_s: float = Field(15.0, gt=0, le=60, description="How long a caller may take to connect.")
    drain_s: float = Field(30.0, ge=0, le=3600, description="How long calls may go on after SIGTERM.")
    budget_usd: float | None = Field(
        None, gt=0, le=10_000, description="What one call may cost; a persona may allow less."
    )
    prices: Path | None = Field(None, description="Price table that is laid over Parley's own.")
    ears_workers: int = Field(2, ge=1, le=64, description="Worker processes that recognise speech.")
    voice_workers: int = Field(1, ge=1, le=64, description="Worker processes that speak.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level that is logged."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="One line per record, for people or for machines."
    )

    @field_validator("providers")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in KNOWN_PROVIDERS]
        if unknown:
            raise ValueError(
                f"unknown provider {', '.join(unknown)}; choose of {', '.join(KNOWN_PROVIDERS)}"
            )
        return value

    @field_validator("ice_addresses")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            try:
                ipaddress.ip_address(address)
            except ValueError:
                raise ValueError(f"{address!r} is not an IP address; give addresses, not names") from None
        return value

    @field_validator("signalwire_space_url")
    @classmethod
    def _space(cls, value: str | None) -> str | None:
        """As its dashboard shows it, or with the scheme."""
        if value is None:
            return None
        url = urlsplit(value if "://" in value else f"https://{value}")
        if url.scheme not in ("https", "http") or not url.hostname or url.path.strip("/") or url.query:
            raise ValueError("must be the space's host, as example.signalwire.com")
        return f"{url.scheme}://{url.netloc}"

    @field_validator("vonage_private_key")
    @classmethod
    def _private_key(cls, value: SecretStr | None) -> SecretStr | None:
        """A variable may have it on one line, with `\\n` between."""
        if value is None:
            return None
        pem = value.get_secret_value().replace("\\n", "\n")
        if not pem.startswith("-----BEGIN"):
            try:
                pem = Path(pem).read_text("ascii")
            except (OSError, ValueError):
                raise ValueError(
                    "must be a PEM private key, or the path of a file that holds one"
                ) from None
        if "PRIVATE KEY-----" not in pem:
            raise ValueError("holds no private key: the one downloaded with the application is needed")
        return SecretStr(pem)

    @field_validator("recordings_url")
    @classmethod
    def _storage(cls, value: str | None) -> str | None:
        schemes = ("s3", "gs", "az", "file")
        if value is not None and (urlsplit(value).scheme not in schemes or "://" not in value):
            raise ValueError(f"must start with one of {', '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    @field_validator("acs_connection_string")
    @classmethod
    def _connection(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            found = _ACS.fullmatch(value.get_secret_value())
            try:
                b64decode(found[1] if found else "!", validate=True)
            except ValueError:
                raise ValueError(
                    "must be endpoint=https://name.communication.azure.com/;accesskey=…, as the portal shows it"
                ) from None
        return value

    @field_validator("audiosocket_from")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                ipaddress.ip_network(one)
            except ValueError:
                raise ValueError(
                    f"{one!r} is no address and no network: 192.0.2.5 or 192.0.2.0/24"
                ) from None
        return value

    @field_validator("audiosocket")
    @classmethod
    def _host_and_port(cls, value: str | None) -> str | None:
        if value is not None:
            host, _, port = value.rpartition(":")
            if not host or not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
                raise ValueError("must be host:port, as 127.0.0.1:9092")
        return value

    @field_validator("genesys_client_secret")
    @classmethod
    def _base64(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                b64decode(value.get_secret_value(), validate=True)
            except ValueError:
                raise ValueError("must be base64, as it is entered at Genesys") from None
        return value

    @field_validator("upstream_url")
    @classmethod
    def _websocket(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("ws", "wss"):
            raise ValueError("must start with ws:// or wss://")
        return value

    @field_validator("azure_openai_endpoint", "azure_voicelive_endpoint")
    @classmethod
    def _resource(cls, value: str | None) -> str | None:
        if value is None:
            return value
        url = urlsplit(value)
        if url.scheme not in ("https", "http", "wss", "ws") or not url.hostname:
            raise ValueError("must be the resource's address, as https://name.openai.azure.com")
        if url.query or url.fragment:
            raise ValueError(
                "must end before the '?': the deployment and the version have settings of their own"
            )
        return value.rstrip("/")

    @model_validator(mode="before")
    @classmethod
    def _stages(cls, values: dict[str, Any]) -> dict[str, Any]:
        return with_defaults(values)

    @field_validator("cascade_chat_url", "cascade_stt_url", "cascade_tts_url")
    @classmethod
    def _base(cls, value: str | None) -> str | None:
        if value is None:
            return value
        url = urlsplit(value)
        if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
            raise ValueError("must be the base of the API, as https://api.openai.com/v1")
        if url.path.rstrip("/").endswith(("/chat/completions", "/audio/transcriptions", "/audio/speech")):
            raise ValueError("must end before the path of the request, as https://api.openai.com/v1")
        return value.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/") if value else value

    @property
    def provider_order(self) -> tuple[str, ...]:
        """The providers to try, in order: as set, or every configured one with the embedded engine last."""
        if self.providers:
            return self.providers
        return tuple(name for name in NEEDS if not self.missing(name))

    def missing(self, provider: str) -> tuple[str, ...]:
        """The settings that this provider cannot do without and that are not set, as the environment calls them."""
        return tuple(ENVIRONMENT[field] for field in NEEDS[provider] if not getattr(self, field))

    def stage(self, name: StageName) -> Stage | None:
        """A stage of the cascade; None when it is not configured."""
        url, key, model = (getattr(self, f"cascade_{name}_{part}") for part in ("url", "key", "model"))
        return None if url is None else Stage(name, url, key, model or "")

    @property
    def server_keys(self) -> tuple[ServerKey, ...]:
        """The server keys, each with its tenant: `acme:key` is acme's."""
        keys = []
        for entry in self.api_keys:
            named = _KEY_OF_TENANT.fullmatch(entry.get_secret_value())
            keys.append(ServerKey(named[1], SecretStr(named[2])) if named else ServerKey(None, entry))
        return tuple(keys)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


ENVIRONMENT: dict[str, str] = {
    "host": "PARLEY_HOST",
    "port": "PARLEY_PORT",
    "public_url": "PARLEY_PUBLIC_URL",
    "data_dir": "PARLEY_DATA_DIR",
    "database_url": "PARLEY_DATABASE_URL",
    "redis_url": "PARLEY_REDIS_URL",
    "providers": "PARLEY_PROVIDERS",
    "stall_s": "PARLEY_STALL_S",
    "rollover_s": "PARLEY_ROLLOVER_S",
    "openai_api_key": "OPENAI_API_KEY",
    "openai_organization": "OPENAI_ORG_ID",
    "openai_project": "OPENAI_PROJECT_ID",
    "openai_webhook_secret": "OPENAI_WEBHOOK_SECRET",
    "openai_api_url": "PARLEY_OPENAI_API_URL",
    "openai_model": "PARLEY_OPENAI_MODEL",
    "azure_openai_endpoint": "AZURE_OPENAI_ENDPOINT",
    "azure_openai_api_key": "AZURE_OPENAI_API_KEY",
    "azure_openai_deployment": "AZURE_OPENAI_DEPLOYMENT_REALTIME",
    "azure_openai_api_version": "AZURE_OPENAI_API_VERSION",
    "azure_openai_transcription_model": "AZURE_OPENAI_TRANSCRIPTION_MODEL",
    "azure_voicelive_endpoint": "AZURE_VOICELIVE_ENDPOINT",
    "azure_voicelive_api_key": "AZURE_VOICELIVE_API_KEY",
    "azure_voicelive_model": "AZURE_VOICELIVE_MODEL",
    "azure_voicelive_api_version": "AZURE_VOICELIVE_API_VERSION",
    "azure_voicelive_voice": "AZURE_VOICELIVE_VOICE",
    "upstream_url": "PARLEY_UPSTREAM_URL",
    "upstream_api_key": "PARLEY_UPSTREAM_API_KEY",
    "upstream_pcm_only": "PARLEY_UPSTREAM_PCM_ONLY",
    "cascade_chat_url": "PARLEY_CASCADE_CHAT_URL",
    "cascade_chat_key": "PARLEY_CASCADE_CHAT_KEY",
    "cascade_chat_model": "PARLEY_CASCADE_CHAT_MODEL",
    "cascade_stt_url": "PARLEY_CASCADE_STT_URL",
    "cascade_stt_key": "PARLEY_CASCADE_STT_KEY",
    "cascade_stt_model": "PARLEY_CASCADE_STT_MODEL",
    "cascade_tts_url": "PARLEY_CASCADE_TTS_URL",
    "cascade_tts_key": "PARLEY_CASCADE_TTS_KEY",
    "cascade_tts_model": "PARLEY_CASCADE_TTS_MODEL",
    "cascade_tts_voice": "PARLEY_CASCADE_TTS_VOICE",
    "api_keys": "PARLEY_API_KEYS",
    "api_key_for_realtime": "API_KEY_FOR_REALTIME",
    "signing_key": "PARLEY_SIGNING_KEY",
    "metrics_token": "PARLEY_METRICS_TOKEN",
    "frontend_urls": "FRONTEND_URLS",
    "phone_persona": "PARLEY_PHONE_PERSONA",
    "transfer_targets": "PARLEY_TRANSFER_TARGETS",
    "outbound_carrier": "PARLEY_OUTBOUND_CARRIER",
    "machine_detection": "PARLEY_MACHINE_DETECTION",
    "telephony_open": "PARLEY_TELEPHONY_OPEN",
    "telephony_webhook_secret": "TELEPHONY_WEBHOOK_SECRET",
    "twilio_account_sid": "TWILIO_ACCOUNT_SID",
    "twilio_auth_token": "TWILIO_AUTH_TOKEN",
    "twilio_phone_number": "TWILIO_PHONE_NUMBER",
    "twilio_api_url": "PARLEY_TWILIO_API_URL",
    "signalwire_signing_key": "SIGNALWIRE_SIGNING_KEY",
    "signalwire_space_url": "SIGNALWIRE_SPACE_URL",
    "signalwire_project_id": "SIGNALWIRE_PROJECT_ID",
    "signalwire_api_token": "SIGNALWIRE_API_TOKEN",
    "signalwire_phone_number": "SIGNALWIRE_PHONE_NUMBER",
    "telnyx_public_key": "TELNYX_PUBLIC_KEY",
    "telnyx_api_key": "TELNYX_API_KEY",
    "telnyx_connection_id": "TELNYX_CONNECTION_ID",
    "telnyx_phone_number": "TELNYX_PHONE_NUMBER",
    "telnyx_api_url": "PARLEY_TELNYX_API_URL",
    "vonage_signature_secret": "VONAGE_SIGNATURE_SECRET",
    "vonage_application_id": "VONAGE_APPLICATION_ID",
    "vonage_private_key": "VONAGE_PRIVATE_KEY",
    "vonage_phone_number": "VONAGE_PHONE_NUMBER",
    "vonage_api_url": "PARLEY_VONAGE_API_URL",
    "plivo_auth_id": "PLIVO_AUTH_ID",
    "plivo_auth_token": "PLIVO_AUTH_TOKEN",
    "plivo_phone_number": "PLIVO_PHONE_NUMBER",
    "plivo_api_url": "PARLEY_PLIVO_API_URL",
    "acs_connection_string": "ACS_CONNECTION_STRING",
    "acs_resource_id": "ACS_RESOURCE_ID",
    "acs_secret": "PARLEY_ACS_SECRET",
    "acs_phone_number": "ACS_PHONE_NUMBER",
    "acs_openid_url": "PARLEY_ACS_OPENID_URL",
    "exotel_secret": "PARLEY_EXOTEL_SECRET",
    "genesys_api_key": "GENESYS_API_KEY",
    "genesys_client_secret": "GENESYS_CLIENT_SECRET",
    "jambonz_webhook_secret": "JAMBONZ_WEBHOOK_SECRET",
    "freeswitch_secret": "PARLEY_FREESWITCH_SECRET",
    "asterisk_secret": "PARLEY_ASTERISK_SECRET",
    "recording": "PARLEY_RECORDING",
    "recordings_url": "PARLEY_RECORDINGS_URL",
    "recordings_days": "PARLEY_RECORDINGS_DAYS",
    "audiosocket": "PARLEY_AUDIOSOCKET",
    "audiosocket_from": "PARLEY_AUDIOSOCKET_FROM",
    "ice_addresses": "PARLEY_ICE_ADDRESSES",
    "ice_servers": "PARLEY_ICE_SERVERS",
    "max_calls": "PARLEY_MAX_CALLS",
    "setup_s": "PARLEY_SETUP_S",
    "drain_s": "PARLEY_DRAIN_S",
    "budget_usd": "PARLEY_BUDGET_USD",
    "prices": "PARLEY_PRICES",
    "ears_workers": "PARLEY_EARS_WORKERS",
    "voice_workers": "PARLEY_VOICE_WORKERS",
    "log_level": "PARLEY_LOG_LEVEL",
    "log_format": "PARLEY_LOG_FORMAT",
}
"""Field → variable. docs/run.md has a line for each; a test checks."""

LISTS = frozenset(
    {
        "audiosocket_from",
        "providers",
        "api_keys",
        "frontend_urls",
        "phone_persona",
        "transfer_targets",
        "ice_addresses",
        "ice_servers",
    }
)


def from_env(environ: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """Read the settings from `environ` (the process's own by default); `overrides` win (the command line's).

    Raises ConfigError with one sentence per fault, each naming the variable.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {}
    for field, variable in ENVIRONMENT.items():
        text = environ.get(variable, "").strip()
        if text:
            values[field] = (
                tuple(p.strip() for p in text.split(",") if p.strip()) if field in LISTS else text
            )
    values.update({k: v for k, v in overrides.items() if v is not None})
    faults = [
        f"{variable} is not a setting of Parley; did you mean {near}?"
        for variable in environ
        if variable.startswith("PARLEY_")
        and variable not in ENVIRONMENT.values()
        and (near := _nearest(variable))
    ]
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            field = str(fault["loc"][0]) if fault["loc"] else ""
            faults.append(f"{ENVIRONMENT.get(field, field)}: {fault['msg'].removeprefix('Value error, ')}")
    if settings is not None:
        faults += _half_set(settings) + _too_open(settings)
    if faults or settings is None:
        raise ConfigError(faults)
    return settings


def _half_set(settings: Settings) -> list[str]:
    """Providers that were asked for, by name or by their first setting, and that cannot be reached as things are."""
    faults = []
    for provider, needs in NEEDS.items():
        missing = settings.missing(provider)
        if provider in settings.providers:
            faults += [
                f"PARLEY_PROVIDERS names {provider}, but {variable} is not set" for variable in missing
            ]
        elif (
            not settings.providers and missing and len(missing) < len(needs) and getattr(settings, needs[0])
        ):
            faults += [
                f"{ENVIRONMENT[needs[0]]} is set, but {variable} is not; set it too, or list in"
                " PARLEY_PROVIDERS only what is to be used"
                for variable in missing
            ]
    wanted = {stage for stage in STAGES if getattr(settings, f"cascade_{stage}_url")}
    for stage in sorted(wanted - {"chat"}):
        url, model = f"cascade_{stage}_url", f"cascade_{stage}_model"
        if not getattr(settings, model):
            faults.append(f"{ENVIRONMENT[url]} is set, but {ENVIRONMENT[model]} is not")
        if "chat" not in wanted:
            faults.append(
                f"{ENVIRONMENT[url]} is set, but PARLEY_CASCADE_CHAT_URL is not: the cascade needs it"
            )
    return faults


def _too_open(settings: Settings) -> list[str]:
    """Whether others than this machine could call without a proof."""
    if not settings.telephony_open:
        return []
    faults = []
    if not settings.loopback:
        faults.append("PARLEY_TELEPHONY_OPEN needs no proof of carriers: only with PARLEY_HOST on loopback")
    if settings.public_url is not None:
        faults.append(
            "PARLEY_TELEPHONY_OPEN needs no proof of carriers: not with PARLEY_PUBLIC_URL, the way the world comes"
        )
    return faults


def _nearest(variable: str) -> str | None:
    """The setting that a mistyped variable most likely meant; None when nothing is near."""
    import difflib

    near = difflib.get_close_matches(variable, ENVIRONMENT.values(), n=1, cutoff=0.85)
    return near[0] if near else None
