# SPDX-License-Identifier: MIT
"""TLS by pyOpenSSL, which can export keying material (RFC 9266); Python's ssl cannot."""
import select
import socket

from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_ASN1, dump_certificate

from .stream import PATIENCE


class ExporterSocket:
    """The few methods of a socket that Stream uses."""

    def __init__(self, sock, name, highest=0, options=0):
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_max_proto_version(highest)
        context.set_options(options)
        sock.setblocking(False)
        self.sock, self.patience = sock, PATIENCE
        self.tls = SSL.Connection(context, sock)
        if name:
            self.tls.set_tlsext_host_name(name.encode())
        self.tls.set_connect_state()
        self._patiently(self.tls.do_handshake)

    def _patiently(self, operation, *arguments):
        while True:
            try:
                return operation(*arguments)
            except SSL.WantReadError:
                if not select.select([self.sock], [], [], self.patience)[0]:
                    raise TimeoutError from None
            except SSL.WantWriteError:
                select.select([], [self.sock], [], self.patience)
            except (SSL.ZeroReturnError, SSL.SysCallError):
                return b""

    def settimeout(self, seconds):
        self.patience = seconds

    def fileno(self):
        return self.sock.fileno()

    def recv(self, size):
        return self._patiently(self.tls.recv, size)

    def sendall(self, octets):
        self._patiently(self.tls.sendall, octets)

    def get_channel_binding(self, kind):
        assert kind == "tls-exporter"
        return self.tls.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")

    def getpeercert(self, binary_form):
        assert binary_form
        return dump_certificate(FILETYPE_ASN1, self.tls.get_peer_certificate())

    def setsockopt(self, *arguments):
        self.sock.setsockopt(*arguments)

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


def by_exporter(client):
    """The client will use this library for its handshake."""

    def handshakes(name=None, context=None):
        client.sock = ExporterSocket(client.sock, name)

    client.handshakes = handshakes
    return client
