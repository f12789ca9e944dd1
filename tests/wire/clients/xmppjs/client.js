// SPDX-License-Identifier: MIT
// A small chat client on xmpp.js for the wire tests, driven by lines: SASL2, Bind 2, FAST and stream
// management where the server offers them. The language of strophe_client.c, and:
//
//   in:   carbons · archive (reads all of it) · break (cuts the connection; it comes back by itself) ·
//         message-with-id JID ID TEXT · retract JID ID
//   out:  uses MECHANISM sasl2|sasl · token · resumed · copied JID TEXT · archived JID TEXT ·
//         archive complete · retracts JID ID · tombstone JID ID
//
// What a client remembers from start to start (its id, a FAST token) is in the file STATE.
//
// node client.js JID PASSWORD HOST PORT starttls|direct STATE
import { webcrypto } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
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

const [address, password, host, port, tls, statePath] = process.argv.slice(2);
const me = jid(address);
const state = existsSync(statePath) ? JSON.parse(readFileSync(statePath)) : { id: crypto.randomUUID() };
const NS = { mam: "urn:xmpp:mam:2", forward: "urn:xmpp:forward:0", carbons: "urn:xmpp:carbons:2",
  rsm: "http://jabber.org/protocol/rsm", retract: "urn:xmpp:message-retract:1", hints: "urn:xmpp:hints" };

const say = (...words) => console.log(words.join(" "));
const save = () => writeFileSync(statePath, JSON.stringify(state));
save();

const userAgent = xml("user-agent", { id: state.id }, xml("software", {}, "xmpp.js"), xml("device", {}, "tests"));
const xmpp = client({
  service: `${tls === "direct" ? "xmpps" : "xmpp"}://${host}:${port}`,
  domain: me.domain,
  username: me.local,
  userAgent,
  credentials: async (authenticate, mechanisms, fast) => {
    const token = await fast?.fetch();
    await authenticate({ username: me.local, password, token }, mechanisms[0], userAgent);
  },
});
xmpp.timeout = 20_000;
xmpp.reconnect.delay = 20;
Object.assign(xmpp.fast, {
  async saveToken(token) {
    state.token = token;
    save();
    say("token");
  },
  async fetchToken() {
    return state.token;
  },
  async deleteToken() {
    delete state.token;
    save();
  },
});

xmpp.on("error", (error) => say("error", error.message));
xmpp.on("send", (element) => {
  if (element.is("authenticate")) say("uses", element.attrs.mechanism, "sasl2");
  if (element.is("auth")) say("uses", element.attrs.mechanism, "sasl");
});
// xmpp.js 0.14 does not count the answers to what it asked for.
xmpp.prependListener("element", (element) => {
  if (element.name === "iq" && xmpp.iqCaller.handlers.has(element.attrs.id)) xmpp.streamManagement.inbound++;
});
xmpp.streamManagement.on("resumed", () => say("resumed"));
xmpp.on("online", async (full) => {
  say("online", full, "secured");
  try {
    await xmpp.iqCaller.get(xml("query", { xmlns: "jabber:iq:roster" }));
    await xmpp.send(xml("presence"));
  } catch (error) {
    say("failed", "presence", error.message); // it was told to go meanwhile
  }
});

xmpp.on("stanza", (stanza) => {
  if (stanza.is("presence")) return heardPresence(stanza);
  if (!stanza.is("message")) return;
  const result = stanza.getChild("result", NS.mam);
  if (result) return heardResult(result);
  const copy = stanza.getChild("received", NS.carbons) ?? stanza.getChild("sent", NS.carbons);
  const message = copy ? copy.getChild("forwarded", NS.forward).getChild("message") : stanza;
  const retract = message.getChild("retract", NS.retract);
  if (retract && message.attrs.type !== "error") return say("retracts", message.attrs.from, retract.attrs.id);
  const text = message.getChildText("body");
  if (text && message.attrs.type !== "error") say(copy ? "copied" : "message", message.attrs.from, text);
});

function heardPresence(stanza) {
  const type = stanza.attrs.type ?? "available";
  const words = { subscribe: "request", subscribed: "approved" };
  if (words[type]) return say(words[type], stanza.attrs.from);
  if (type.endsWith("available")) say("presence", stanza.attrs.from, type);
}

function heardResult(result) {
  const message = result.getChild("forwarded", NS.forward).getChild("message");
  if (message.getChild("retracted", NS.retract)) say("tombstone", message.attrs.from, message.attrs.id);
  else say("archived", message.attrs.from, message.getChildText("body"));
}

// Page by page; the results come before the answer that ends the page.
async function readArchive() {
  let after;
  for (let complete = false; !complete; ) {
    const page = xml("set", { xmlns: NS.rsm }, xml("max", {}, "2"), after && xml("after", {}, after));
    const query = xml("iq", { type: "set" }, xml("query", { xmlns: NS.mam }, page));
    const fin = (await xmpp.iqCaller.request(query)).getChild("fin", NS.mam);
    complete = fin.attrs.complete === "true";
    after = fin.getChild("set", NS.rsm)?.getChildText("last");
  }
  say("archive complete");
}

const verbs = {
  subscribe: (to) => xmpp.send(xml("presence", { to, type: "subscribe" })),
  approve: (to) => xmpp.send(xml("presence", { to, type: "subscribed" })),
  message: (to, text) => xmpp.send(xml("message", { to, type: "chat", id: crypto.randomUUID() }, xml("body", {}, text))),
  "message-with-id": (to, text) => {
    const [id, ...words] = text.split(" ");
    return xmpp.send(xml("message", { to, type: "chat", id }, xml("body", {}, words.join(" "))));
  },
  retract: (to, id) => xmpp.send(xml("message", { to, type: "chat", id: `r-${id}` },
    xml("retract", { xmlns: NS.retract, id }), xml("store", { xmlns: NS.hints }))),
  carbons: () => xmpp.iqCaller.set(xml("enable", { xmlns: NS.carbons })),
  break: () => xmpp.socket.socket.destroy(),
  archive: readArchive,
  async quit() {
    xmpp.reconnect.stop();
    await xmpp.stop();
    say("offline");
    process.exit(0);
  },
};

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const [verb, to, ...text] = line.split(" ");
    if (!verbs[verb]) return say("unknown", verb);
    try {
      await verbs[verb](to, text.join(" "));
    } catch (error) {
      say("failed", verb, error.message);
    }
  })
  .on("close", () => verbs.quit());

xmpp.start().catch((error) => say("refused", error.message));
