# SPDX-License-Identifier: MIT
"""The tests' own tools: comparing stanzas, and that the client's verbs fail when they should."""
import pytest

from lib import dom, sasl
from lib.server import DROP, merged, yaml

MATCHING = [
    ("<message/>", "<message from='a@b' to='c@d' id='1' xml:lang='en'/>"),
    ("<iq type='result' id='*'/>", "<iq id='x7' type='result'/>"),
    ("<message><body>hi</body></message>", "<m:message xmlns:m='jabber:client'><m:body>hi</m:body></m:message>"),
    ("<message><a xmlns='x'/><b xmlns='y'/></message>", "<message><b xmlns='y'/><a xmlns='x'/></message>"),
    ("<message>...<body>*</body></message>", "<message><x xmlns='y'/><body>hello</body></message>"),
    ("<message id='-'/>", "<message/>"),
    ("<message>\n <body>a</body>\n</message>", "<message><body>a</body></message>"),
]
DIFFERENT = [
    ("<presence/>", "<presence type='unavailable'/>"),
    ("<presence type='unavailable'/>", "<presence/>"),
    ("<message/>", "<message><body>hi</body></message>"),
    ("<message><body>hi</body></message>", "<message/>"),
    ("<message><body>hi</body></message>", "<message><body>ho</body></message>"),
    ("<message><body>*</body></message>", "<message><body/></message>"),
    ("<message from='a@b'/>", "<message from='a@b/c'/>"),
    ("<message id='*'/>", "<message/>"),
    ("<message id='-'/>", "<message id='7'/>"),
    ("<message><x xmlns='a'/></message>", "<message><x xmlns='b'/></message>"),
    ("<message><x xmlns='a'/></message>", "<message><x xmlns='a' b='c'/></message>"),
    ("<message><x xmlns='a'/><x xmlns='a'/></message>", "<message><x xmlns='a'/></message>"),
    ("<iq type='result'/>", "<iq type='error'/>"),
]


@pytest.mark.parametrize("expected,actual", MATCHING)
def test_match(expected, actual):
    assert dom.match(dom.parse(expected), dom.parse(actual)) is None


@pytest.mark.parametrize("expected,actual", DIFFERENT)
def test_mismatch(expected, actual):
    assert dom.match(dom.parse(expected), dom.parse(actual)) is not None


def test_parser_takes_a_stream_split_at_every_byte():
    text = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>" \
           "<message><body>ü</body></message> <presence/></stream:stream>"
    parser = dom.StreamParser()
    events = [e for octet in text.encode() for e in parser.feed(bytes([octet]))]
    assert [kind for kind, _ in events] == ["open", "element", "element", "close"]
    assert events[1][1][0].text == "ü"


def test_scram_of_rfc_7677():
    scram = sasl.Scram("SCRAM-SHA-256", "user", "pencil")
    scram.nonce = "rOprNGfwEbeRWgbNEkqO"
    assert scram.first() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    final = scram.final(b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    assert final.endswith(b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    scram.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    with pytest.raises(AssertionError):
        scram.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=")


def test_yaml():
    config = merged({"a": {"b": 1, "c": True}, "d": [1]}, {"a": {"b": None, "e": "a: b"}, "d": DROP})
    assert yaml(config) == 'a:\n  b: none\n  c: on\n  e: "a: b"'


def test_verbs_fail_when_they_should(cast):
    romeo, juliet = cast("romeo", "juliet")
    romeo.sends(f"<message to='{juliet.full}' type='chat' id='m1'><body>Art thou there?</body></message>")
    with pytest.raises(AssertionError):
        juliet.hears_nothing()
    with pytest.raises(AssertionError):
        juliet.hears(f"<message from='{romeo.full}' type='chat' id='m1'><body>Who is it?</body></message>")
    romeo.hears_nothing()


@pytest.mark.parametrize("tls", ["starttls", "direct"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1"])
def test_login_and_chat(cast, tls, mechanism):
    romeo, juliet = cast("romeo", "juliet", tls=tls, mechanism=mechanism)
    romeo.sends(f"<message to='{juliet.full}' type='chat' id='m1'><body>Neither, fair saint.</body></message>")
    juliet.hears(f"<message from='{romeo.full}' to='{juliet.full}' type='chat' id='m1'>"
                 "<body>Neither, fair saint.</body></message>")
    romeo.hears_nothing()
