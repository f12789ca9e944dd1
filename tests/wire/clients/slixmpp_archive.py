#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""slixmpp's own archive client (plugins 0313, 0441): slixmpp_archive.py JID PASSWORD HOST PORT.
Prints what it learns as one JSON object."""
import asyncio
import json
import ssl
import sys

import slixmpp

jid, password, host, port = sys.argv[1:5]
client = slixmpp.ClientXMPP(jid, password)
for plugin in ("xep_0030", "xep_0059", "xep_0313", "xep_0441"):
    client.register_plugin(plugin)
client.ssl_context = ssl.create_default_context()
client.ssl_context.check_hostname, client.ssl_context.verify_mode = False, ssl.CERT_NONE
done = asyncio.get_event_loop().create_future()


def text(wrapper):
    return wrapper["mam_result"]["forwarded"]["stanza"]["body"]


async def learn(_):
    mam, prefs = client["xep_0313"], client["xep_0441"]
    info = await client["xep_0030"].get_info(jid=client.boundjid.bare)
    found = {"features": sorted(info["disco_info"]["features"])}
    found["fields"] = sorted((await mam.get_fields()).get_fields())
    found["forwards"] = [text(m) async for m in mam.iterate(rsm={"max": 3})]
    found["backwards"] = [text(m) async for m in mam.iterate(rsm={"max": 4}, reverse=True)]
    with_jid = slixmpp.JID(sys.argv[5])
    found["with"] = [text(m) async for m in mam.iterate(with_jid=with_jid)]
    metadata = (await mam.get_archive_metadata())["mam_metadata"]
    found["ends"] = [metadata["start"]["id"], metadata["end"]["id"]]
    await prefs.set_preferences(default="roster", always=[with_jid], never=[slixmpp.JID("a@b.example")])
    default, always, never = await prefs.get_preferences()
    found["preferences"] = [default, sorted(map(str, always)), sorted(map(str, never))]
    return found


async def started(event):
    try:
        done.set_result(await asyncio.wait_for(learn(event), 60))
    except Exception as error:
        done.set_exception(error)


client.add_event_handler("session_start", started)
client.add_event_handler("failed_all_auth", lambda _: done.set_exception(RuntimeError("refused")))
client.connect(address=(host, int(port)), use_ssl=False, force_starttls=True, disable_starttls=False)
result = asyncio.get_event_loop().run_until_complete(done)
print(json.dumps(result))
client.disconnect()
