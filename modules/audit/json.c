/* SPDX-License-Identifier: MIT */
/*
 * Records and heads as JSON, a line each: what scripts/xylem-verify reads. Numbers stay below
 * 2^63, hashes and keys are hex, texts are the bytes that were hashed.
 */
#include "audit.h"

void
audit_json_text(struct xy_buffer *to, struct xy_str text)
{
    size_t from = 0;
    xy_buffer_add(to, XY_STR("\""));
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c != '"' && c != '\\' && c >= 0x20)
            continue;
        xy_buffer_add(to, xy_str_of(text.at + from, i - from));
        xy_buffer_printf(to, c < 0x20 ? "\\u%04x" : "\\%c", c);
        from = i + 1;
    }
    if (text.len > from)
        xy_buffer_add(to, xy_str_of(text.at + from, text.len - from));
    xy_buffer_add(to, XY_STR("\""));
}

static void
put_member(struct xy_buffer *to, const char *name, struct xy_str text)
{
    xy_buffer_printf(to, ", \"%s\": ", name);
    audit_json_text(to, text);
}

static void
put_hex(struct xy_buffer *to, const char *name, const void *bytes, size_t size)
{
    put_member(to, name, xy_temp_hex(xy_str_of(bytes, size)));
}

void
audit_json_record(struct xy_buffer *to, const struct record *record)
{
    const struct xy_audit_record *said = &record->said;
    xy_buffer_printf(to, "{\"seq\": %lld, \"at\": %lld, \"message\": %lld",
                     (long long)record->seq, (long long)record->at, (long long)said->message);
    put_member(to, "operation", said->operation);
    put_member(to, "actor", said->actor);
    put_member(to, "kind", said->kind);
    put_member(to, "account", said->account);
    put_member(to, "room", said->room);
    put_member(to, "reason", said->reason);
    put_member(to, "words", said->words);
    put_member(to, "details", said->details);
    put_hex(to, "previous", record->previous.at, HASH);
    put_hex(to, "hash", record->hash.at, HASH);
    xy_buffer_add(to, XY_STR("}"));
}

void
audit_json_head(struct xy_buffer *to, const struct head *head)
{
    xy_buffer_printf(to, "{\"size\": %lld, \"at\": %lld", (long long)head->tree.size,
                     (long long)head->at);
    put_hex(to, "root", head->root.at, HASH);
    put_hex(to, "chain", head->chain.at, HASH);
    put_hex(to, "key", head->key, KEY);
    put_hex(to, "signature", head->signature, SIGNATURE);
    xy_buffer_add(to, XY_STR("}"));
}
