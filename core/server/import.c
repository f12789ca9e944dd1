/* SPDX-License-Identifier: MIT */
/*
 * `user import`: many accounts at once, of passwords or of the SCRAM keys another server kept
 * (RFC 5803; behind two tabs, for no password begins with one). A number of lines is at work at
 * a time, each on a fiber of its own, so that all cores hash and the store commits them in
 * groups.
 */
#include "core/server/server.h"

#define AT_WORK 64

struct import;
struct line {
    struct xyi_job job;
    struct import *import;
    struct xy_str text;
    int64_t number;
};
struct import {
    struct xy_command *command;
    struct xy_str rest;
    int64_t number, created, existing, invalid, failed;
    unsigned at_work;
    struct xyi_wait done;
    struct xy_map *seen; /* JID to line number: of two lines the first counts */
    struct line lines[AT_WORK];
};

static void
report(struct import *import, int64_t number, struct xy_str jid, const char *problem)
{
    xy_row(import->command);
    xy_put_int(import->command, "line", number);
    xy_put_str(import->command, "jid", jid);
    xy_put_str(import->command, "problem", xy_str_from(problem));
}

/* Lines begin in order, so the first of a JID comes here first. */
static bool
is_repeated(struct import *import, const struct line *line, struct xy_str jid)
{
    intptr_t first = (intptr_t)xy_map_get(import->seen, jid);
    if (!first)
        xy_map_put(import->seen, jid, (void *)(intptr_t)line->number);
    else
        report(import, line->number, jid,
               xy_temp_printf("is on line %ld already", (long)first).at);
    import->existing += first != 0;
    return first != 0;
}

static bool
has_keys(const struct line *line)
{
    struct xy_str secret = line->text;
    xy_str_cut(&secret, '\t');
    return xy_str_starts(secret, XY_STR("\t"));
}

static void
count_outcome(struct import *import, const struct line *line, struct xy_str jid,
              xy_status status)
{
    if (status == XY_OK) {
        import->created++;
    } else if (status == XY_CONFLICT) {
        import->existing++;
        report(import, line->number, jid, "exists already");
    } else if (status == XY_INVALID) {
        import->invalid++;
        report(import, line->number, jid,
               has_keys(line) ? "the keys are not of RFC 5803, or two of one hash"
                              : "the password is empty or not allowed");
    } else {
        import->failed++;
        report(import, line->number, jid, xy_status_name(status));
    }
}

/* Sets separated by spaces, of one hash each. */
static xy_status
create_with_keys(const struct xy_jid *jid, struct xy_str keys)
{
    struct xyi_key_set sets[XY_HASHES];
    size_t count = 0;
    unsigned seen = 0;
    keys = xy_str_trim(keys);
    while (keys.len) {
        struct xy_str text = xy_str_cut(&keys, ' ');
        if (!text.len)
            continue;
        if (count == XY_HASHES || xyi_key_set_parse(text, &sets[count]) != XY_OK ||
            seen & 1u << sets[count].hash)
            return XY_INVALID;
        seen |= 1u << sets[count++].hash;
    }
    return count ? xyi_account_create_with(jid, sets, count) : XY_INVALID;
}

static void
import_line(struct import *import, const struct line *line)
{
    struct xy_str password = line->text, name = xy_str_cut(&password, '\t');
    const struct xy_jid *jid = xy_jid_parse(xy_str_trim(name));
    const char *problem = !password.at ? "no tab between JID and password"
                          : !jid       ? "not a JID"
                          : !xy_jid_is_bare(jid) || !xy_jid_local(jid).len
                              ? "not the JID of an account"
                          : !xy_host_find(jid) ? "not a domain served here"
                                               : NULL;
    if (problem) {
        import->invalid++;
        report(import, line->number, password.at ? name : XY_NO_STR, problem);
        return;
    }
    if (is_repeated(import, line, xy_jid_text(jid)))
        return;
    xy_status status =
        has_keys(line) ? create_with_keys(jid, password) : xy_account_create(jid, password);
    count_outcome(import, line, xy_jid_text(jid), status);
}

/* The next line that is not empty. */
static bool
take_line(struct import *import, struct line *line)
{
    while (import->rest.len) {
        line->text = xy_str_cut(&import->rest, '\n');
        line->number = ++import->number;
        if (xy_str_ends(line->text, XY_STR("\r")))
            line->text.len--;
        if (line->text.len)
            return true;
    }
    return false;
}

static void
run_line(struct xyi_job *job)
{
    struct line *line = XYI_LIST_OF(job, struct line, job);
    struct import *import = line->import;
    import_line(import, line);
    if (take_line(import, line))
        xyi_spawn(&line->job);
    else if (--import->at_work == 0)
        xyi_wake(&import->done, XY_OK);
}

xy_status
xyi_user_import(XY_SELF, struct xy_command *command)
{
    struct import *import = xy_temp_alloc(sizeof(*import));
    import->command = command;
    import->rest = xy_command_input(command);
    import->seen = xyi_map_new();
    for (size_t i = 0; i < AT_WORK && take_line(import, &import->lines[i]); i++) {
        import->lines[i].import = import;
        import->lines[i].job.run = run_line;
        import->at_work++;
    }
    for (unsigned i = 0, count = import->at_work; i < count; i++)
        xyi_spawn(&import->lines[i].job);
    if (import->at_work) /* they use our memory: no giving up */
        (void)!xyi_wait(&import->done, XY_NONE, XYI_UNCANCELLABLE);
    xy_map_free(import->seen);
    command->row_open = NULL;
    xy_put_int(command, "created", import->created);
    xy_put_int(command, "existing", import->existing);
    xy_put_int(command, "invalid", import->invalid);
    xy_put_int(command, "failed", import->failed);
    if (import->failed)
        return xy_fail(command, XY_BROKEN, "%lld accounts could not be stored",
                       (long long)import->failed);
    if (import->invalid)
        return xy_fail(command, XY_INVALID, "%lld lines are not accounts",
                       (long long)import->invalid);
    return XY_OK;
}
