/* SPDX-License-Identifier: MIT */
/*
 * Stacks of fibers: mapped memory with an inaccessible page below, so that running over the end
 * faults instead of writing into somebody else's frames.
 */
#include "core/fiber/fiber.h"
#include "core/base/sanitize.h"

#include <sys/mman.h>
#include <unistd.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(from, to) ((void)(from), (void)(to), 0u)
#define VALGRIND_STACK_DEREGISTER(number) ((void)(number))
#endif

static size_t
guard_size(void)
{
    static size_t page;
    if (!page)
        page = (size_t)sysconf(_SC_PAGESIZE);
    return page;
}

bool
xyi_stack_map(struct xyi_stack *stack, size_t size)
{
    size_t guard = guard_size();
    size = (size + guard - 1) & ~(guard - 1);
    char *at = mmap(NULL, size + guard, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return false;
    if (mprotect(at, guard, PROT_NONE) != 0) {
        munmap(at, size + guard);
        return false;
    }
    stack->bytes = at + guard;
    stack->size = size;
    stack->registered = (unsigned)VALGRIND_STACK_REGISTER(stack->bytes, stack->bytes + size);
    return true;
}

void
xyi_stack_unmap(struct xyi_stack *stack)
{
    VALGRIND_STACK_DEREGISTER(stack->registered);
    XYI_UNPOISON(stack->bytes, stack->size);
    munmap(stack->bytes - guard_size(), stack->size + guard_size());
}
