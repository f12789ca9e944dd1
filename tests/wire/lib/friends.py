# SPDX-License-Identifier: MIT
"""Contacts for tests that are about something else."""


def befriend(*people):
    """Everybody (online) sees everybody; what was heard on the way is gone."""
    for a in people:
        for b in people:
            if a is not b:
                b.sends(f"<presence to='{a}' type='subscribed'/>")  # pre-approval, or the approval
                a.sends(f"<presence to='{b}' type='subscribe'/>")
                a.settles()
                b.sends(f"<presence to='{a}' type='subscribed'/>")
                b.settles()
    for a in people:
        a.settles()
        a.events.clear()


def watch(watcher, watched):
    """`watcher` sees `watched`, not the other way round."""
    watcher.sends(f"<presence to='{watched}' type='subscribe'/>")
    watcher.settles()
    watched.sends(f"<presence to='{watcher}' type='subscribed'/>")
    watched.settles()
    watcher.settles()
    for client in (watcher, watched):
        client.events.clear()
