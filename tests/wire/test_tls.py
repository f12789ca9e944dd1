# SPDX-License-Identifier: MIT
"""TLS (RFC 6120 section 5, RFC 7590, XEP-0368): versions, SNI, ALPN, STARTTLS without injection,
and whatever else arrives at a port where a handshake is expected."""
import ssl

import pytest

from lib import dom, process
from lib.dom import NS
from lib.stream import Ended, tls_context

V = ssl.TLSVersion


def version_of(stream):
    return stream.sock.version()


@pytest.mark.parametrize("version,name", [(V.TLSv1_2, "TLSv1.2"), (V.TLSv1_3, "TLSv1.3")])
@pytest.mark.parametrize("tls", ["starttls", "direct"])
def test_tls_versions(connects, server, tls, version, name):
    stream = connects(server, tls)
    if tls == "starttls":
        stream.opens(server.domain)
        stream.starts_tls(server.domain, tls_context(version, version))
    else:
        stream.handshakes(server.domain, tls_context(version, version))
    assert version_of(stream) == name
    stream.opens(server.domain)
    assert dom.find(stream.features, "sasl:mechanisms") is not None


@pytest.mark.parametrize("version", [V.TLSv1, V.TLSv1_1])
@pytest.mark.parametrize("tls", ["starttls", "direct"])
def test_old_tls_is_refused(connects, server, tls, version):
    """RFC 7590 and RFC 8996. The refusal is the server's: an alert, not our own library's opinion."""
    stream = connects(server, tls)
    if tls == "starttls":
        stream.opens(server.domain)
        stream.sends(f"<starttls xmlns='{NS['tls']}'/>")
        stream.next_element()
    with pytest.raises(ssl.SSLError) as refusal:
        stream.handshakes(server.domain, tls_context(version, version))
    assert "ALERT" in str(refusal.value).upper(), refusal.value


