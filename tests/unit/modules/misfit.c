/* SPDX-License-Identifier: MIT */
/* Modules that a gate must refuse, each for one reason; 5, 6 and 15 are odd and load. */
#if VARIANT == 12 /* the core's hooks defined once more */
#define XY_HOOKS_HERE
#endif
#define XY_STATE misfit
#include <xylem/xylem.h>

struct misfit {
    const int64_t count;
};

#define HEAD(abi)                                                                              \
    .magic = XY_MAGIC, .size = sizeof(struct xy_module), .abi_major = (abi), .name = "misfit", \
    .about = "Refused."

#if VARIANT == 1 /* no module at all */
XY_API extern const int xy_something;
const int xy_something = 1;
#elif VARIANT == 2                  /* magic */
XY_API extern const struct xy_module xy_module;
const struct xy_module xy_module = {.magic = 1, .size = sizeof(struct xy_module)};
#elif VARIANT == 3                  /* another ABI */
XY_API extern const struct xy_module xy_module;
const struct xy_module xy_module = {HEAD(2)};
#elif VARIANT == 4 || VARIANT == 5  /* of a newer core: with and without use of what is new */
struct tall {
    struct xy_module base;
    uint64_t news[4];
};
XY_API extern const struct tall xy_module;
const struct tall xy_module = {
    .base = {.magic = XY_MAGIC,
             .size = sizeof(struct tall),
             .abi_major = XY_ABI_MAJOR,
             .abi_minor = 7,
             .name = "misfit",
             .about = "From the future."},
    .news = {0, 0, 0, VARIANT == 4},
};
#elif VARIANT == 6                  /* of an older core */
XY_API extern const struct xy_module xy_module;
const struct xy_module xy_module = {
    .magic = XY_MAGIC,
    .size = offsetof(struct xy_module, commands),
    .abi_major = XY_ABI_MAJOR,
    .name = "misfit",
    .about = "From the past.",
    .commands = (const void *)1,
    .commands_count = 99,
};
#elif VARIANT == 7                  /* its name is not its file's */
XY_MODULE(stranger, .about = "Refused.", );
#elif VARIANT == 8                  /* a function of the core */
void xyi_random(void *out, size_t size);
static xy_status
start(XY_SELF)
{
    xyi_random(self, 1);
    return XY_OK;
}
XY_MODULE(misfit, .about = "Refused.", XY_STATE_SIZE, XY_START(start), );
#elif VARIANT == 9 || VARIANT == 10 /* another signature; no handler */
static void
handler(void)
{
}
static const struct xy_hook hooks[] = {
    {.name = "session_opened",
     .signature = VARIANT == 9 ? "EVENT (struct xy_session *session, int flags)"
                               : "EVENT (struct xy_session *session)",
     .handler = VARIANT == 9 ? handler : NULL,
     .handler_name = "handler"},
};
XY_MODULE(misfit, .about = "Refused.", XY_TABLE(hooks, hooks), );
#elif VARIANT == 11                 /* state_size forgotten */
static const struct xy_option options[] = {XY_OPTION(count, .initial = "1", .doc = "Nothing.")};
XY_MODULE(misfit, .about = "Refused.", XY_TABLE(options, options), );
#elif VARIANT == 12
XY_MODULE(misfit, .about = "Refused.", );
#elif VARIANT == 13
XY_MODULE(misfit, .about = "Refused.", .needs = "nobody", );
#elif VARIANT == 15 /* breaks the house rules: loads, with a caution */
static int counter = 1;
static _Thread_local int depth;
static xy_status
start(XY_SELF)
{
    return ++counter + ++depth > 2 ? XY_OK : XY_FULL;
}
XY_MODULE(misfit, .about = "Unruly.", XY_STATE_SIZE, XY_START(start), );
#elif VARIANT == 16 /* a member of a group that is not there */
static const struct xy_option options[] = {
    {.name = "nobody.count", .type = XY_OPTION_INT, .initial = "1", .doc = "Nothing."}};
XY_MODULE(misfit, .about = "Refused.", XY_STATE_SIZE, XY_TABLE(options, options), );
#elif VARIANT == 14 /* a size beyond the symbol */
XY_API extern const struct xy_module xy_module;
const struct xy_module xy_module = {.magic = XY_MAGIC,
                                    .size = 1u << 30,
                                    .abi_major = XY_ABI_MAJOR,
                                    .name = "misfit",
                                    .about = "Refused."};
#endif
