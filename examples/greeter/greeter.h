/* SPDX-License-Identifier: MIT */
/* What the module greeter tells others. */
#ifndef XYLEM_GREETER_H
#define XYLEM_GREETER_H

#include <xylem/xylem.h>

/* A new account has been welcomed, for the first and only time; `text` is what it was told. */
XY_EVENT(greeter_greeted, (struct xy_user *user, struct xy_str text), (user, text))

#endif
