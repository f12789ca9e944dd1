# SPDX-License-Identifier: MIT
"""Streams (RFC 6120 sections 4 and 8.1, errors of 4.9.3): headers, what may be said when, and what
a client hears when it breaks the rules. Every test runs on a stream in the clear before TLS, and,
where it matters, on one that is logged in."""
import pytest

from lib import dom
from lib.dom import NS

STREAM = NS["stream"]


@pytest.fixture
def secured(connects, server):
    """A stream after STARTTLS, features heard, nobody logged in."""
    stream = connects(server)
    stream.opens(server.domain)
    stream.starts_tls(server.domain)
    stream.opens(server.domain)
    return stream


def says_after_header(connects, server, octets):
    stream = connects(server)
    stream.opens(server.domain)
    stream.sends_bytes(octets)
    return stream


# ---- the header (4.7, 4.8) ----------------------------------------------------------------------


def test_answer_to_a_header(connects, server):
    """4.7: from the host, a fresh id, version 1.0, a language; features follow."""
    one, other = connects(server), connects(server)
    for stream in one, other:
        stream.opens(server.domain)
        assert stream.header.get("from") == server.domain
        assert stream.header.get("version") == "1.0"
        assert stream.header.get(dom.XML_LANG)
        assert stream.parser.namespaces[""] == "jabber:client"
    assert one.header.get("id") and one.header.get("id") != other.header.get("id")


def test_features_before_tls(connects, server):
    """5.3.1: STARTTLS is required, so it is announced as such and alone; no mechanism in the clear."""
    features = connects(server).opens(server.domain)
    assert dom.find(features, "tls:starttls/tls:required") is not None
    assert dom.find(features, "sasl:mechanisms") is None


def test_a_restart_has_a_new_id(secured, connects, server):
    """4.3.3"""
    stream = connects(server)
    stream.opens(server.domain)
    first = stream.header.get("id")
    stream.starts_tls(server.domain)
    stream.opens(server.domain)
    assert stream.header.get("id") != first
    assert dom.find(stream.features, "tls:starttls") is None


def test_version_is_negotiated_down(connects, server):
    """4.7.5: a higher version than ours is answered with ours."""
    stream = connects(server)
    stream.opens(server.domain, version="1.7")
    assert stream.header.get("version") == "1.0"


def test_case_of_the_host_does_not_matter(connects, server):
    stream = connects(server)
    stream.opens(server.domain.upper())
    assert stream.header.get("from") == server.domain


def test_host_unknown(connects, server):
    stream = connects(server)
    stream.sends_header("capulet.example")
    stream.hears_header()
    stream.hears_stream_error("host-unknown")


def test_host_missing(connects, server):
    stream = connects(server)
    stream.sends_header(None)
    stream.hears_header()
    error_of(stream, "host-unknown", "improper-addressing")


@pytest.mark.xylem
def test_host_with_a_local_part_is_no_host(connects, server):
    stream = connects(server)
    stream.sends_header(f"romeo@{server.domain}")
    stream.hears_stream_error("host-unknown")


@pytest.mark.xylem
@pytest.mark.parametrize("attributes", [{"xmlns_stream": "urn:wrong"}, {"xmlns": "jabber:nobody"}],
                         ids=["stream", "content"])
def test_invalid_namespace(connects, server, attributes):
    stream = connects(server)
    text = stream.header_text(server.domain)
    if "xmlns_stream" in attributes:
        text = text.replace(STREAM, "urn:wrong")
    else:
        text = text.replace("jabber:client", "jabber:nobody")
    stream.sends(text)
    stream.hears_header()
    stream.hears_stream_error("invalid-namespace")


@pytest.mark.xylem
def test_server_namespace_on_a_client_port(connects, server):
    stream = connects(server)
    stream.sends(stream.header_text(server.domain).replace("jabber:client", "jabber:server"))
    stream.hears_header()
    stream.hears_stream_error("invalid-namespace")


