/* SPDX-License-Identifier: MIT */
/*
 * Counters and histograms. Declare fields of these types in the module's state and list them in
 * the `metrics` table (module.h); `xylemctl metrics` shows them. Only the logic thread writes.
 */
#ifndef XYLEM_METRIC_H
#define XYLEM_METRIC_H

#include <xylem/str.h>

typedef struct xy_counter {
    uint64_t count;
} xy_counter;

/* Buckets are powers of two of the unit the table names; `sum` in that unit. */
#define XY_HISTOGRAM_BUCKETS 40
typedef struct xy_histogram {
    uint64_t bucket[XY_HISTOGRAM_BUCKETS];
    uint64_t count, sum;
} xy_histogram;

static inline void
xy_count(xy_counter *counter)
{
    counter->count++;
}

static inline void
xy_count_by(xy_counter *counter, uint64_t by)
{
    counter->count += by;
}

static inline void
xy_observe(xy_histogram *histogram, uint64_t value)
{
    unsigned at = value ? 64u - (unsigned)__builtin_clzll(value) : 0u;
    histogram->bucket[at < XY_HISTOGRAM_BUCKETS ? at : XY_HISTOGRAM_BUCKETS - 1]++;
    histogram->count++;
    histogram->sum += value;
}

#endif
