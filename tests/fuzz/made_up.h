/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets of logins make up alike: a host, an account, a fiber's memory for one
 * input, and a stream's notes, each in a block of exactly its size, so that an overrun shows.
 * The target's `struct xy_stream` has `notes`, `secure`, `closed` and `in`; MADE_UP_STREAM
 * defines functions of session.h.
 */
#ifndef MADE_UP_H
#define MADE_UP_H

#include <xylem/session.h>
#include "core/xml/xml.h"

enum { NOTES = 4 };
struct made_up_notes {
    struct {
        const char *name;
        void *bytes;
        size_t size;
    } at[NOTES];
};

static int
place_of(const struct made_up_notes *notes, const struct xy_note *note)
{
    for (int i = 0; i < NOTES; i++)
        if (notes->at[i].bytes && strcmp(notes->at[i].name, note->name) == 0)
            return i;
    return -1;
}

static void *
resize_note(struct made_up_notes *notes, const struct xy_note *note, size_t size)
{
    int at = place_of(notes, note);
    for (int i = 0; at < 0 && i < NOTES; i++)
        at = notes->at[i].bytes ? -1 : i;
    xy_assert(at >= 0);
    void *bytes = xyi_alloc(size);
    size_t former = notes->at[at].bytes ? notes->at[at].size : 0;
    memcpy(bytes, notes->at[at].bytes ? notes->at[at].bytes : "",
           former < size ? former : size);
    xyi_free(notes->at[at].bytes);
    notes->at[at].name = note->name;
    notes->at[at].bytes = bytes;
    notes->at[at].size = size;
    return bytes;
}

static void
free_notes(struct made_up_notes *notes)
{
    for (int i = 0; i < NOTES; i++)
        xyi_free(notes->at[i].bytes);
}

/* ---- one input --------------------------------------------------------------------------- */

static const struct xy_jid *host_jid, *romeo;

struct input {
    struct xyi_arena *arena;
    uint64_t epoch;
    struct xy_str rest;
};

static struct input
input_begin(const uint8_t *bytes, size_t size)
{
    struct input input = {.arena = xyi_arena_new(4096)};
    xyi_temp_set(input.arena);
    input.epoch = xyi_epoch_enter();
    input.rest = xy_str_of((const char *)bytes, size);
    if (host_jid)
        return input;
    xy_assert(xyi_log_configure(XY_LEVEL_ERROR, XYI_LOG_TEXT, XY_NO_STR) == XY_OK);
    xyi_inbox_init(&xyi_logic_inbox);
    xyi_jids_init();
    host_jid = xy_jid_keep(xy_jid_parse(XY_STR("example.org")));
    romeo = xy_jid_keep(xy_jid_parse(XY_STR("romeo@example.org")));
    return input;
}

/* Pieces are separated by 0xff; empty ones are left out. */
static bool
input_next(struct input *input, struct xy_str *piece)
{
    while (input->rest.at) {
        *piece = xy_str_cut(&input->rest, (char)0xff);
        if (piece->len)
            return true;
    }
    return false;
}

static void
input_end(const struct input *input)
{
    xyi_temp_set(NULL);
    xyi_arena_free(input->arena);
    xyi_epoch_leave(input->epoch);
    xyi_epoch_sweep();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

const struct xy_jid *
xy_host_jid(const struct xy_host *host)
{
    (void)host;
    return host_jid;
}

/* ---- the stream -------------------------------------------------------------------------- */

#define MADE_UP_STREAM                                                                        \
    struct xy_host *xy_stream_host(const struct xy_stream *stream)                            \
    {                                                                                         \
        (void)stream;                                                                         \
        return NULL;                                                                          \
    }                                                                                         \
    bool xy_stream_is_secure(const struct xy_stream *stream)                                  \
    {                                                                                         \
        return stream->secure;                                                                \
    }                                                                                         \
    enum xy_stream_stage xy_stream_stage(const struct xy_stream *stream)                      \
    {                                                                                         \
        return stream->closed ? XY_STREAM_CLOSED                                              \
               : stream->in   ? XY_STREAM_AUTHENTICATED                                       \
                              : XY_STREAM_OPEN;                                                 \
    }                                                                                         \
    void xy_stream_error(struct xy_stream *stream, const char *condition, struct xy_str text) \
    {                                                                                         \
        (void)condition;                                                                      \
        (void)text;                                                                           \
        stream->closed = true;                                                                \
    }                                                                                         \
    void *xy_stream_note_find(struct xy_stream *stream, const struct xy_note *note)           \
    {                                                                                         \
        int at = place_of(&stream->notes, note);                                              \
        return at < 0 ? NULL : stream->notes.at[at].bytes;                                    \
    }                                                                                         \
    size_t xy_stream_note_size(struct xy_stream *stream, const struct xy_note *note)          \
    {                                                                                         \
        int at = place_of(&stream->notes, note);                                              \
        return at < 0 ? 0 : stream->notes.at[at].size;                                        \
    }                                                                                         \
    void *xy_stream_note_resize(struct xy_stream *stream, const struct xy_note *note,         \
                                size_t size)                                                  \
    {                                                                                         \
        return resize_note(&stream->notes, note, size);                                       \
    }                                                                                         \
    void *xy_stream_note(struct xy_stream *stream, const struct xy_note *note)                \
    {                                                                                         \
        void *found = xy_stream_note_find(stream, note);                                      \
        return found ? found : xy_stream_note_resize(stream, note, note->size);               \
    }                                                                                         \
    void xy_stream_note_drop(struct xy_stream *stream, const struct xy_note *note)            \
    {                                                                                         \
        int at = place_of(&stream->notes, note);                                              \
        if (at < 0)                                                                           \
            return;                                                                           \
        xyi_free(stream->notes.at[at].bytes);                                                 \
        stream->notes.at[at].bytes = NULL;                                                    \
    }

#endif
