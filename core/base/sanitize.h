/* SPDX-License-Identifier: MIT */
/*
 * What the sanitizers and valgrind must be told about memory and stacks of our own making. Each
 * macro is nothing in an ordinary build.
 */
#ifndef XYI_SANITIZE_H
#define XYI_SANITIZE_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define XYI_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define XYI_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(XYI_ASAN)
#define XYI_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) && !defined(XYI_TSAN)
#define XYI_TSAN 1
#endif

#ifdef XYI_ASAN
#include <sanitizer/asan_interface.h>
#define XYI_POISON(at, size)   __asan_poison_memory_region((at), (size))
#define XYI_UNPOISON(at, size) __asan_unpoison_memory_region((at), (size))
#define XYI_RED_ZONE           16 /* between two blocks of an arena */
#else
#define XYI_POISON(at, size)   ((void)(at), (void)(size))
#define XYI_UNPOISON(at, size) ((void)(at), (void)(size))
#define XYI_RED_ZONE           0
#endif

#endif
