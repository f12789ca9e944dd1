/* SPDX-License-Identifier: MIT */
/*
 * JIDs: prepared once (RFC 6122 stringprep profiles by libidn, see docs/deviations.md for why not
 * RFC 7622), interned, compared by pointer. `Romeo@EXAMPLE.org` and `romeo@example.org` are one
 * pointer. Only the logic thread handles them.
 */
#ifndef XYLEM_JID_H
#define XYLEM_JID_H

#include <xylem/str.h>

struct xy_jid; /* immutable */

/* The fiber's until it ends; xy_jid_keep() to hold it longer. NULL when malformed: a part that is
 * empty, has more than 1023 bytes as written or prepared, or that its profile refuses. Characters
 * that Unicode 3.2 did not know (emoji) pass unchanged. */
XY_API const struct xy_jid *xy_jid_parse(struct xy_str text);
/* As above from parts; absent local part or resource allowed. */
XY_API const struct xy_jid *xy_jid_make(struct xy_str local, struct xy_str domain,
                                        struct xy_str resource);

XY_API const struct xy_jid *xy_jid_keep(const struct xy_jid *jid); /* takes a reference; NULL is fine */
XY_API void xy_jid_drop(const struct xy_jid *jid);

/* All valid as long as the JID. NUL stands behind every one of these slices. */
XY_API struct xy_str xy_jid_text(const struct xy_jid *jid);     /* the whole */
XY_API struct xy_str xy_jid_local(const struct xy_jid *jid);    /* absent for a domain */
XY_API struct xy_str xy_jid_domain(const struct xy_jid *jid);
XY_API struct xy_str xy_jid_resource(const struct xy_jid *jid); /* absent for a bare JID */

/* Itself when already bare. Lives as long as `jid`. */
XY_API const struct xy_jid *xy_jid_bare(const struct xy_jid *jid);
XY_API bool xy_jid_is_bare(const struct xy_jid *jid);
/* The domain part as a JID of its own; lives as long as `jid`. */
XY_API const struct xy_jid *xy_jid_host(const struct xy_jid *jid);

/* For comparing what people type: case, width and what is not seen are gone, in all scripts; the
 * fiber's memory. Two texts that look the same are the same; some that differ are as well. */
XY_API struct xy_str xy_temp_fold(struct xy_str text);

#endif
