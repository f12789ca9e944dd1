/* SPDX-License-Identifier: MIT */
/*
 * What a stream is offered. The list as it was announced is kept with the stream until it has
 * logged in: SASL2 lets a client use nothing else (XEP-0388 2.3), and SCRAM signs it, so that a
 * client notices when somebody between has shortened it (XEP-0474, XEP-0515).
 */
#include "modules/sasl/sasl.h"

/* The string that is hashed (XEP-0474 5.1): sorted names joined by 0x1E, 0x1F before types. */
static const struct xy_note announced_kinds[] = {{"sasl.announced1", 1, 0},
                                                 {"sasl.announced2", 1, 0}};
static const char between[] = "\x1e", before_types[] = "\x1f";

/* Whom the stream claims to be from decides; that proves nothing and shows nothing. */
static unsigned
hashes_for(const struct xy_stream *stream)
{
    const struct xy_jid *from = xy_stream_from(stream);
    bool names_account = from && xy_jid_local(from).len > 0;
    unsigned hashes;
    if (xy_account_hashes(names_account ? xy_jid_bare(from) : NULL, &hashes) != XY_OK)
        return ~0u; /* the database does not answer, nor will it at the login */
    return hashes;
}

xy_status
offer_mechanisms(struct sasl *self, struct xy_stream *stream,
                 enum xy_sasl_profile profile __attribute__((unused)), struct xy_node *list)
{
    unsigned hashes = hashes_for(stream);
    for (size_t i = 0; i < mechanisms_count; i++) {
        const struct mechanism *mechanism = &mechanisms[i];
        bool has_keys = mechanism->is_plain || hashes & 1u << mechanism->hash;
        if (has_keys && !mechanism_refusal(self, stream, mechanism))
            xy_node_add_text(xy_node_add(list, XY_NO_STR, XY_STR("mechanism")),
                             xy_str_from(mechanism->name));
    }
    return XY_OK;
}

xy_status
offer_bindings(struct sasl *self __attribute__((unused)), struct xy_stream *stream,
               struct xy_node *features)
{
    struct xy_str ns = XY_STR(XY_NS_SASL_CB), name = XY_STR("sasl-channel-binding");
    if (!stream_binds(stream) || xy_node_child(features, ns, name))
        return XY_OK;
    struct xy_node *types = xy_node_add(features, ns, name);
    for (size_t i = 0; i < binding_types_count; i++) {
        struct xy_str type = xy_str_from(binding_types[i]);
        if (xy_stream_channel_binding(stream, type).len)
            xy_node_set(xy_node_add(types, XY_NO_STR, XY_STR("channel-binding")), "type", type);
    }
    return XY_OK;
}

/* ---- what was announced ------------------------------------------------------------------ */

struct names {
    struct xy_str *at;
    size_t count;
};

static struct names
mechanisms_of(const struct xy_node *list)
{
    struct names names = {0};
    const struct xy_node *node;
    for (node = xy_node_first(list); node; node = xy_node_next(node))
        names.count++;
    names.at = xy_temp_alloc((names.count + 1) * sizeof(*names.at));
    names.count = 0;
    for (node = xy_node_first(list); node; node = xy_node_next(node))
        if (xy_node_is(node, xy_node_ns(list), XY_STR("mechanism")))
            names.at[names.count++] = xy_node_text(node);
    return names;
}

static struct names
types_of(const struct xy_stream *stream)
{
    struct names names = {xy_temp_alloc(binding_types_count * sizeof(*names.at)), 0};
    for (size_t i = 0; i < binding_types_count; i++) {
        struct xy_str type = xy_str_from(binding_types[i]);
        if (xy_stream_channel_binding(stream, type).len)
            names.at[names.count++] = type;
    }
    return names;
}

static struct xy_str
join_sorted(struct names names)
{
    for (size_t i = 1; i < names.count; i++)
        for (size_t j = i; j && xy_str_compare(names.at[j - 1], names.at[j]) > 0; j--) {
            struct xy_str later = names.at[j - 1];
            names.at[j - 1] = names.at[j];
            names.at[j] = later;
        }
    return xy_temp_join(names.at, names.count, between);
}

xy_status
offer_announced(struct sasl *self __attribute__((unused)), struct xy_stream *stream,
                enum xy_sasl_profile profile, const struct xy_node *list)
{
    struct xy_buffer text = {0};
    xy_buffer_add(&text, join_sorted(mechanisms_of(list)));
    struct names types = types_of(stream);
    if (types.count) {
        xy_buffer_add(&text, xy_str_from(before_types));
        xy_buffer_add(&text, join_sorted(types));
    }
    void *kept = xy_stream_note_resize(stream, &announced_kinds[profile], text.len);
    memcpy(kept, text.text ? text.text : "", text.len);
    return XY_OK;
}

static struct xy_str
announced(struct xy_stream *stream, enum xy_sasl_profile profile)
{
    const struct xy_note *kind = &announced_kinds[profile];
    return xy_str_of(xy_stream_note_find(stream, kind), xy_stream_note_size(stream, kind));
}

bool
offer_had(struct xy_stream *stream, enum xy_sasl_profile profile, struct xy_str mechanism)
{
    struct xy_str rest = announced(stream, profile);
    rest = xy_str_cut(&rest, before_types[0]);
    while (rest.len)
        if (xy_str_equal(xy_str_cut(&rest, between[0]), mechanism))
            return mechanism.len > 0;
    return false;
}

void
offer_forget(struct xy_stream *stream)
{
    xy_stream_note_drop(stream, &announced_kinds[XY_SASL1]);
    xy_stream_note_drop(stream, &announced_kinds[XY_SASL2]);
}

/* ---- attributes of SCRAM ----------------------------------------------------------------- */

static const char *
tls_version(const struct xy_stream *stream)
{
    struct xy_str name = xy_stream_tls(stream);
    return xy_str_starts(name, XY_STR("TLS1.3"))   ? "0304"
           : xy_str_starts(name, XY_STR("TLS1.2")) ? "0303"
                                                   : NULL;
}

struct xy_str
offer_attributes(const struct sasl *self, struct xy_stream *stream,
                 enum xy_sasl_profile profile, enum xy_hash hash)
{
    struct xy_buffer out = {0};
    if (!self->downgrade_protection)
        return XY_NO_STR;
    unsigned char digest[XY_HASH_MAX];
    xy_hash_digest(hash, announced(stream, profile), digest);
    struct xy_str bytes = xy_str_of((const char *)digest, xy_hash_size(hash));
    xy_buffer_printf(&out, ",h=" XY_FMT, XY_ARG(xy_temp_base64(bytes)));
    if (self->tls_downgrade_protection && tls_version(stream))
        xy_buffer_printf(&out, ",t=%s", tls_version(stream));
    return xy_buffer_str(&out);
}
