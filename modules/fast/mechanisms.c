/* SPDX-License-Identifier: MIT */
/*
 * The mechanisms HT-SHA-256-* (draft-schmaus-kitten-sasl-ht up to 09,
 * draft-ietf-kitten-sasl-ht-00: the form that clients speak). EXPR and ENDP only on a stream
 * that has that channel binding.
 */
#include "modules/fast/fast.h"

const struct ht mechanisms[] = {
    {"HT-SHA-256-EXPR", "tls-exporter"},
    {"HT-SHA-256-ENDP", "tls-server-end-point"},
    {"HT-SHA-256-NONE", NULL},
};
const size_t mechanisms_count = sizeof(mechanisms) / sizeof(mechanisms[0]);

static struct xy_str
binding_of(const struct xy_stream *stream, const struct ht *ht)
{
    return ht->binding ? xy_stream_channel_binding(stream, xy_str_from(ht->binding))
                       : XY_NO_STR;
}

bool
mechanism_fits(const struct xy_stream *stream, const struct ht *ht)
{
    return xy_stream_is_secure(stream) && (!ht->binding || binding_of(stream, ht).len);
}

const struct ht *
mechanism_for(const struct xy_stream *stream, struct xy_str name)
{
    for (size_t i = 0; i < mechanisms_count; i++)
        if (xy_str_equal(name, xy_str_from(mechanisms[i].name)))
            return mechanism_fits(stream, &mechanisms[i]) ? &mechanisms[i] : NULL;
    return NULL;
}

void
mechanism_proof(const struct xy_stream *stream, const struct ht *ht, struct xy_str key,
                struct xy_str who, unsigned char *out)
{
    struct xy_buffer message = {0};
    xy_buffer_add(&message, who);
    xy_buffer_add(&message, binding_of(stream, ht));
    xy_hash_hmac(XY_SHA256, key, xy_buffer_str(&message), out);
}
