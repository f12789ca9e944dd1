# SPDX-License-Identifier: MIT
"""Two administrators (N3). The control socket names who asks by the user of the process, so the second one
is a process of another user, where the tests may start one; elsewhere the database is told that somebody
else has asked, and that somebody else has agreed."""
import grp
import json
import os
import pwd
import subprocess

import pytest

from . import database
from .server import CommandFailed

ME = f"unix:{os.getuid()}"
IS_ROOT = os.getuid() == 0
USER = 65534 if IS_ROOT else 7
GROUP = grp.getgrgid(pwd.getpwuid(USER).pw_gid).gr_name
OTHER = f"unix:{USER}"
# Of a configuration: what lets the other one use xylemctl.
SHARED = {"control_group": GROUP} if IS_ROOT else {}


def approvals(acts=None, **options):
    """The module's configuration."""
    return {"approvers": [ME, OTHER], **({"acts": acts} if acts is not None else {}), **options}


class Other:
    """Another administrator of the machine; the server shares its socket with his group."""

    def __init__(self, server):
        self.server = server
        server.directory.parent.chmod(0o711)
        server.directory.chmod(0o711)
        server.config_file.chmod(0o644)

    def ctl(self, *words):
        command = [str(self.server.build / "xylemctl"), "-c", str(self.server.config_file), *map(str, words), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, user=USER, group=GROUP,
                              extra_groups=[], cwd=self.server.directory, env=self.server.environment())
        return done.returncode, json.loads(done.stdout)


needs_root = pytest.mark.skipif(not IS_ROOT, reason="a process of another user takes root")


class Consent:
    def __init__(self, server, request):
        self.server, self.request = server, request

    def refused(self, *words):
        """The number of the request that an attempt of mine has become; nothing else is in the answer."""
        status, text, _ = self.server.ctl(*words, "--json", check=False)
        answer = json.loads(text)
        assert status == 5 and "second person" in answer["error"], text
        assert set(answer["fields"]) == {"approval", "approval_state", "expires"} and not answer["rows"], text
        return answer["fields"]["approval"]

    def given(self, number):
        """The other one agrees."""
        if IS_ROOT:
            status, answer = Other(self.server).ctl("approval", "approve", number)
            assert status == 0, answer
            return
        change = f"update approvals_request set {{}} where id = {number}"
        database.change(self.server, self.request, change.format(f"asker = '{OTHER}'"))
        self.server.ctl("approval", "approve", number)
        database.change(self.server, self.request, change.format(f"asker = '{ME}', approver = '{OTHER}'"))

    def does(self, *words):
        """Refused, agreed to, done, and refused once more: the answer."""
        number = self.refused(*words)
        self.given(number)
        answer = self.server.json(*words)
        assert self.shown(number)["state"] == "used"
        return answer

    def shown(self, number):
        return self.server.json("approval", "show", number)["fields"]

    def denied(self, *words):
        with pytest.raises(CommandFailed) as failed:
            self.server.ctl(*words)
        assert failed.value.status == 5, failed.value.error
        return failed.value.error
