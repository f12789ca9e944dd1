/* SPDX-License-Identifier: MIT */
/* Has a table of its own. The statement of variant 2 is wrong, the schema of variant 3. */
#include <xylem/xylem.h>

static const struct xy_migration schema[] = {
    {1,
     VARIANT == 3 ? "create tabel keeper_what (it bigint)"
                  : "create table keeper_what (it bigint)",
     NULL},
};
static const struct xy_statement get = XY_SQL(
    VARIANT == 2 ? "select that from keeper_what" : "select it from keeper_what where it = ?");
static const struct xy_statement put = XY_SQL("insert into keeper_what (it) values (?)");
static const struct xy_statement *const statements[] = {&get, &put};

static xy_status
start(XY_SELF)
{
    return xy_sql_write(&put, XY_INT(1));
}

XY_MODULE(keeper, .about = "Keeps.", XY_START(start), XY_TABLE(schema, schema),
          XY_TABLE(statements, statements), );
