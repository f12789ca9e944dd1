/* SPDX-License-Identifier: MIT */
/* Everything a module may see. #define XY_STATE name before including it if the module has state. */
#ifndef XYLEM_H
#define XYLEM_H

#include <xylem/account.h>
#include <xylem/approval.h>
#include <xylem/archive.h>
#include <xylem/audit.h>
#include <xylem/clients.h>
#include <xylem/clock.h>
#include <xylem/command.h>
#include <xylem/delivery.h>
#include <xylem/evidence.h>
#include <xylem/fiber.h>
#include <xylem/hash.h>
#include <xylem/hook.h>
#include <xylem/hooks.h>
#include <xylem/jid.h>
#include <xylem/log.h>
#include <xylem/memory.h>
#include <xylem/message.h>
#include <xylem/metric.h>
#include <xylem/module.h>
#include <xylem/namespaces.h>
#include <xylem/option.h>
#include <xylem/removal.h>
#include <xylem/roster.h>
#include <xylem/route.h>
#include <xylem/sasl.h>
#include <xylem/sasl2.h>
#include <xylem/session.h>
#include <xylem/sql.h>
#include <xylem/stanza.h>
#include <xylem/status.h>
#include <xylem/str.h>
#include <xylem/throttle.h>

#endif
