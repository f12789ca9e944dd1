# SPDX-License-Identifier: MIT
"""What the wire tests stand on: an XMPP client on plain sockets, servers of their own, databases."""
