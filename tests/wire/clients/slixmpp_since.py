#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A slixmpp client that keeps what it has read and cleans up with urn:xylem:removal:0: slixmpp_since.py JID
PASSWORD HOST PORT. It takes a token, reads its archive into its cache and says what is there; at a line on
standard input it asks what was removed since, and says again. It does not read the archive twice."""
import asyncio
import ssl
import sys

import slixmpp
from slixmpp.xmlstream import ElementBase, register_stanza_plugin

jid, password, host, port = sys.argv[1:5]
NS = "urn:xylem:removal:0"


class Removed(ElementBase):
    name, namespace, plugin_attrib, plugin_multi_attrib = "removed", NS, "removed", "all"
    interfaces = {"id", "stamp", "state", "notice", "client-id"}


class Removals(ElementBase):
    name, namespace, plugin_attrib = "removals", NS, "removals"
    interfaces = {"since", "max", "token", "complete"}


register_stanza_plugin(slixmpp.Iq, Removals)
register_stanza_plugin(Removals, Removed, iterable=True)
client = slixmpp.ClientXMPP(jid, password)
for plugin in ("xep_0030", "xep_0059", "xep_0313"):
    client.register_plugin(plugin)
client.ssl_context = ssl.create_default_context()
client.ssl_context.check_hostname, client.ssl_context.verify_mode = False, ssl.CERT_NONE
done = asyncio.get_event_loop().create_future()
cache = {}


def show():
    print("cached", ", ".join(sorted(cache.values())), flush=True)


async def ask(since=None):
    iq = client.make_iq_get()
    iq["removals"]["since"] = since
    return (await iq.send())["removals"]


async def clean(token):
    while True:
        answer = await ask(token)
        for removed in answer["substanzas"]:
            cache.pop(removed["id"], None)
        token = answer["token"]
        if answer["complete"] == "true":
            return token


async def learn():
    info = await client["xep_0030"].get_info(jid=client.boundjid.bare)
    assert NS + "#since" in info["disco_info"]["features"]
    token = (await ask())["token"]
    async for message in client["xep_0313"].iterate(rsm={"max": 10}):
        result = message["mam_result"]
        if result["forwarded"]["stanza"]["body"]:
            cache[result["id"]] = result["forwarded"]["stanza"]["body"]
    show()
    await asyncio.get_event_loop().run_in_executor(None, sys.stdin.readline)
    await clean(token)
    show()


async def started(_):
    try:
        done.set_result(await asyncio.wait_for(learn(), 60))
    except Exception as error:
        done.set_exception(error)


client.add_event_handler("session_start", started)
client.add_event_handler("failed_all_auth", lambda _: done.set_exception(RuntimeError("refused")))
client.connect(address=(host, int(port)), use_ssl=False, force_starttls=True, disable_starttls=False)
asyncio.get_event_loop().run_until_complete(done)
client.disconnect()
