/* SPDX-License-Identifier: MIT */
/*
 * The switch between stacks. Written from the ABI documents: it saves what a called function
 * must preserve and nothing else; floating point control words and the signal mask are the
 * thread's and stay as they are. Fibers never change threads.
 */
#ifndef XYI_SWITCH_H
#define XYI_SWITCH_H

#if !defined(XYI_UCONTEXT) && !defined(__x86_64__) && !defined(__aarch64__)
#define XYI_UCONTEXT 1
#endif

#ifndef __ASSEMBLER__
#include <stddef.h>

#ifdef XYI_UCONTEXT
#include <ucontext.h>
struct xyi_switch_point {
    ucontext_t context;
};
#else
struct xyi_switch_point {
    void *sp; /* below it lie the saved registers; scripts/gdb/xylem.py reads them */
};
#endif

/* The first switch to *point calls entry(argument) on the stack; it must never return. */
void xyi_switch_prepare(struct xyi_switch_point *point, void *stack, size_t size,
                        void (*entry)(void *argument), void *argument);
/* Leaves the present stack at *from and continues at *to. */
void xyi_switch(struct xyi_switch_point *from, const struct xyi_switch_point *to)
    __attribute__((visibility("hidden")));
#endif

#endif