@pytest.mark.xylem
def test_root_must_be_stream(connects, server):
    """4.9.3.1: a root that is no stream is a bad format, whatever its namespace."""
    stream = connects(server)
    stream.sends(f"<stream:flow xmlns='jabber:client' xmlns:stream='{STREAM}' to='{server.domain}' version='1.0'>")
    stream.hears_header()
    kind, error = stream.next_event()
    assert dom.name(error[0])[1] in ("bad-format", "invalid-namespace", "invalid-xml"), dom.show(error)


@pytest.mark.xylem
@pytest.mark.parametrize("version", [None, "0.9", "", "x", "-1.0"])
def test_unsupported_version(connects, server, version):
    """4.9.3.25; without a version attribute it is 0.9."""
    stream = connects(server)
    stream.sends_header(server.domain, version=version)
    stream.hears_header()
    stream.hears_stream_error("unsupported-version")


def test_garbage_instead_of_a_header(connects, server):
    stream = connects(server)
    stream.sends("GET / HTTP/1.1\r\nHost: xylem.test\r\n\r\n")
    stream.hears_stream_error("not-well-formed")


@pytest.mark.xylem
def test_header_in_another_encoding(connects, server):
    """11.6: UTF-8 and nothing else."""
    stream = connects(server)
    stream.sends(stream.header_text(server.domain).replace("'1.0'?>", "'1.0' encoding='ISO-8859-1'?>"))
    stream.hears_stream_error("unsupported-encoding")


@pytest.mark.xylem
def test_header_in_utf_16(connects, server):
    stream = connects(server)
    stream.sends_bytes(stream.header_text(server.domain).replace("<?xml version='1.0'?>", "").encode("utf-16"))
    kind, item = stream.next_event()
    while kind == "open":
        kind, item = stream.next_event()
    assert dom.name(item[0])[1] in ("unsupported-encoding", "not-well-formed"), dom.show(item)


def test_utf8_may_be_declared(connects, server):
    stream = connects(server)
    stream.sends(stream.header_text(server.domain).replace("'1.0'?>", "'1.0' encoding='UTF-8'?>"))
    stream.hears_header()
    stream.hears_features()


def test_header_without_xml_declaration(connects, server):
    stream = connects(server)
    stream.sends(stream.header_text(server.domain).replace("<?xml version='1.0'?>", ""))
    stream.hears_header()
    stream.hears_features()


def test_header_byte_by_byte(connects, server):
    stream = connects(server)
    for octet in stream.header_text(server.domain).encode():
        stream.sends_bytes(bytes([octet]))
    stream.hears_header()
    stream.hears_features()


def test_peer_closes_before_login(connects, server):
    """4.4: </stream:stream> is answered in kind."""
    stream = connects(server)
    stream.opens(server.domain)
    stream.sends("</stream:stream>")
    stream.hears_close()


def test_header_and_close_at_once(connects, server):
    stream = connects(server)
    stream.sends(stream.header_text(server.domain) + "</stream:stream>")
    stream.hears_header()
    stream.hears_features()
    stream.hears_close()


# ---- restricted XML (11.1) ----------------------------------------------------------------------

RESTRICTED = {
    "comment": b"<!-- nobody -->",
    "processing-instruction": b"<?php nobody ?>",
    "dtd": b"<!DOCTYPE lolz [<!ENTITY lol 'lol'>]>",
    "entity": b"<message><body>&lol;</body></message>",
}
MALFORMED = {
    "mismatched-tags": b"<message><body></message></body>",
    "no-tag": b"<<message>",
    "attribute-twice": b"<message to='a' to='b'/>",
    "unquoted": b"<message to=a/>",
    "control-character": b"<message><body>\x01</body></message>",
    "forbidden-reference": b"<message><body>&#1;</body></message>",
    "nul": b"<message><body>\x00</body></message>",
    "invalid-utf8": b"<message><body>\xff\xfe</body></message>",
    "overlong-utf8": b"<message><body>\xc0\xaf</body></message>",
    "surrogate": b"<message><body>\xed\xa0\x80</body></message>",
    "cut-utf8": b"<message><body>\xc3</body></message>",
    "text-after-stanza-end": b"</message>",
}


