# SPDX-License-Identifier: MIT
"""Programs a test starts: free ports, certificates, unprivileged users, waiting for a condition."""
import os
import pwd
import random
import socket
import subprocess
import time

from .stream import PATIENCE


def free_ports(count):
    """Ports nobody uses just now; all held while choosing, so they differ. Below those that the kernel gives
    to outgoing connections, which would take one between two starts of a server."""
    held = []
    try:
        while len(held) < count:
            s = socket.socket()
            try:
                s.bind(("127.0.0.1", random.SystemRandom().randrange(10240, 32000)))
                held.append(s)
            except OSError:
                s.close()
        return [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()


def wait_until(condition, what, patience=PATIENCE, process=None):
    """Polls something outside our reach (a program's start). Raises when `process` ends meanwhile."""
    deadline = time.monotonic() + patience
    while not condition():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"{what}: the program ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.01)


def accepts(port, address="127.0.0.1"):
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


def unprivileged(user, directory, command):
    """`command` as `user` when we are root; `directory` becomes theirs."""
    if os.getuid() != 0:
        return command
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        entry = pwd.getpwnam("nobody")
    os.chown(directory, entry.pw_uid, entry.pw_gid)
    for parent in [directory, *directory.parents]:
        if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", *command]


def make_certificate(directory, *names, stem="cert", algorithm="ec"):
    """A self-signed certificate for the names; returns the paths of certificate and key."""
    certificate, key = directory / f"{stem}.pem", directory / f"{stem}.key"
    kinds = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "rsa": ["rsa:2048"]}
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", *kinds[algorithm], "-nodes", "-days", "30", "-sha256",
         "-subj", f"/CN={names[0]}", "-addext", "subjectAltName=" + ",".join(f"DNS:{n}" for n in names),
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True)
    key.chmod(0o644 if os.getuid() == 0 else 0o600)
    return certificate, key
