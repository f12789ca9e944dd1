/* SPDX-License-Identifier: MIT */
/* What a load generator reads off: the server's processes in /proc, and delays. */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdint.h>

/* The server's processes, itself first, its database's after it. */
void meter_watch(int pid);
/* User and system time of all of them and their threads, seconds; `first`: of the server itself. */
double meter_cpu(void);
double meter_first_cpu(void);
long meter_rss_kb(void);

/* Delays, exact to 1.6 %. */
void delays_clear(void);
void delays_add(int64_t us);
double delays_ms(double part); /* 0.5: the median */

#endif