@pytest.mark.xylem
@pytest.mark.parametrize("what", [k for k in RESTRICTED])
def test_restricted_xml_before_login(connects, server, what):
    stream = says_after_header(connects, server, RESTRICTED[what])
    error_of(stream, "restricted-xml", "not-well-formed" if what in ("dtd", "entity") else None)


@pytest.mark.xylem
@pytest.mark.parametrize("what", list(RESTRICTED))
def test_restricted_xml_after_login(cast, what):
    romeo = cast("romeo")
    romeo.sends_bytes(RESTRICTED[what])
    error_of(romeo, "restricted-xml", "not-well-formed" if what in ("dtd", "entity") else None)


@pytest.mark.xylem
@pytest.mark.parametrize("what", ["comment", "processing-instruction"])
def test_restricted_xml_inside_a_stanza(cast, what):
    romeo = cast("romeo")
    romeo.sends_bytes(b"<message><body>" + RESTRICTED[what] + b"</body></message>")
    error_of(romeo, "restricted-xml")


@pytest.mark.xylem
def test_doctype_in_front_of_the_header(connects, server):
    stream = connects(server)
    stream.sends(stream.header_text(server.domain).replace("?>", "?><!DOCTYPE stream SYSTEM 'x'>"))
    stream.hears_stream_error("restricted-xml")


NOT_UTF8 = ("invalid-utf8", "overlong-utf8", "surrogate", "cut-utf8")  # 11.6 may call it that


@pytest.mark.parametrize("what", list(MALFORMED))
def test_not_well_formed_before_login(connects, server, what):
    stream = says_after_header(connects, server, MALFORMED[what])
    error_of(stream, "not-well-formed", "unsupported-encoding" if what in NOT_UTF8 else None)


@pytest.mark.parametrize("what", list(MALFORMED))
def test_not_well_formed_after_login(cast, what):
    romeo = cast("romeo")
    romeo.sends_bytes(MALFORMED[what])
    error_of(romeo, "not-well-formed", "unsupported-encoding" if what in NOT_UTF8 else None)


@pytest.mark.xylem
def test_undeclared_prefix(cast):
    """4.9.3.2"""
    romeo = cast("romeo")
    romeo.sends("<message><foo:bar/></message>")
    romeo.hears_stream_error("bad-namespace-prefix")


@pytest.mark.xylem
@pytest.mark.parametrize("text", ["Romeo", "<![CDATA[Romeo]]>"])
def test_text_between_stanzas(cast, text):
    """4.9.3.1: only white space may stand between stanzas."""
    romeo = cast("romeo")
    romeo.sends(text + "<presence/>")
    romeo.hears_stream_error("bad-format")


def error_of(stream, condition, other=None):
    """The stream error; where expat cannot tell, `other` is right too (11.1 allows both)."""
    kind, item = stream.next_event()
    assert kind == "element" and item.tag == f"{{{STREAM}}}error", (kind, item is not None and dom.show(item))
    found = dom.name(item[0])[1]
    assert found in (condition, other), dom.show(item)
    assert stream.next_event()[0] == "close"
    stream.hears_eof()


@pytest.mark.parametrize("text", ["&lt;&gt;&amp;&apos;&quot;", "&#x1F600;&#65;"])
def test_predefined_entities_are_fine(cast, text):
    romeo, juliet = cast("romeo", "juliet")
    romeo.sends(f"<message to='{juliet.full}'><body>{text}</body></message>")
    juliet.hears(f"<message from='{romeo.full}'><body>{text}</body></message>")


def test_cdata_inside_a_stanza_is_text(cast):
    romeo, juliet = cast("romeo", "juliet")
    romeo.sends(f"<message to='{juliet.full}'><body><![CDATA[<b>&]]></body></message>")
    juliet.hears(f"<message from='{romeo.full}'><body>&lt;b&gt;&amp;</body></message>")


