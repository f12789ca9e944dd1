/* SPDX-License-Identifier: MIT */
/*
 * xyi_switch for arm64, AAPCS64 6.1: x19 to x30, sp and the low halves of v8 to v15 belong to the
 * caller. On a stack that was left lie, upwards: x19 … x30, d8 … d15; x30 is where to go on.
 */
#include "core/fiber/switch.h"

#if defined(__aarch64__) && !defined(XYI_UCONTEXT)
        .text
        .hidden xyi_switch
        .globl  xyi_switch
        .type   xyi_switch, %function
        .p2align 4
xyi_switch:                             /* x0: from, x1: to */
        .cfi_startproc
        sub     sp, sp, #160
        .cfi_def_cfa_offset 160
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        .cfi_offset x29, -80
        .cfi_offset x30, -72
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x0]
        ldr     x9, [x1]
        mov     sp, x9
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #160
        .cfi_def_cfa_offset 0
        .cfi_restore x29
        .cfi_restore x30
        br      x30
        .cfi_endproc
        .size   xyi_switch, . - xyi_switch

        .hidden xyi_switch_begin
        .globl  xyi_switch_begin
        .type   xyi_switch_begin, %function
xyi_switch_begin:                       /* x19: entry, x20: argument */
        .cfi_startproc
        .cfi_undefined x30              /* the outermost frame */
        mov     x0, x20
        blr     x19
        brk     #1
        .cfi_endproc
        .size   xyi_switch_begin, . - xyi_switch_begin
#endif
        .section .note.GNU-stack, "", %progbits
