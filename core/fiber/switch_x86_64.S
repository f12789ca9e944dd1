/* SPDX-License-Identifier: MIT */
/*
 * xyi_switch for x86-64, System V ABI 3.2.1: rbx, rbp, r12 to r15 and rsp belong to the caller.
 * On a stack that was left lie, upwards: r15 r14 r13 r12 rbx rbp and the address to go on at.
 */
#include "core/fiber/switch.h"

#if defined(__x86_64__) && !defined(XYI_UCONTEXT)
        .text
        .hidden xyi_switch
        .globl  xyi_switch
        .type   xyi_switch, @function
        .p2align 4
xyi_switch:                             /* rdi: from, rsi: to */
        .cfi_startproc
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        movq    %rsp, (%rdi)
        movq    (%rsi), %rsp
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbp
        popq    %rcx                    /* a jump: the return would be mispredicted every time */
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rcx
        jmp     *%rcx
        .cfi_endproc
        .size   xyi_switch, . - xyi_switch

        .hidden xyi_switch_begin
        .globl  xyi_switch_begin
        .type   xyi_switch_begin, @function
xyi_switch_begin:                       /* r13: entry, r12: argument, rsp on 16 less 8 */
        .cfi_startproc
        .cfi_undefined %rip             /* the outermost frame */
        subq    $8, %rsp
        movq    %r12, %rdi
        callq   *%r13
        ud2
        .cfi_endproc
        .size   xyi_switch_begin, . - xyi_switch_begin
#endif
        .section .note.GNU-stack, "", %progbits
