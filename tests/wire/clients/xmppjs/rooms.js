// SPDX-License-Identifier: MIT
// xmpp.js in rooms: it knows nothing of them, so everything here is a stanza of our own, as its users write
// them. Driven by lines; ../slixmpp_rooms.py has the language.
//
// node rooms.js JID PASSWORD HOST PORT starttls|direct STATE
import { webcrypto } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

// Before Node 19 it is no global.
globalThis.crypto ??= webcrypto;
// The tests' certificates are their own.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
process.removeAllListeners("warning");

const library = createRequire(process.env.XYLEM_NODE_MODULES + "/");
const { client, xml, jid } = await import(pathToFileURL(library.resolve("@xmpp/client")));

const [address, password, host, port, tls] = process.argv.slice(2);
const me = jid(address);
const MUC = "http://jabber.org/protocol/muc";
const NS = { user: `${MUC}#user`, admin: `${MUC}#admin`, owner: `${MUC}#owner`, data: "jabber:x:data",
  mam: "urn:xmpp:mam:2", rsm: "http://jabber.org/protocol/rsm", forward: "urn:xmpp:forward:0",
  omemo: "urn:xmpp:omemo:2", direct: "jabber:x:conference" };

const say = (...words) => console.log(words.join(" "));
const xmpp = client({ service: `${tls === "direct" ? "xmpps" : "xmpp"}://${host}:${port}`, domain: me.domain,
  username: me.local, password });
xmpp.timeout = 20_000;
const nicks = {};
let joining = null;

xmpp.on("error", (error) => say("error", error.message));
xmpp.on("online", async (full) => {
  await xmpp.send(xml("presence"));
  say("online", full, "secured");
});
xmpp.on("stanza", (stanza) => {
  if (stanza.is("presence")) heardPresence(stanza);
  if (stanza.is("message")) heardMessage(stanza);
});

const textOf = (message) =>
  message.getChild("encrypted", NS.omemo)?.getChildText("payload") ?? message.getChildText("body");

function heardPresence(stanza) {
  const { from, type } = stanza.attrs;
  if (type === "error") return joining && say("failed", "join", stanza.getChild("error").children[0].name);
  const x = stanza.getChild("x", NS.user);
  if (!x) return;
  const codes = x.getChildren("status").map((status) => status.attrs.code).sort();
  const item = x.getChild("item");
  if (type === "unavailable") return say("gone", from, codes.join(",") || "-");
  say("occupant", from, item.attrs.affiliation, item.attrs.role, item.attrs.jid ?? "-");
  if (codes.includes("110") && joining === from) {
    joining = null;
    say("joined", ...from.split("/"));
    say("done", "join");
  }
}

function heardMessage(stanza) {
  const result = stanza.getChild("result", NS.mam);
  if (result) {
    const message = result.getChild("forwarded", NS.forward).getChild("message");
    return say("archived", message.attrs.from, textOf(message));
  }
  const invitation = stanza.getChild("x", NS.direct);
  if (invitation) return say("invited", invitation.attrs.jid, stanza.attrs.from);
  if (stanza.attrs.type !== "groupchat") return;
  if (stanza.getChild("encrypted", NS.omemo)) return say("encrypted", stanza.attrs.from, textOf(stanza));
  if (stanza.getChild("body")) return say("said", stanza.attrs.from, textOf(stanza));
  if (stanza.getChild("subject")) say("topic", stanza.attrs.from.split("/")[0], stanza.getChildText("subject"));
}

const ask = (type, to, payload) => xmpp.iqCaller.request(xml("iq", { type, to }, payload));
const admin = (room, item) => ask("set", room, xml("query", NS.admin, xml("item", item)));
const send = (to, ...payload) =>
  xmpp.send(xml("message", { to, type: "groupchat", id: crypto.randomUUID() }, ...payload));

// Page by page; the results come before the answer that ends the page.
async function readArchive(room) {
  let after;
  for (let complete = false; !complete; ) {
    const page = xml("set", NS.rsm, xml("max", {}, "2"), after && xml("after", {}, after));
    const fin = (await ask("set", room, xml("query", NS.mam, page))).getChild("fin", NS.mam);
    complete = fin.attrs.complete === "true";
    after = fin.getChild("set", NS.rsm)?.getChildText("last");
  }
  say("archive complete");
}

const verbs = {
  join(room, nick) {
    joining = `${room}/${nick}`;
    nicks[room] = nick;
    return xmpp.send(xml("presence", { to: joining }, xml("x", MUC, xml("history", { maxstanzas: 0 }))));
  },
  part: (room) => xmpp.send(xml("presence", { to: `${room}/${nicks[room]}`, type: "unavailable" })),
  say: (room, ...text) => send(room, xml("body", {}, text.join(" "))),
  topic: (room, ...text) => send(room, xml("subject", {}, text.join(" "))),
  role: (room, nick, role) => admin(room, { nick, role }),
  affiliate: (room, jid, affiliation) => admin(room, { jid, affiliation }),
  configure(room, ...changes) {
    const fields = changes.map((change) => change.split("=")).map(([name, value]) =>
      xml("field", { var: `muc#roomconfig_${name}` }, xml("value", {}, value)));
    const type = xml("field", { var: "FORM_TYPE" }, xml("value", {}, `${MUC}#roomconfig`));
    return ask("set", room, xml("query", NS.owner, xml("x", { xmlns: NS.data, type: "submit" }, type, ...fields)));
  },
  async affiliations(room, affiliation) {
    const answer = await ask("get", room, xml("query", NS.admin, xml("item", { affiliation })));
    const found = answer.getChild("query", NS.admin).getChildren("item").map((item) => item.attrs.jid);
    found.sort().forEach((jid) => say("affiliated", jid));
  },
  archive: readArchive,
  invite: (room, to) => xmpp.send(xml("message", { to }, xml("x", { xmlns: NS.direct, jid: room }))),
  encrypt: (room, payload) => send(room, xml("body", {}, "I sent you an OMEMO message"),
    xml("encrypted", NS.omemo, xml("header", { sid: "27183" }), xml("payload", {}, payload))),
  async quit() {
    xmpp.reconnect.stop();
    await xmpp.stop();
    say("offline");
    process.exit(0);
  },
};

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const [verb, room, ...rest] = line.split(" ");
    try {
      await verbs[verb](room, ...rest);
      if (verb !== "join") say("done", verb);
    } catch (error) {
      say("failed", verb, error.condition ?? error.message);
    }
  })
  .on("close", () => verbs.quit());

xmpp.start().catch((error) => say("refused", error.message));
