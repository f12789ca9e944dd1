/* SPDX-License-Identifier: MIT */
/* XEP-0092: what software this is. The operating system is told only where the operator says
 * so. */
#define XY_STATE version
#include <sys/utsname.h>
#include <xylem/xylem.h>

struct version {
    const bool number;
    const bool os;
};

static void
add(struct xy_node *query, const char *name, const char *value)
{
    xy_node_add_text(xy_node_add(query, XY_NO_STR, xy_str_from(name)), xy_str_from(value));
}

static xy_status
answer(XY_SELF, struct xy_iq *iq)
{
    struct utsname system;
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *query =
        xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_VERSION), XY_STR("query"));
    add(query, "name", "xylem");
    add(query, "version", self->number ? xy_version() : "hidden");
    if (self->os && uname(&system) == 0)
        add(query, "os", system.sysname);
    return xy_iq_reply(iq, result);
}

static const struct xy_option options[] = {
    XY_OPTION(number, .initial = "on", .doc = "Whether the version number is told."),
    XY_OPTION(os, .initial = "off", .doc = "Whether the operating system's name is told."),
};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET, XY_NS_VERSION, "query", answer, .where = XY_IQ_HOST | XY_IQ_SERVICES),
};

XY_MODULE(version, .about = "Tells name and version of the software (XEP-0092).", XY_STATE_SIZE,
          XY_TABLE(options, options), XY_TABLE(iqs, iqs));
