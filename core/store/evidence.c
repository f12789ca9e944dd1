/* SPDX-License-Identifier: MIT */
/*
 * Evidence: what can be said of a message when its content has gone. Both commitments are
 * HMAC-SHA-256 under the same 16 random bytes of salt, over these bytes without separators:
 *
 *   stanza   id, sender, recipient   each as 8 bytes, most significant first (numbers of
 *                                    table jid)
 *            stanza                  the bytes of the row, to the end
 *   text     0xff                    no id begins with it: the two forms have nothing in common
 *            id                      8 bytes
 *            author, addressee       bare JIDs, each behind its length in 4 bytes
 *            body                    its text in UTF-8, to the end
 *
 * All before the one open end has a known length: no two messages have the same form. A row of
 * table evidence has both behind one another, the second only if there is a body. Without its
 * salt a row proves nothing any more.
 */
#include <endian.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <xylem/evidence.h>
#include "core/store/parts.h"

static const struct xy_statement read_after =
    XY_SQL("select message, commitment, salt from evidence where message > ? order by message "
           "limit ?");
static const struct xy_statement read_one =
    XY_SQL("select message, commitment, salt from evidence where message = ?");

const struct xyi_planned xyi_evidence_planned[] = {
    XYI_PLANNED(read_after, "ii"),
    XYI_PLANNED(read_one, "i"),
    {.statement = NULL},
};

void
xyi_message_commitment(const struct xyi_message_row *row,
                       const unsigned char salt[XYI_SALT_SIZE],
                       unsigned char commitment[XYI_COMMITMENT_SIZE])
{
    uint64_t numbers[] = {htobe64((uint64_t)row->id), htobe64((uint64_t)row->sender),
                          htobe64((uint64_t)row->recipient)};
    struct hmac_sha256_ctx hmac;
    hmac_sha256_set_key(&hmac, XYI_SALT_SIZE, salt);
    hmac_sha256_update(&hmac, sizeof(numbers), (const unsigned char *)numbers);
    hmac_sha256_update(&hmac, row->stanza.len, (const unsigned char *)row->stanza.at);
    hmac_sha256_digest(&hmac, XYI_COMMITMENT_SIZE, commitment);
}

static void
update_sized(struct hmac_sha256_ctx *hmac, struct xy_str text)
{
    uint32_t len = htobe32((uint32_t)text.len);
    hmac_sha256_update(hmac, sizeof(len), (const unsigned char *)&len);
    hmac_sha256_update(hmac, text.len, (const unsigned char *)text.at);
}

void
xyi_message_text_commitment(const struct xyi_message_row *row,
                            const unsigned char salt[XYI_SALT_SIZE],
                            unsigned char commitment[XYI_COMMITMENT_SIZE])
{
    static const unsigned char first = 0xff;
    uint64_t id = htobe64((uint64_t)row->id);
    struct hmac_sha256_ctx hmac;
    hmac_sha256_set_key(&hmac, XYI_SALT_SIZE, salt);
    hmac_sha256_update(&hmac, 1, &first);
    hmac_sha256_update(&hmac, sizeof(id), (const unsigned char *)&id);
    update_sized(&hmac, row->author);
    update_sized(&hmac, row->addressee);
    hmac_sha256_update(&hmac, row->body.len, (const unsigned char *)row->body.at);
    hmac_sha256_digest(&hmac, XYI_COMMITMENT_SIZE, commitment);
}

/* ---- reading ----------------------------------------------------------------------------- */

static void
fill(const struct xy_rows *row, struct xy_evidence *evidence)
{
    evidence->message = xy_rows_int(row, 0);
    evidence->commitment = xy_rows_text(row, 1);
    evidence->salt = xy_rows_text(row, 2);
    if (evidence->salt.len != XYI_SALT_SIZE)
        evidence->salt = XY_NO_STR;
}

xy_status
xy_evidence_read(xy_message_id after, int64_t limit, struct xy_evidence **at, size_t *count)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_after, &rows, XY_INT(after), XY_INT(limit));
    if (status != XY_OK)
        return status;
    *at = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(**at));
    for (*count = 0; xy_rows_next(rows); ++*count)
        fill(rows, &(*at)[*count]);
    return XY_OK;
}

xy_status
xy_evidence_find(xy_message_id id, struct xy_evidence *evidence)
{
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&read_one, &rows, XY_INT(id));
    if (status != XY_OK)
        return status;
    if (!xy_rows_next(rows))
        return XY_ABSENT;
    fill(rows, evidence);
    return XY_OK;
}

xy_status
xy_evidence_confirms(const struct xy_evidence *evidence, const struct xy_jid *from,
                     const struct xy_jid *to, struct xy_str text)
{
    const struct xyi_message_row row = {.id = evidence->message,
                                        .author = xy_jid_text(xy_jid_bare(from)),
                                        .addressee = xy_jid_text(xy_jid_bare(to)),
                                        .body = text};
    unsigned char commitment[XYI_COMMITMENT_SIZE];
    if (evidence->commitment.len < 2 * XYI_COMMITMENT_SIZE)
        return XY_UNSUPPORTED;
    if (!evidence->salt.len)
        return XY_GONE;
    xyi_message_text_commitment(&row, (const unsigned char *)evidence->salt.at, commitment);
    return memeql_sec(commitment, evidence->commitment.at + XYI_COMMITMENT_SIZE,
                      XYI_COMMITMENT_SIZE)
               ? XY_OK
               : XY_DENIED;
}
