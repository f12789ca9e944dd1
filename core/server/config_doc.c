/* SPDX-License-Identifier: MIT */
/*
 * The configuration file described from the same tables that read it: `xylemd --defaults`, the
 * manual page xylem.yaml(5) and the JSON Schema for editors.
 */
#include <jansson.h>
#include <stdlib.h>

#include "core/server/config.h"

void
xyi_each_module_file(xyi_each_module_file_fn *each, void *argument)
{
    struct xy_diagnostics *ignored = xyi_diagnostics_new(xyi_temp());
    struct xy_str *names = NULL;
    size_t count = xyi_modules_available(xyi_modules_path(), &names);
    for (size_t i = 0; i < count; i++) {
        const struct xy_module *module = xyi_module_peek(xyi_modules_path(), names[i], ignored);
        if (module)
            each(argument, module);
    }
}

/* ---- YAML
 * --------------------------------------------------------------------------------------------
 */

static void
add_module_defaults(void *argument, const struct xy_module *module)
{
    struct xy_buffer *to = argument;
    struct xyi_option_table table = {module->options, module->options_count};
    xy_buffer_printf(to, "\n  # %s\n  %s:", module->about ? module->about : "", module->name);
    if (table.count)
        xy_buffer_printf(to, "\n" XY_FMT, XY_ARG(xyi_options_defaults(table, 4)));
    else
        xy_buffer_add(to, XY_STR(" on\n"));
}

static const char head[] =
    "# Every key of the configuration with its default. Relative paths are relative to this "
    "file;\n"
    "# conf.d/*.yaml beside it is read after it and can add to lists and maps.\n\n"
    "# The domains served, the part of the users' addresses after the @. (list; required)\n"
    "hosts: [example.org]\n";
static const char listen_head[] = "\n# Where the server listens. Each entry:\n";
static const char listen_example[] = "listen:\n"
                                     "  - { for: c2s, port: 5222, tls: starttls }\n"
                                     "  - { for: c2s, port: 5223, tls: direct }\n";
static const char host_head[] =
    "\n# For single hosts: a certificate of their own, and modules and options that differ.\n"
    "# host_config:\n"
    "#   example.org:\n"
    "#     tls: { certificate: tls/example.org.pem, key: tls/example.org.key }\n"
    "#     modules: { offline: { quota: 10 } }\n"
    "\n# Modules: on, off, or a map of options, which means on. What is not named is off.\n"
    "modules:\n";

/* The options of a listener, as comments only: the list itself is an example. */
static void
add_listen(struct xy_buffer *to)
{
    xy_buffer_add(to, xy_str_from(listen_head));
    struct xy_str text = xyi_options_defaults(xyi_listen_table, 0), line;
    while (text.len) {
        line = xy_str_cut(&text, '\n');
        const char *mark = xy_str_starts(line, XY_STR("# ")) ? "" : "# ";
        xy_buffer_printf(to, "%s" XY_FMT "\n", mark, XY_ARG(line));
    }
    xy_buffer_add(to, xy_str_from(listen_example));
}

struct xy_str
xyi_config_defaults(void)
{
    struct xy_buffer text = {0};
    xy_buffer_add(&text, xy_str_from(head));
    for (size_t i = 0; i < xyi_sections_count; i++) {
        const struct xyi_section *section = &xyi_sections[i];
        if (section->name)
            xy_buffer_printf(&text, "\n# %s\n%s:\n", section->about, section->name);
        xy_buffer_add(&text, xyi_options_defaults(section->table, section->name ? 2 : 0));
        if (!section->name)
            add_listen(&text);
    }
    xy_buffer_add(&text, xy_str_from(host_head));
    xyi_each_module_file(add_module_defaults, &text);
    return xy_buffer_str(&text);
}

/* ---- roff
 * --------------------------------------------------------------------------------------------
 */

static void
add_module_man(void *argument, const struct xy_module *module)
{
    struct xyi_option_table table = {module->options, module->options_count};
    xy_buffer_printf(argument, ".SS %s\n%s\n" XY_FMT, module->name,
                     module->about ? module->about : "", XY_ARG(xyi_options_man(table)));
}