def test_prefixes_and_namespaces_travel(cast):
    """4.8: a stanza under another prefix means the same."""
    romeo, juliet = cast("romeo", "juliet")
    romeo.sends(f"<c:message xmlns:c='jabber:client' to='{juliet.full}' xmlns:q='urn:q'>"
                "<c:body q:loud='yes'>Hark</c:body><q:x><y xmlns='urn:y'/></q:x></c:message>")
    juliet.hears(f"<message from='{romeo.full}' xmlns:q='urn:q'><body q:loud='yes'>Hark</body>"
                 "<q:x><y xmlns='urn:y'/></q:x></message>")


def test_a_declaration_of_the_stream_header_is_known_in_stanzas(connects, server, cast):
    juliet = cast("juliet")
    romeo = cast.client("romeo")
    romeo.header_text = lambda to, **a: (
        f"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='{STREAM}' "
        f"xmlns:own='urn:own' to='{to}' version='1.0'>")
    romeo.comes_online()
    romeo.sends(f"<message to='{juliet.full}'><own:word own:size='1'/></message>")
    juliet.hears(f"<message from='{romeo.full}'><word xmlns='urn:own' xmlns:own='urn:own' own:size='1'/></message>")


def test_another_prefix_for_the_stream_namespace(connects, server):
    stream = connects(server)
    stream.sends(f"<s:stream xmlns='jabber:client' xmlns:s='{STREAM}' to='{server.domain}' version='1.0'>")
    stream.hears_header()
    stream.hears_features()


# ---- what may be said when -----------------------------------------------------------------------


@pytest.mark.xylem
@pytest.mark.parametrize("stanza", ["<message to='juliet@xylem.test'><body>hi</body></message>", "<presence/>",
                                    "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>"],
                         ids=["message", "presence", "iq"])
def test_not_authorized_before_login(secured, stanza):
    """4.9.3.12"""
    secured.sends(stanza)
    secured.hears_stream_error("not-authorized")


