/* SPDX-License-Identifier: MIT */
/*
 * Where a new stack begins, for each kind of switch. The frames made here must be what
 * xyi_switch of the same architecture takes off the stack: see switch_x86_64.S and
 * switch_arm64.S.
 */
#include "core/fiber/switch.h"

#include <stdint.h>
#include <string.h>

#ifdef XYI_UCONTEXT

/* makecontext() hands on ints only: the pointers travel in two halves each. */
static void
begin(unsigned entry_high, unsigned entry_low, unsigned argument_high, unsigned argument_low)
{
    uintptr_t entry = (uintptr_t)((uint64_t)entry_high << 32 | entry_low);
    uintptr_t argument = (uintptr_t)((uint64_t)argument_high << 32 | argument_low);
    ((void (*)(void *))entry)((void *)argument);
}

void
xyi_switch_prepare(struct xyi_switch_point *point, void *stack, size_t size,
                   void (*entry)(void *argument), void *argument)
{
    uint64_t code = (uintptr_t)entry, value = (uintptr_t)argument;
    getcontext(&point->context);
    point->context.uc_stack.ss_sp = stack;
    point->context.uc_stack.ss_size = size;
    point->context.uc_link = NULL;
    makecontext(&point->context, (void (*)(void))begin, 4, (unsigned)(code >> 32),
                (unsigned)code, (unsigned)(value >> 32), (unsigned)value);
}

void
xyi_switch(struct xyi_switch_point *from, const struct xyi_switch_point *to)
{
    swapcontext(&from->context, &to->context);
}

#else

extern void xyi_switch_begin(void) __attribute__((visibility("hidden"))); /* in the .S files */

#ifdef __x86_64__
enum {
    WORDS = 8,
    ENTRY = 2,
    ARGUMENT = 3,
    BEGIN = 6
}; /* r15 r14 r13 r12 rbx rbp, address, gap */
#else
enum { WORDS = 20, ENTRY = 0, ARGUMENT = 1, BEGIN = 11 }; /* x19 … x30, d8 … d15 */
#endif

void
xyi_switch_prepare(struct xyi_switch_point *point, void *stack, size_t size,
                   void (*entry)(void *argument), void *argument)
{
    uintptr_t top = ((uintptr_t)stack + size) & ~(uintptr_t)15;
    uintptr_t *frame = (uintptr_t *)top - WORDS;
    memset(frame, 0, WORDS * sizeof(*frame)); /* a zero frame pointer ends backtraces */
    frame[ENTRY] = (uintptr_t)entry;
    frame[ARGUMENT] = (uintptr_t)argument;
    frame[BEGIN] = (uintptr_t)xyi_switch_begin;
    point->sp = frame;
}

#endif
