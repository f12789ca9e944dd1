/* SPDX-License-Identifier: MIT */
/*
 * Addresses. Preparing what is prepared changes nothing; one text is one object; the parts put
 * together again are the whole; no part is too long or empty.
 */
#define HARNESS_ABORTS
#include "../unit/xml_fixture.h"

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    xyi_inbox_init(&xyi_logic_inbox);
    xyi_jids_init();
    return 0;
}

static void
check_part(struct xy_str part)
{
    CHECK(part.len <= 1023 && (!part.at || part.len > 0));
    CHECK(!part.at || (part.at[part.len] == '\0' && strlen(part.at) == part.len));
}

static void
check_jid(const struct xy_jid *jid)
{
    struct xy_str text = xy_jid_text(jid), again;
    CHECK(xy_jid_parse(text) == jid);
    CHECK_EQ(xyi_jid_normalize(text, &again), XY_OK);
    CHECK(xy_str_equal(text, again));
    CHECK(xy_jid_make(xy_jid_local(jid), xy_jid_domain(jid), xy_jid_resource(jid)) == jid);
    CHECK(xy_jid_parse(xy_jid_domain(jid)) == xy_jid_host(jid));
    CHECK_EQ(xyi_jid_prepare(xy_jid_domain(jid), &again), XY_OK);
    CHECK(xy_str_equal(xy_jid_domain(jid), again));
    CHECK(xy_jid_bare(xy_jid_bare(jid)) == xy_jid_bare(jid));
    CHECK_EQ(xy_jid_is_bare(jid), !xy_jid_resource(jid).at);
    check_part(xy_jid_local(jid));
    check_part(xy_jid_domain(jid));
    check_part(xy_jid_resource(jid));
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct xy_str raw = xy_str_of((const char *)input, size), prepared;
    fiber_begin();
    const struct xy_jid *jid = xy_jid_parse(raw);
    CHECK_EQ(xyi_jid_normalize(raw, &prepared) == XY_OK, jid != NULL);
    if (jid) {
        CHECK(xy_str_equal(prepared, xy_jid_text(jid)));
        CHECK(xy_jid_parse(raw) == jid);
        check_jid(jid);
    }
    /* The same bytes as parts, where the separators are no separators. */
    struct xy_str resource = raw, local = xy_str_cut(&resource, '\n');
    jid = xy_jid_make(local, XY_STR("d"), resource);
    if (jid)
        check_jid(jid);
    jid = xy_jid_make(XY_NO_STR, raw, XY_NO_STR);
    if (jid)
        check_jid(jid);
    fiber_end();
    logic_turn();
    return 0;
}