@pytest.mark.xylem
def test_nothing_but_starttls_before_tls(connects, server):
    """5.3.1, 13.8: credentials never travel in the clear, nor do stanzas."""
    for text in ("<message/>", f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>AHJvbWVvAHNlY3JldA==</auth>"):
        stream = says_after_header(connects, server, text.encode())
        kind, error = stream.next_event()
        assert dom.name(error)[1] in ("error", "failure"), dom.show(error)
        if dom.name(error)[1] == "error":
            assert dom.name(error[0])[1] in ("policy-violation", "not-authorized"), dom.show(error)


@pytest.mark.parametrize("element", ["<gibberish xmlns='urn:nobody'/>", "<query xmlns='jabber:client'/>"],
                         ids=["foreign", "client"])
def test_unsupported_stanza_type(cast, element):
    """4.9.3.24"""
    romeo = cast("romeo")
    romeo.sends(element)
    romeo.hears_stream_error("unsupported-stanza-type")


@pytest.mark.xylem
def test_stanza_before_bind(cast):
    """7.1: no stanza but the bind request until a resource is bound."""
    romeo = cast.client("romeo").secures().authenticates()
    romeo.sends("<message to='juliet@xylem.test'><body>hi</body></message>")
    romeo.hears_stream_error("not-authorized")


def test_conflict_when_a_resource_is_taken_over(cast):
    """7.7.2.2, 4.9.3.3: the newer session gets the resource, the older one hears why."""
    old = cast.online("romeo", resource="balcony")
    new = cast.another(old, "balcony")
    old.hears_stream_error("conflict")
    assert new.full == old.full
    new.hears_nothing()
    juliet = cast("juliet")
    juliet.sends(f"<message to='{new.full}'><body>Who?</body></message>")
    new.hears(f"<message from='{juliet.full}'><body>Who?</body></message>")


@pytest.mark.xylem
@pytest.mark.parametrize("forged", ["juliet@xylem.test/balcony", "xylem.test"])
def test_forged_from_of_a_stanza(cast, forged):
    """8.1.2.1, 4.9.3.9: a client may not speak for others."""
    romeo, juliet = cast("romeo", "juliet")
    romeo.sends(f"<message from='{forged}' to='{juliet.full}'><body>hi</body></message>")
    romeo.hears_stream_error("invalid-from")
    juliet.hears_nothing()


def test_true_from_of_a_stanza(cast):
    """8.1.2.1: its bare or full JID may stand there; what arrives is the full one."""
    romeo, juliet = cast("romeo", "juliet")
    for own in romeo.jid, romeo.full, romeo.full.replace("romeo", "ROMEO"):
        romeo.sends(f"<message from='{own}' to='{juliet.full}'><body>hi</body></message>")
        juliet.hears(f"<message from='{romeo.full}' to='{juliet.full}'><body>hi</body></message>")


@pytest.mark.xylem
def test_header_from_must_be_the_account(cast):
    """4.7.1, 4.9.3.9: once authenticated, a header that claims somebody else ends the stream."""
    romeo = cast.client("romeo").secures()
    plain = romeo.header_text
    romeo.header_text = lambda to, **a: plain(to, from_="juliet@xylem.test")
    with pytest.raises(AssertionError, match="invalid-from"):
        romeo.authenticates()


def test_whitespace_keepalive(cast):
    """4.6.1: white space between stanzas says nothing and breaks nothing."""
    romeo = cast("romeo")
    for space in (" ", "\n", "\t \r\n", " " * 3000):
        romeo.sends(space)
        romeo.hears_nothing()


def test_close_after_login(cast):
    """4.4"""
    romeo = cast("romeo")
    romeo.sends("</stream:stream>")
    romeo.hears_close()


def test_stanzas_before_the_close_are_handled(cast):
    """4.4: whoever closes has said everything before."""
    romeo, juliet = cast("romeo", "juliet")
    romeo.sends("".join(f"<message to='{juliet.full}' id='{i}'/>" for i in range(20)) + "</stream:stream>")
    for i in range(20):
        juliet.hears(f"<message from='{romeo.full}' id='{i}'/>")
    romeo.hears_close()


def test_whole_session_byte_by_byte(cast):
    """However TCP cuts it: login, a message with every kind of content, and the close."""
    juliet = cast("juliet")
    romeo = cast.client("romeo")
    whole = romeo.sends_bytes
    romeo.sends_bytes = lambda octets: [whole(bytes([octet])) for octet in octets]
    romeo.comes_online()
    romeo.sends(f"<message to='{juliet.full}'><body>&#x1F339; é 漢 &amp;</body></message>")
    juliet.hears(f"<message from='{romeo.full}'><body>🌹 é 漢 &amp;</body></message>")
    romeo.sends("</stream:stream>")
    romeo.hears_close()


def test_many_stanzas_in_one_packet(cast):
    romeo, juliet = cast("romeo", "juliet")
    romeo.sends("".join(f"<message to='{juliet.full}' id='{i}'><body>{i}</body></message>" for i in range(1000)))
    for i in range(1000):
        juliet.hears(f"<message from='{romeo.full}' id='{i}'><body>{i}</body></message>")


def test_pipelined_stanzas_behind_login_wait_their_turn(cast):
    """A client that does not wait between bind and the stanzas after it loses nothing."""
    juliet = cast("juliet")
    romeo = cast.client("romeo").secures().authenticates()
    romeo.sends(f"<iq type='set' id='b'><bind xmlns='{NS['bind']}'><resource>orchard</resource></bind></iq>"
                f"<presence/><message to='{juliet.full}'><body>hi</body></message>")
    romeo.hears(f"<iq type='result' id='b'><bind xmlns='{NS['bind']}'><jid>{romeo}/orchard</jid></bind></iq>")
    juliet.hears(f"<message from='{romeo}/orchard'><body>hi</body></message>")
