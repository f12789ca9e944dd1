/* SPDX-License-Identifier: MIT */
/*
 * Token buckets. What arrived is never refused: it may run the bucket into debt, and the answer
 * is how long to stop reading, so the average keeps to the rate whatever the sizes are.
 */
#include "core/net/parts.h"

enum { SCALE = 1000 }; /* milliseconds times units per second give thousandths */

static void
refill(struct bucket *bucket, int64_t rate, int64_t full, int64_t now_ms)
{
    int64_t passed = now_ms - bucket->at_ms;
    if (bucket->at_ms == 0 || passed > (full - bucket->tokens) / rate)
        bucket->tokens = full;
    else
        bucket->tokens += passed * rate;
    bucket->at_ms = now_ms;
}

int64_t
xyi_bucket_take(struct bucket *bucket, int64_t amount, int64_t rate, int64_t burst,
                int64_t now_ms)
{
    if (rate <= 0)
        return 0;
    int64_t full = (burst > 0 ? burst : rate) * SCALE;
    refill(bucket, rate, full, now_ms);
    bucket->tokens -= amount * SCALE;
    return bucket->tokens >= 0 ? 0 : (-bucket->tokens + rate - 1) / rate;
}
