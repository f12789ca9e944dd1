/* SPDX-License-Identifier: MIT */
/* See meter.h. Delays are counted in steps that grow with them: no memory of each is kept. */
#include "meter.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_PIDS = 64, STEPS = 64 };
static int pids[MOST_PIDS], pid_count;
static uint64_t delays[STEPS * 64], delay_count;

void
meter_watch(int pid)
{
    if (pid_count < MOST_PIDS)
        pids[pid_count++] = pid;
}

static double
cpu_of(int pid)
{
    char path[64], line[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file && fgets(line, sizeof(line), file))
        sscanf(strrchr(line, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
               &user, &system);
    if (file)
        fclose(file);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

double
meter_cpu(void)
{
    double total = 0;
    for (int i = 0; i < pid_count; i++)
        total += cpu_of(pids[i]);
    return total;
}

double
meter_first_cpu(void)
{
    return pid_count ? cpu_of(pids[0]) : 0;
}

long
meter_rss_kb(void)
{
    long total = 0;
    for (int i = 0; i < pid_count; i++) {
        char path[64], line[256];
        long kb = 0;
        snprintf(path, sizeof(path), "/proc/%d/status", pids[i]);
        FILE *file = fopen(path, "r");
        while (file && fgets(line, sizeof(line), file))
            if (sscanf(line, "VmRSS: %ld", &kb) == 1)
                total += kb;
        if (file)
            fclose(file);
    }
    return total;
}

void
delays_clear(void)
{
    memset(delays, 0, sizeof(delays));
    delay_count = 0;
}

/* The highest bit and the six below it. */
static unsigned
step_of(uint64_t us)
{
    if (us < STEPS)
        return (unsigned)us;
    unsigned shift = 57u - (unsigned)__builtin_clzll(us);
    return (shift + 1) * STEPS + (unsigned)(us >> shift) % STEPS;
}

void
delays_add(int64_t us)
{
    delays[step_of(us > 0 ? (uint64_t)us : 0)]++;
    delay_count++;
}

double
delays_ms(double part)
{
    uint64_t before = 0, wanted = (uint64_t)((double)delay_count * part);
    unsigned step = 0;
    while (step < STEPS * 58 && (before += delays[step]) <= wanted)
        step++;
    if (!delay_count)
        return 0;
    unsigned shift = step / STEPS;
    uint64_t us = shift ? (uint64_t)(STEPS + step % STEPS) << (shift - 1) : step;
    return (double)us / 1000.0;
}
