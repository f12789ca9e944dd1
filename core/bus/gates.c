/* SPDX-License-Identifier: MIT */
/*
 * Gates 3 to 5: whether what a library exports as xy_module is a module of this ABI. Its struct
 * may be shorter than ours (older: what is missing is zero) or longer (newer: fine as long as
 * the excess is zero, because then it asks for nothing we do not know).
 */
#include "core/bus/internal.h"

/* Without these no module makes sense: magic to about. */
static const size_t least = offsetof(struct xy_module, version);

static bool
excess_is_zero(const struct xy_module *theirs)
{
    const unsigned char *bytes = (const unsigned char *)theirs;
    for (size_t i = sizeof(*theirs); i < theirs->size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static bool
fits(const struct xy_module *theirs, size_t room, struct xy_str *why)
{
    if (room < least || theirs->magic != XY_MAGIC)
        *why = xy_temp_printf("its xy_module is no module: found magic %08x, wanted %08x",
                              room < sizeof(theirs->magic) ? 0 : theirs->magic, XY_MAGIC);
    else if (theirs->abi_major != XY_ABI_MAJOR)
        *why = xy_temp_printf("it was built for ABI %u.%u, wanted %u.%u", theirs->abi_major,
                              theirs->abi_minor, XY_ABI_MAJOR, XY_ABI_MINOR);
    else if (theirs->size < least || theirs->size > room)
        *why = xy_temp_printf(
            "its struct xy_module says it has %u bytes, wanted %zu to %zu, the size "
            "of the symbol",
            theirs->size, least, room);
    else if (!excess_is_zero(theirs))
        *why = xy_temp_printf(
            "it uses fields this xylem does not know: its struct xy_module has %u "
            "bytes (ABI %u.%u), ours %zu (ABI %u.%u)",
            theirs->size, theirs->abi_major, theirs->abi_minor, sizeof(*theirs), XY_ABI_MAJOR,
            XY_ABI_MINOR);
    else
        return true;
    return false;
}

/* ---- tables: a row without its essentials is caught here, not where it would crash ------ */

static bool
blame(struct xy_str *why, const char *table, size_t row, const char *what)
{
    *why = xy_temp_printf("row %zu of its table %s has no %s", row + 1, table, what);
    return false;
}

/* A member of a group stands behind the row of its group. */
static bool
option_is_whole(const struct xy_module *module, size_t at, struct xy_str *why)
{
    const char *name = module->options[at].name, *dot = name ? strchr(name, '.') : NULL;
    if (!name)
        return blame(why, "options", at, "name");
    for (size_t i = 0; i < at && dot; i++)
        if (module->options[i].type == XY_OPTION_GROUP &&
            xy_str_equal(xy_str_from(module->options[i].name),
                         xy_str_of(name, (size_t)(dot - name))))
            dot = NULL;
    return !dot || blame(why, "options", at, "row of its group before it");
}

static bool
rows_are_whole(const struct xy_module *module, struct xy_str *why)
{
    for (size_t i = 0; i < module->options_count; i++)
        if (!option_is_whole(module, i, why))
            return false;
    for (size_t i = 0; i < module->hooks_count; i++)
        if (!module->hooks[i].name || !module->hooks[i].signature || !module->hooks[i].handler)
            return blame(why, "hooks", i, "name, signature or handler");
    for (size_t i = 0; i < module->iqs_count; i++)
        if (!module->iqs[i].ns || !module->iqs[i].element || !module->iqs[i].handler)
            return blame(why, "iqs", i, "namespace, element or handler");
    for (size_t i = 0; i < module->commands_count; i++)
        if (!module->commands[i].name || !module->commands[i].handler)
            return blame(why, "commands", i, "name or handler");
    for (size_t i = 0; i < module->features_count; i++)
        if (!module->features[i].var)
            return blame(why, "features", i, "var");
    for (size_t i = 0; i < module->metrics_count; i++)
        if (!module->metrics[i].name ||
            (module->metrics[i].type == XY_METRIC_GAUGE && !module->metrics[i].read))
            return blame(why, "metrics", i, "name or reader");
    for (size_t i = 0; i < module->statements_count; i++)
        if (!module->statements[i] || !module->statements[i]->sql)
            return blame(why, "statements", i, "text");
    return true;
}

static bool
fields_are_in_state(const struct xy_module *module, struct xy_str *why)
{
    for (size_t i = 0; i < module->options_count; i++)
        if (module->options[i].offset >= module->state_size) {
            *why = xy_temp_printf("its option %s lies outside of its state of %zu bytes: is "
                                  "XY_STATE_SIZE missing?",
                                  module->options[i].name, module->state_size);
            return false;
        }
    for (size_t i = 0; i < module->metrics_count; i++)
        if (module->metrics[i].type != XY_METRIC_GAUGE &&
            module->metrics[i].offset >= module->state_size) {
            *why = xy_temp_printf("its metric %s lies outside of its state of %zu bytes: is "
                                  "XY_STATE_SIZE missing?",
                                  module->metrics[i].name, module->state_size);
            return false;
        }
    return true;
}

static bool
hooks_are_its_own(const struct xy_module *module, struct xy_str *why)
{
    for (const struct xy_hook_def *const *at = module->defines; at < module->defines_end; at++)
        if (xyi_core_hook((*at)->name)) {
            *why = xy_temp_printf("it defines %s, which is the core's hook: XY_HOOKS_HERE goes "
                                  "behind #include <xylem/xylem.h>",
                                  (*at)->name);
            return false;
        }
    return true;
}

bool
xyi_gates_check(const struct xy_module *theirs, size_t room, struct xy_str name,
                struct xy_module *ours, struct xy_str *why)
{
    if (!fits(theirs, room, why))
        return false;
    memset(ours, 0, sizeof(*ours));
    memcpy(ours, theirs, theirs->size < sizeof(*ours) ? theirs->size : sizeof(*ours));
    if (!ours->name || !ours->about) {
        *why = XY_STR("its xy_module has no name or no .about");
        return false;
    }
    if (!xy_str_equal(xy_str_from(ours->name), name)) {
        *why = xy_temp_printf("it calls itself %s, wanted %.*s, the name of its file",
                              ours->name, XY_ARG(name));
        return false;
    }
    return rows_are_whole(ours, why) && fields_are_in_state(ours, why) &&
           hooks_are_its_own(ours, why);
}
