# SPDX-License-Identifier: MIT
"""The ways to log in: SASL and bind (RFC 6120), SASL2 and Bind 2 (XEP-0388, 0386), FAST (XEP-0484), and
resumption on either (XEP-0198). Each leaves the connection logged in, and returns a Login."""
import hashlib
import hmac
from dataclasses import dataclass

from connection import SM, Broken
from lib import sasl

SASL, SASL2 = "urn:ietf:params:xml:ns:xmpp-sasl", "urn:xmpp:sasl:2"
BIND, BIND2 = "urn:ietf:params:xml:ns:xmpp-bind", "urn:xmpp:bind:0"
FAST, MAM = "urn:xmpp:fast:0", "urn:xmpp:mam:2"
CARBONS, CSI = "urn:xmpp:carbons:2", "urn:xmpp:csi:0"
TOKENS = "HT-SHA-256-NONE"


@dataclass
class Login:
    resumed: bool = False
    cut: object = None  # Bind 2's metadata: the newest archive id, "" for an empty archive
    failed: bool = False  # a resumption was asked for and refused


class Scram(sasl.Scram):
    """The salted password is the expensive part: once per account."""

    salted = {}

    def final(self, challenge):
        original = hashlib.pbkdf2_hmac

        def remembered(name, password, salt, rounds):
            key = (name, password, salt, rounds)
            if key not in self.salted:
                self.salted[key] = original(*key)
            return self.salted[key]

        hashlib.pbkdf2_hmac = remembered
        try:
            return super().final(challenge)
        finally:
            hashlib.pbkdf2_hmac = original


async def legacy(connection, device, resume=False):
    """SASL, a new stream, bind; or <resume/> in place of bind."""
    connection.open_stream(device.domain)
    await connection.features()
    scram = Scram("SCRAM-SHA-256", device.local, device.password)
    connection.write(f"<auth xmlns='{SASL}' mechanism='{scram.mechanism}'>{sasl.b64(scram.first())}</auth>")
    challenge = await _sasl(connection, SASL, "challenge")
    connection.write(f"<response xmlns='{SASL}'>{sasl.b64(scram.final(sasl.unb64(challenge.text)))}</response>")
    scram.verify(sasl.unb64((await _sasl(connection, SASL, "success")).text))
    connection.open_stream(device.domain)
    await connection.features()
    failed = False
    if resume:
        connection.write(device.resumption())
        answer = await connection.expect_tag(f"{{{SM}}}resumed", f"{{{SM}}}failed")
        if answer.tag.endswith("}resumed"):
            return Login(resumed=True)
        failed = True
    result = await connection.ask("set", f"<bind xmlns='{BIND}'/>")
    jid = result.find(f"{{{BIND}}}bind/{{{BIND}}}jid")
    if jid is None:
        raise Broken(f"{connection.label}: bind refused")
    device.full = jid.text
    if device.model.sm:
        connection.write(f"<enable xmlns='{SM}' resume='true'/>")
        await connection.expect_tag(f"{{{SM}}}enabled")
    return Login(failed=failed)


async def _sasl(connection, ns, wanted):
    element = await connection.expect(lambda e: e.tag.startswith(f"{{{ns}}}"), f"SASL {wanted}")
    if not element.tag.endswith("}" + wanted):
        raise Broken(f"{connection.label}: SASL {wanted} expected, got {element.tag}")
    return element


async def modern(connection, device, resume=False, token=None):
    """SASL2 with Bind 2, by password or by token; `resume` inline before the bind."""
    connection.open_stream(device.domain, device.jid)
    await connection.features()
    inline = f"<user-agent id='{device.agent}'><software>matrix</software><device>{device.model}</device></user-agent>"
    if resume:
        inline += device.resumption()
    inline += _bind(device)
    if token:
        success = await _with_token(connection, device, token, inline)
    else:
        if device.model.login == "fast":
            inline += f"<request-token xmlns='{FAST}' mechanism='{TOKENS}'/>"
        success = await _with_password(connection, device, inline)
    renewed = success.find(f"{{{FAST}}}token")
    if renewed is not None:
        device.token = (renewed.get("token"), 0)
    if success.find(f"{{{SM}}}resumed") is not None:
        return Login(resumed=True)
    return await _bound(connection, device, success)


def _bind(device):
    wanted = "<tag>matrix</tag>"
    if device.model.carbons:
        wanted += f"<enable xmlns='{CARBONS}'/>"
    if device.model.sm:
        wanted += f"<enable xmlns='{SM}' resume='true'/>"
    return f"<bind xmlns='{BIND2}'>{wanted}</bind>"


async def _with_password(connection, device, inline):
    scram = Scram("SCRAM-SHA-256", device.local, device.password)
    connection.write(f"<authenticate xmlns='{SASL2}' mechanism='{scram.mechanism}'><initial-response>"
                     f"{sasl.b64(scram.first())}</initial-response>{inline}</authenticate>")
    challenge = await _sasl(connection, SASL2, "challenge")
    connection.write(f"<response xmlns='{SASL2}'>{sasl.b64(scram.final(sasl.unb64(challenge.text)))}</response>")
    success = await _sasl(connection, SASL2, "success")
    scram.verify(sasl.unb64(success.find(f"{{{SASL2}}}additional-data").text))
    return success


async def _with_token(connection, device, token, inline):
    """HT-SHA-256-NONE: authcid NUL HMAC(token, "Initiator"); the answer proves the server's token."""
    secret, count = token[0].encode(), token[1] + 1
    device.token = (token[0], count)
    first = device.local.encode() + b"\0" + hmac.digest(secret, b"Initiator", "sha256")
    connection.write(f"<authenticate xmlns='{SASL2}' mechanism='{TOKENS}'><initial-response>{sasl.b64(first)}"
                     f"</initial-response>{inline}<fast xmlns='{FAST}' count='{count}'/></authenticate>")
    success = await _sasl(connection, SASL2, "success")
    proof = sasl.unb64(success.find(f"{{{SASL2}}}additional-data").text)
    if proof != hmac.digest(secret, b"Responder", "sha256"):
        raise Broken(f"{connection.label}: the server does not prove that it knows the token")
    return success


async def _bound(connection, device, success):
    bound = success.find(f"{{{BIND2}}}bound")
    if bound is None:
        raise Broken(f"{connection.label}: no <bound/> in <success/>")
    device.full = success.findtext(f"{{{SASL2}}}authorization-identifier")
    if device.model.sm and not connection.counting:
        raise Broken(f"{connection.label}: stream management refused")
    await connection.features()
    metadata = bound.find(f"{{{MAM}}}metadata")
    cut = None
    if metadata is not None:
        end = metadata.find(f"{{{MAM}}}end")
        cut = "" if end is None else end.get("id")
    return Login(cut=cut, failed=success.find(f"{{{SM}}}failed") is not None)