def test_no_weak_cipher(connects, server):
    """Ciphers without forward secrecy or authentication find no partner."""
    context = tls_context(V.TLSv1_2, V.TLSv1_2)
    context.set_ciphers("aNULL:eNULL:RC4:3DES:MD5:kRSA:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connects(server, "direct").handshakes(server.domain, context)


@pytest.mark.parametrize("offered,chosen", [(["xmpp-client"], "xmpp-client"), (["h2", "xmpp-client"], "xmpp-client"),
                                            (None, None)])
@pytest.mark.xylem
def test_alpn(connects, server, offered, chosen):
    """XEP-0368: who offers xmpp-client gets it; who offers nothing is served too."""
    stream = connects(server, "direct")
    stream.handshakes(server.domain, tls_context(alpn=offered))
    assert stream.sock.selected_alpn_protocol() == chosen
    stream.opens(server.domain)


@pytest.mark.once
@pytest.mark.xylem
@pytest.mark.parametrize("tls", ["starttls", "direct"])
def test_sni_chooses_the_certificate(make_server, connects, place, tls):
    """Each host has its own; without a name, or with a stranger's, the first host's is shown."""
    folder = place / f"sni-{tls}"
    folder.mkdir()
    files = {h: process.make_certificate(folder, h, stem=h, algorithm=a)
             for h, a in (("xylem.test", "ec"), ("verona.test", "rsa"))}
    pair = lambda h: {"tls": {"certificate": str(files[h][0]), "key": str(files[h][1])}}
    server = make_server(**pair("xylem.test"), host_config={"verona.test": pair("verona.test")})
    for name, shown in (("xylem.test", "xylem.test"), ("verona.test", "verona.test"), (None, "xylem.test"),
                        ("VERONA.test", "verona.test"), ("mantua.test", "xylem.test")):
        stream = connects(server, tls)
        if tls == "starttls":
            stream.opens("xylem.test")
            stream.starts_tls(name)
        else:
            stream.handshakes(name)
        pem = files[shown][0].read_text()
        assert stream.sock.getpeercert(binary_form=True) == ssl.PEM_cert_to_DER_cert(pem), name


def test_host_of_the_stream_counts_not_sni(connects, server):
    """A stream may name another host of ours than the handshake did."""
    stream = connects(server, "direct")
    stream.handshakes("verona.test")
    stream.opens("xylem.test")
    assert stream.header.get("from") == "xylem.test"


@pytest.mark.xylem
@pytest.mark.parametrize("injected", ["<presence/>", "\n<presence/>", "<?xml version='1.0'?><stream:stream"])
def test_nothing_slips_in_before_the_handshake(connects, server, injected):
    """5.3.3 and CVE-2011-0411: octets behind <starttls/> never count as sent under TLS."""
    stream = connects(server)
    stream.opens(server.domain)
    stream.sends(f"<starttls xmlns='{NS['tls']}'/>{injected}")
    try:
        if dom.name(stream.next_element()) == (NS["tls"], "proceed"):
            stream.handshakes(server.domain)
            stream.sends_header(server.domain)
            kind, item = stream.next_event()
            assert kind == "eof", f"the stream goes on: {kind} {item is not None and dom.show(item)}"
    except (Ended, OSError):
        pass  # closing is right at any of these moments


@pytest.mark.parametrize("white", [" ", "\n"])
def test_white_space_behind_starttls_is_nothing(connects, server, white):
    """5.3.3 forbids it, go-sendxmpp ends every element with a line feed."""
    stream = connects(server)
    stream.opens(server.domain)
    stream.sends(f"<starttls xmlns='{NS['tls']}'/>{white}")
    assert dom.name(stream.next_element()) == (NS["tls"], "proceed")
    stream.handshakes(server.domain)
    stream.opens(server.domain)


@pytest.mark.xylem
def test_starttls_twice(connects, server):
    """5.4.2.2: under TLS there is nothing to start."""
    stream = connects(server)
    stream.opens(server.domain)
    stream.starts_tls(server.domain)
    stream.opens(server.domain)
    stream.sends(f"<starttls xmlns='{NS['tls']}'/>")
    kind, item = stream.next_event()
    assert kind == "eof" or dom.name(item)[1] in ("failure", "error"), dom.show(item)


@pytest.mark.xylem
def test_no_starttls_inside_direct_tls(connects, server):
    stream = connects(server, "direct")
    stream.handshakes(server.domain)
    stream.opens(server.domain)
    assert dom.find(stream.features, "tls:starttls") is None
    assert dom.find(stream.features, "sasl:mechanisms") is not None


GARBAGE = {"zeros": b"\0" * 64, "text": b"<?xml version='1.0'?><stream:stream to='xylem.test'>" + b" " * 64,
           "http": b"GET / HTTP/1.0\r\n\r\n", "ones": b"\xff" * 4000,
           "huge-record": b"\x16\x03\x01\xff\xff" + b"\1" * 70000,
           "sslv2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"\1" * 40}


@pytest.mark.parametrize("what", list(GARBAGE))
@pytest.mark.parametrize("tls", ["starttls", "direct"])
def test_garbage_where_a_handshake_belongs(connects, server, tls, what):
    """The connection ends; the next one is served."""
    stream = connects(server, tls)
    if tls == "starttls":
        stream.opens(server.domain)
        stream.sends(f"<starttls xmlns='{NS['tls']}'/>")
        stream.next_element()
    try:
        stream.sends_bytes(GARBAGE[what])
        while stream.sock.recv(4096):
            pass
    except ConnectionError:
        pass
    after = connects(server, "direct")
    after.handshakes(server.domain)
    after.opens(server.domain)


def test_client_hello_on_the_starttls_port(connects, server):
    with pytest.raises((ssl.SSLError, ConnectionError, OSError)):
        connects(server, "starttls").handshakes(server.domain)


def test_handshake_byte_by_byte(connects, server):
    """The handshake and the first record, however TCP cuts them."""
    stream = connects(server, "direct")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = tls_context().wrap_bio(incoming, outgoing, server_hostname=server.domain)

    def patiently(operation, *arguments):
        while True:
            try:
                result = operation(*arguments)
                sends_single(outgoing.read())
                return result
            except ssl.SSLWantReadError:
                sends_single(outgoing.read())
                incoming.write(stream.sock.recv(65536))

    def sends_single(octets):
        for octet in octets:
            stream.sock.sendall(bytes([octet]))

    patiently(tls.do_handshake)
    patiently(tls.write, stream.header_text(server.domain).encode())
    heard = b""
    while b"</stream:features>" not in heard:
        heard += patiently(tls.read, 65536)
    assert b"mechanisms" in heard


def test_close_notify_ends_the_stream(cast):
    """A client that leaves by TLS close_notify is gone; the server answers in kind and closes."""
    romeo = cast.online("romeo", tls="direct")
    romeo.sock.settimeout(20)
    try:
        romeo.sock.unwrap()
    except (ssl.SSLError, OSError):
        pass  # what the server said last may still be in the way
    juliet = cast("juliet")
    juliet.sends(f"<iq type='get' id='1' to='{romeo.full}'><ping xmlns='{NS['ping']}'/></iq>")
    juliet.hears_error("service-unavailable", of="iq", id="1")
