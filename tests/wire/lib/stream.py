# SPDX-License-Identifier: MIT
"""One XML stream on a plain socket: bytes, TLS, headers, elements. Knows nothing of logins.

Every wait has a time limit (PATIENCE seconds) and nothing sleeps."""
import os
import select
import socket
import ssl
import time

from . import dom
from .dom import NS

PATIENCE = float(os.environ.get("WIRE_PATIENCE", "20"))


class Ended(Exception):
    """The stream or the connection ended where something else was awaited."""


def tls_context(lowest=ssl.TLSVersion.TLSv1_2, highest=ssl.TLSVersion.MAXIMUM_SUPPORTED, alpn=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if lowest < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = lowest, highest
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


class Stream:
    """A connection and its XML stream. `log` holds the dialogue for the report of a failed test."""

    def __init__(self, port, address="127.0.0.1", label="C", receive_buffer=None, source=None):
        self.label = label
        self.log = []
        self.parser = dom.StreamParser()
        self.events = []  # parsed and not yet looked at
        self.header = None
        self.eof = False
        self.sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(PATIENCE)
        if source:  # another address of ours: 127.0.0.2
            self.sock.bind((source, 0))
        self.sock.connect((address, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # ---- bytes ------------------------------------------------------------------------------

    def sends_bytes(self, octets):
        self._note("→", octets.decode("utf-8", "replace"))
        self.sock.settimeout(PATIENCE)
        self.sock.sendall(octets)

    def sends(self, *texts):
        self.sends_bytes("".join(texts).encode())

    def _receive(self, patience):
        """Feeds the parser once; False when nothing came in time."""
        if self.eof:
            return True
        self.sock.settimeout(max(patience, 0.001))
        try:
            octets = self.sock.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except (ConnectionError, ssl.SSLError, OSError) as error:
            self._note("←", f"[{error!r}]")
            octets = b""
        if not octets:
            self.eof = True
            self.events.append(("eof", None))
            return True
        self._note("←", octets.decode("utf-8", "replace"))
        self.events.extend(self.parser.feed(octets))
        return True

    def next_event(self, patience=None):
        """("open", header) | ("element", e) | ("close", None) | ("eof", None)"""
        deadline = time.monotonic() + (PATIENCE if patience is None else patience)
        while not self.events:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{self.label} heard nothing\n{self.dialogue()}")
            self._receive(left)
        kind, item = self.events[0]
        if kind != "eof":
            self.events.pop(0)
        return kind, item

    def next_element(self, patience=None):
        kind, item = self.next_event(patience)
        if kind != "element":
            raise Ended(f"{self.label} expected an element, got {kind}\n{self.dialogue()}")
        return item

    def has_input(self):
        """Whether something is there already, without waiting."""
        while not self.events:
            pending = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()
            if not pending and not select.select([self.sock], [], [], 0)[0]:
                return False
            if not self._receive(0.001):
                return False
        return True

    # ---- stream ------------------------------------------------------------------------------

    def header_text(self, to, **attributes):
        given = {"xmlns": "jabber:client", "xmlns:stream": NS["stream"], "to": to, "version": "1.0"}
        given.update({k.rstrip("_").replace("xml_", "xml:"): v for k, v in attributes.items()})
        text = " ".join(f"{k}='{v}'" for k, v in given.items() if v is not None)
        return f"<?xml version='1.0'?><stream:stream {text}>"

    def sends_header(self, to, **attributes):
        """Restarts the parser: what comes next is a new document."""
        self.parser.restart()
        self.header = None
        self.sends(self.header_text(to, **attributes))

    def hears_header(self):
        kind, item = self.next_event()
        assert kind == "open", f"{self.label} expected a stream header, got {kind}\n{self.dialogue()}"
        assert item.tag == f"{{{NS['stream']}}}stream", item.tag
        self.header = item
        return item

    def hears_features(self):
        features = self.next_element()
        assert features.tag == f"{{{NS['stream']}}}features", dom.show(features) + "\n" + self.dialogue()
        return features

    def opens(self, to, **attributes):
        """Header and features, both ways."""
        self.sends_header(to, **attributes)
        self.hears_header()
        self.features = self.hears_features()
        return self.features

    def starts_tls(self, name=None, context=None):
        """The <starttls/> exchange and the handshake; the caller opens the new stream."""
        self.sends(f"<starttls xmlns='{NS['tls']}'/>")
        answer = self.next_element()
        assert answer.tag == f"{{{NS['tls']}}}proceed", dom.show(answer)
        self.handshakes(name, context)

    def handshakes(self, name=None, context=None):
        self.sock.settimeout(PATIENCE)
        self.sock = (context or tls_context()).wrap_socket(self.sock, server_hostname=name)

    def hears_stream_error(self, condition, text=None):
        """A stream error, </stream:stream>, and the end of the connection. A header may precede it."""
        kind, item = self.next_event()
        if kind == "open":
            self.header = item
            kind, item = self.next_event()
        if kind == "element" and item.tag == f"{{{NS['stream']}}}features":
            kind, item = self.next_event()
        assert kind == "element" and item.tag == f"{{{NS['stream']}}}error", (
            f"{self.label} expected a stream error {condition}, got "
            f"{dom.show(item) if kind == 'element' else kind}\n{self.dialogue()}")
        found = [dom.name(child) for child in item]
        assert (NS["streams"], condition) == found[0], f"expected {condition}: {dom.show(item)}"
        assert self.next_event()[0] == "close", f"</stream:stream> after the error\n{self.dialogue()}"
        self.hears_eof()
        return item

    def hears_close(self):
        kind, item = self.next_event()
        assert kind == "close", f"{self.label} expected </stream:stream>, got {kind} {item is not None and dom.show(item)}"
        self.hears_eof()

    def hears_eof(self):
        kind, item = self.next_event()
        assert kind == "eof", f"{self.label} expected the end of the connection, got {kind}\n{self.dialogue()}"

    def is_ended(self):
        return self.eof

    def ends(self):
        """Closes the stream the polite way and waits for the server to do so too."""
        self.sends("</stream:stream>")
        while self.next_event()[0] != "close":
            pass
        self.breaks()

    def breaks(self):
        """Drops the connection as a dead battery would (but with FIN)."""
        self.sock.close()
        self.eof = True

    def resets(self):
        """Drops the connection with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.breaks()

    # ---- for people ---------------------------------------------------------------------------

    def _note(self, direction, text):
        self.log.append((direction, text))

    def dialogue(self, last=25):
        lines = [f"    {self.label} {d} {t if len(t) < 1500 else t[:1500] + ' …'}" for d, t in self.log[-last:]]
        return "The dialogue so far:\n" + "\n".join(lines)