struct xy_str
xyi_config_man(void)
{
    struct xy_buffer text = {0};
    xy_buffer_printf(
        &text,
        ".TH XYLEM.YAML 5 \"\" \"xylem %s\" \"xylem\"\n"
        ".SH NAME\nxylem.yaml \\- configuration of the XMPP server xylem\n"
        ".SH DESCRIPTION\nYAML. Relative paths are relative to the file. "
        "\\fIconf.d/*.yaml\\fR beside it is read after it, in order of name, and can "
        "add to lists and maps. An unknown key is an error. \\fBxylemd \\-\\-check\\fR "
        "reports every error with file, line and column; \\fBxylemctl reload\\fR makes "
        "a running server follow the file.\n",
        xy_version());
    xy_buffer_add(&text, XY_STR(".SH TOP LEVEL\n.TP\n\\fBhosts\\fR\nThe domains served. (list; "
                                "required)\n"));
    for (size_t i = 0; i < xyi_sections_count; i++) {
        const struct xyi_section *section = &xyi_sections[i];
        if (section->name)
            xy_buffer_printf(&text, ".SH %s\n%s\n", section->name, section->about);
        xy_buffer_add(&text, xyi_options_man(section->table));
    }
    xy_buffer_printf(&text, ".SH listen\nA list of maps:\n" XY_FMT,
                     XY_ARG(xyi_options_man(xyi_listen_table)));
    xy_buffer_add(&text,
                  XY_STR(".SH host_config\nA map of hosts, each with \\fBtls\\fR and "
                         "\\fBmodules\\fR of its own.\n.SH modules\nA map of names, each "
                         "on, off or a map of options.\n"));
    xyi_each_module_file(add_module_man, &text);
    return xy_buffer_str(&text);
}

/* ---- JSON Schema
 * -------------------------------------------------------------------------------------- */

static json_t *
schema_of(struct xyi_option_table table)
{
    struct xy_str text = xyi_options_schema(table);
    json_t *schema = json_loadb(text.at, text.len, 0, NULL);
    xy_assert(schema);
    return schema;
}

static void
add_module_schema(void *argument, const struct xy_module *module)
{
    struct xyi_option_table table = {module->options, module->options_count};
    json_t *schema = json_pack("{s:s, s:[{s:[b,b,s,s,s,s]}, o]}", "description",
                               module->about ? module->about : "", "anyOf", "enum", 1, 0, "on",
                               "off", "yes", "no", schema_of(table));
    json_object_set_new(argument, module->name, schema);
}

struct xy_str
xyi_config_schema(void)
{
    json_t *whole = schema_of(xyi_sections[0].table), *modules = json_object();
    json_t *properties = json_object_get(whole, "properties");
    for (size_t i = 1; i < xyi_sections_count; i++)
        json_object_set_new(properties, xyi_sections[i].name, schema_of(xyi_sections[i].table));
    xyi_each_module_file(add_module_schema, modules);
    json_t *module_map = json_pack("{s:s, s:b, s:o}", "type", "object", "additionalProperties",
                                   0, "properties", modules);
    json_object_set_new(
        properties, "hosts",
        json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string"));
    json_object_set_new(
        properties, "listen",
        json_pack("{s:s, s:o}", "type", "array", "items", schema_of(xyi_listen_table)));
    json_object_set_new(properties, "modules", module_map);
    json_object_set_new(properties, "host_config",
                        json_pack("{s:s, s:{s:s, s:b, s:{s:o, s:O}}}", "type", "object",
                                  "additionalProperties", "type", "object",
                                  "additionalProperties", 0, "properties", "tls",
                                  schema_of(xyi_tls_table), "modules", module_map));
    json_array_append_new(json_object_get(whole, "required"), json_string("hosts"));
    json_object_set_new(whole, "$schema",
                        json_string("https://json-schema.org/draft-07/schema#"));
    char *text = json_dumps(whole, JSON_INDENT(1));
    struct xy_str copy = xy_temp_str(xy_str_from(text));
    free(text);
    json_decref(whole);
    return copy;
}
