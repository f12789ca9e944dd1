# SPDX-License-Identifier: MIT
"""SASL mechanisms of a client: PLAIN (RFC 4616), SCRAM (RFC 5802, 7677) with channel binding."""
import base64
import functools
import hashlib
import hmac
import secrets
import ssl

HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


def b64(octets):
    return base64.b64encode(octets).decode()


def unb64(text):
    return base64.b64decode(text or "", validate=True)


@functools.lru_cache(maxsize=None)
def salted_password(hash, password, salt, iterations):
    """Cached, as clients may: half a thousand logins of a crash test would be nothing but this."""
    return hashlib.pbkdf2_hmac(hash, password.encode(), salt, iterations)


def plain(user, password, authzid=""):
    return f"{authzid}\0{user}\0{password}".encode()


def server_end_point(certificate):
    """RFC 5929 tls-server-end-point of a DER certificate: its signature's hash, SHA-256 at least."""
    # OIDs of the signature algorithms that the tests' certificates use, as DER.
    sha384 = (bytes.fromhex("2a864886f70d01010c"), bytes.fromhex("2a8648ce3d040303"))
    sha512 = (bytes.fromhex("2a864886f70d01010d"), bytes.fromhex("2a8648ce3d040304"))
    algorithm = "sha256"
    if any(oid in certificate for oid in sha384):
        algorithm = "sha384"
    elif any(oid in certificate for oid in sha512):
        algorithm = "sha512"
    return hashlib.new(algorithm, certificate).digest()


def channel_binding(sock, kind):
    """Octets of the binding `kind` of an ssl socket. Python 3.11 knows tls-unique; server-end-point is computed."""
    if kind == "tls-server-end-point":
        return server_end_point(sock.getpeercert(binary_form=True))
    return sock.get_channel_binding(kind)


class Scram:
    """One SCRAM exchange. Attributes can be changed before use, to play a wrong client."""

    def __init__(self, mechanism, user, password, sock=None, binding=None):
        self.mechanism = mechanism
        self.hash = HASHES[mechanism.removesuffix("-PLUS")]
        self.user = user.replace("=", "=3D").replace(",", "=2C")
        self.password = password
        self.nonce = secrets.token_urlsafe(18)
        self.binding_data = b""
        self.gs2 = "n,,"
        if mechanism.endswith("-PLUS"):
            kind = binding or "tls-server-end-point"
            self.gs2 = f"p={kind},,"
            self.binding_data = channel_binding(sock, kind)
        elif isinstance(sock, ssl.SSLSocket) and binding == "y":
            self.gs2 = "y,,"

    def first(self):
        self.first_bare = f"n={self.user},r={self.nonce}"
        return (self.gs2 + self.first_bare).encode()

    def final(self, challenge):
        """The answer to the server's first message."""
        server_first = challenge.decode()
        fields = dict(f.split("=", 1) for f in server_first.split(","))
        self.fields = fields
        assert fields["r"].startswith(self.nonce) and len(fields["r"]) > len(self.nonce), "the server's nonce"
        salted = salted_password(self.hash, self.password, unb64(fields["s"]), int(fields["i"]))
        without_proof = f"c={b64(self.gs2.encode() + self.binding_data)},r={fields['r']}"
        auth = f"{self.first_bare},{server_first},{without_proof}".encode()
        client_key = self._mac(salted, b"Client Key")
        signature = self._mac(hashlib.new(self.hash, client_key).digest(), auth)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.expected = self._mac(self._mac(salted, b"Server Key"), auth)
        return f"{without_proof},p={b64(proof)}".encode()

    def verify(self, success):
        """The server proves that it knows the password too."""
        assert success.decode() == f"v={b64(self.expected)}", "wrong server signature"

    def _mac(self, key, text):
        return hmac.new(key, text, self.hash).digest()


def keys(mechanism, password, iterations=4096, salt=None):
    """What a server keeps of a password, as RFC 5803 writes it."""
    name, salt = HASHES[mechanism], salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac(name, password.encode(), salt, iterations)
    client_key, server_key = (hmac.new(salted, text, name).digest() for text in (b"Client Key", b"Server Key"))
    stored_key = hashlib.new(name, client_key).digest()
    return f"{mechanism}${iterations}:{b64(salt)}${b64(stored_key)}:{b64(server_key)}"
