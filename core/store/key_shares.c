/* SPDX-License-Identifier: MIT */
/*
 * How many accounts lack the keys of which hashes. What a stream is offered depends on that
 * (XEP-0388 2.1), and must not show whether an account exists: an unknown name is answered like
 * an account drawn by lot, the lot being a keyed hash of the name. Counted once at the start by
 * a partial index, then kept up; a few wrong would only shift the odds.
 */
#include "core/store/parts.h"

static struct {
    int64_t accounts[XYI_ALL_HASHES + 1]; /* by what they have */
    int64_t lacking;                      /* of them, those without all */
} shares;                                 /* logic thread */

static const struct xy_statement count_lacking =
    XY_SQL("select hashes, count(*) from account where hashes <> 7 group by hashes");
static const struct xy_statement count_all = XY_SQL("select count(*) from account");
static const struct xy_statement find = XY_SQL("select hashes from account where owner = ?");

xy_status
xyi_key_shares_start(void)
{
    struct xy_rows *rows;
    memset(&shares, 0, sizeof(shares));
    xy_status status = xy_sql_read(&count_lacking, &rows);
    while (status == XY_OK && xy_rows_next(rows)) {
        int64_t hashes = xy_rows_int(rows, 0) & XYI_ALL_HASHES;
        shares.accounts[hashes] += xy_rows_int(rows, 1);
        shares.lacking += xy_rows_int(rows, 1);
    }
    if (status == XY_OK)
        status = xy_sql_read(&count_all, &rows);
    if (status == XY_OK && xy_rows_next(rows))
        shares.accounts[XYI_ALL_HASHES] = xy_rows_int(rows, 0) - shares.lacking;
    return status;
}

static void
change(unsigned hashes, int64_t by)
{
    if (!hashes)
        return;
    shares.accounts[hashes] += by;
    if (shares.accounts[hashes] < 0)
        shares.accounts[hashes] = 0;
    if (hashes != XYI_ALL_HASHES)
        shares.lacking += by;
    if (shares.lacking < 0)
        shares.lacking = 0;
}

void
xyi_key_shares_moved(unsigned from, unsigned to)
{
    if (from == to)
        return;
    change(from, -1);
    change(to, 1);
}

xy_status
xyi_key_shares_before(xy_owner owner, unsigned *hashes)
{
    *hashes = XYI_ALL_HASHES;
    if (!shares.lacking)
        return XY_OK;
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&find, &rows, XY_INT(owner));
    if (status == XY_OK)
        *hashes = xy_rows_next(rows) ? (unsigned)xy_rows_int(rows, 0) & XYI_ALL_HASHES : 0;
    return status;
}

bool
xyi_key_shares_lack(void)
{
    return shares.lacking > 0;
}

unsigned
xyi_key_shares_common(void)
{
    unsigned common = XYI_ALL_HASHES;
    for (unsigned hashes = 1; hashes < XYI_ALL_HASHES; hashes++)
        if (shares.accounts[hashes])
            common &= hashes;
    return common;
}

unsigned
xyi_key_shares_draw(uint32_t drawn)
{
    int64_t total = shares.lacking + shares.accounts[XYI_ALL_HASHES];
    int64_t at = (int64_t)(((uint64_t)drawn * (uint64_t)total) >> 32);
    for (unsigned hashes = 1; hashes < XYI_ALL_HASHES; hashes++) {
        if (at < shares.accounts[hashes])
            return hashes;
        at -= shares.accounts[hashes];
    }
    return XYI_ALL_HASHES;
}
