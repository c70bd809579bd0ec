"""What the guard of outgoing requests lets through, and what never passes however it is written."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from ipaddress import IPv4Address, IPv6Address

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from tools.outbound.addresses import Allowed, why_refused
from tools.outbound.guard import Guard, Refused
from tools.outbound.sender import BrokenOff, Outgoing, Sender, TooLarge, Unreachable

pytestmark = pytest.mark.unit

INSIDE = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.1", "192.0.0.192", "192.88.99.1", "168.63.129.16", "198.18.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "2002:7f00:1::", "2002:a9fe:a9fe::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1",
    "2001:0:7f00:1::",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "93.184.216.34", "::ffff:1.1.1.1", "64:ff9b::101:101", "2606:4700::1111"]
DISGUISED = [
    "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/", "http://0x7f.1/",
    "http://127.0.0.0x1/", "http://10.0.256/", "http://a.example.0x7f/",
]  # fmt: skip


async def no_lookup(host: str, port: int) -> list[str]:
    raise AssertionError(f"{host} is looked up")


def leads_to(*addresses: str) -> Guard:
    async def lookup(host: str, port: int) -> list[str]:
        return list(addresses)

    return Guard(lookup=lookup)


@pytest.mark.parametrize("address", INSIDE)
async def test_what_is_inside_is_refused_written_and_looked_up(address: str) -> None:
    assert why_refused(address)
    host = f"[{address.partition('%')[0]}]" if ":" in address else address
    with pytest.raises(Refused):
        Guard(lookup=no_lookup).check(f"http://{host}/")
    with pytest.raises(Refused, match="PARLEY_OUTBOUND_ALLOW"):
        await leads_to(address).addresses("name.example.com", 443)


@pytest.mark.parametrize("address", OUTSIDE)
async def test_what_is_public_passes(address: str) -> None:
    assert why_refused(address) is None
    assert await leads_to(address).addresses("name.example.com", 443) == [address]


@given(st.ip_addresses(v=4))
def test_an_address_within_another_is_judged_as_itself(address: IPv4Address) -> None:
    inside = why_refused(str(address)) is not None
    for base in (0xFFFF << 32, int(IPv6Address("64:ff9b::"))):
        assert (why_refused(str(IPv6Address(base | int(address)))) is not None) == inside
    if inside:
        assert why_refused(str(IPv6Address((0x2002 << 112) | (int(address) << 80))))


@pytest.mark.parametrize(
    "url", [*DISGUISED, "http://localhost/", "http://LOCALHOST./", "http://x.localhost/"]
)
def test_disguises_and_this_machines_names_are_refused_before_any_lookup(url: str) -> None:
    with pytest.raises(Refused):
        Guard(lookup=no_lookup).check(url)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://example.com/",
        "//example.com/",
        "example.com",
        "http:///x",
        "http://[::",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        Guard().check(url)


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(Refused) as told:
        Guard().check("https://u:hunter22@example.com/")
    assert "hunter22" not in str(told.value)


async def test_a_name_with_one_address_inside_is_refused_whole() -> None:
    with pytest.raises(Refused):
        await leads_to("93.184.216.34", "127.0.0.1").addresses("two.example.com", 80)


def test_allowed_entries_are_read_and_faulty_ones_named() -> None:
    allowed = Allowed.read(("10.1.0.0/16", "::1", "crm.internal:8443", "Mail.internal"))
    assert allowed.host("CRM.internal.", 8443)
    assert not allowed.host("crm.internal", 443)
    assert allowed.host("mail.internal", 25)
    assert allowed.address(IPv4Address("10.1.2.3"))
    assert allowed.address(IPv6Address("::ffff:10.1.2.3"))
    assert not allowed.address(IPv4Address("10.2.0.1"))
    for entry in ("10.1.0.1/16", "a:b:c", "crm:0", "crm:http", ":80"):
        with pytest.raises(ValueError, match="write"):
            Allowed.read((entry,))


class Site:
    """A web server on loopback that counts who came."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.port = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        match request.path:
            case "/away":
                raise web.HTTPFound(f"http://127.0.0.1:{self.port}/secret")
            case "/endless":
                response = web.StreamResponse()
                await response.prepare(request)
                try:
                    while True:
                        await response.write(bytes(65536))
                except ConnectionError:
                    return response
            case "/bomb":
                packed = web.Response(body=bytes(50_000_000))
                packed.enable_compression(web.ContentCoding.gzip)
                return packed
            case "/broken":
                assert request.transport is not None
                request.transport.close()
            case _:
                pass
        return web.json_response({"host": request.host, "path": request.path})


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    there = Site()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", there.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there.port = runner.addresses[0][1]
    yield there
    await runner.cleanup()


def get(url: str, *, max_bytes: int = 1000) -> Outgoing:
    return Outgoing("GET", URL(url), max_bytes=max_bytes)


async def test_a_written_address_inside_is_not_even_connected_to(site: Site) -> None:
    async with Sender(Guard()) as sender:
        for host in ("127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "localhost"):
            with pytest.raises(Refused):
                await sender.send(get(f"http://{host}:{site.port}/secret"))
    assert site.paths == []


async def test_a_name_that_rebinds_is_judged_at_each_connection(site: Site) -> None:
    """The first look-up, as a check made beforehand would see it, is public; the one that counts is not."""
    answers = [["93.184.216.34"], ["127.0.0.1"]]

    async def lookup(host: str, port: int) -> list[str]:
        return answers.pop(0)

    guard = Guard(lookup=lookup)
    assert await guard.addresses("rebind.example.com", site.port) == ["93.184.216.34"]
    async with Sender(guard) as sender:
        with pytest.raises(Refused, match=r"rebind\.example\.com"):
            await sender.send(get(f"http://rebind.example.com:{site.port}/secret"))
    assert answers == []
    assert site.paths == []


async def test_the_connection_goes_to_the_address_that_was_judged(site: Site) -> None:
    looked: list[str] = []

    async def lookup(host: str, port: int) -> list[str]:
        looked.append(host)
        return ["127.0.0.1"]

    async with Sender(Guard(Allowed.read((f"crm.example.com:{site.port}",)), lookup)) as sender:
        answer = await sender.send(get(f"http://crm.example.com:{site.port}/ok"))
    assert answer.status == 200
    assert f"crm.example.com:{site.port}".encode() in answer.body
    assert looked == ["crm.example.com"]


async def test_a_redirect_is_not_followed(site: Site) -> None:
    async with Sender(Guard(Allowed.read(("127.0.0.1",)))) as sender:
        answer = await sender.send(get(f"http://127.0.0.1:{site.port}/away"))
    assert answer.status == 302
    assert answer.header("location").endswith("/secret")
    assert site.paths == ["/away"]


@pytest.mark.parametrize("path", ["endless", "bomb"])
async def test_an_answer_without_end_is_broken_off(site: Site, path: str) -> None:
    async with Sender(Guard(Allowed.read(("127.0.0.1",)))) as sender:
        with pytest.raises(TooLarge):
            await sender.send(get(f"http://127.0.0.1:{site.port}/{path}", max_bytes=100_000))


async def test_nobody_there_is_told_from_broken_off(site: Site) -> None:
    """What was never asked may be asked again; what broke off may have been done."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with Sender(Guard(Allowed.read(("127.0.0.1",)))) as sender:
        with pytest.raises(Unreachable):
            await sender.send(get(f"http://127.0.0.1:{port}/"))
        with pytest.raises(BrokenOff):
            await sender.send(get(f"http://127.0.0.1:{site.port}/broken"))
    assert set(site.paths) == {"/broken"}
