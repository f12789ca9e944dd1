/* SPDX-License-Identifier: MIT */
/* The list behind xy_stream_note, xy_session_note and xy_user_note; NULL is an empty one. */
#ifndef XYI_NOTE_H
#define XYI_NOTE_H

#include <xylem/session.h>
#include "core/base/base.h"

struct xyi_note;
void *xyi_note_get(struct xyi_note **notes, const struct xy_note *kind);
void *xyi_note_find(struct xyi_note **notes, const struct xy_note *kind);
void *xyi_note_resize(struct xyi_note **notes, const struct xy_note *kind, size_t size);
size_t xyi_note_size(struct xyi_note **notes, const struct xy_note *kind);
void xyi_note_drop(struct xyi_note **notes, const struct xy_note *kind);
void xyi_notes_free(struct xyi_note **notes);

/* The five public functions of one kind of holder. */
#define XYI_NOTE_FUNCTIONS(holder)                                                      \
    void *xy_##holder##_note(struct xy_##holder *of, const struct xy_note *kind)        \
    {                                                                                   \
        return xyi_note_get(&of->notes, kind);                                          \
    }                                                                                   \
    void *xy_##holder##_note_find(struct xy_##holder *of, const struct xy_note *kind)   \
    {                                                                                   \
        return xyi_note_find(&of->notes, kind);                                         \
    }                                                                                   \
    void *xy_##holder##_note_resize(struct xy_##holder *of, const struct xy_note *kind, \
                                    size_t size)                                        \
    {                                                                                   \
        return xyi_note_resize(&of->notes, kind, size);                                 \
    }                                                                                   \
    size_t xy_##holder##_note_size(struct xy_##holder *of, const struct xy_note *kind)  \
    {                                                                                   \
        return xyi_note_size(&of->notes, kind);                                         \
    }                                                                                   \
    void xy_##holder##_note_drop(struct xy_##holder *of, const struct xy_note *kind)    \
    {                                                                                   \
        xyi_note_drop(&of->notes, kind);                                                \
    }

#endif
