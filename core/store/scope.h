/* SPDX-License-Identifier: MIT */
/*
 * Whether a message is in a scope (xylem/removal.h), by its stanza and by its body alone.
 */
#ifndef XYI_SCOPE_H
#define XYI_SCOPE_H

#include <xylem/removal.h>

enum xyi_scope_verdict { XYI_OUT_OF_SCOPE, XYI_IN_SCOPE, XYI_IF_WRITTEN_BY /* scope->person */ };
enum xyi_scope_verdict xyi_scope_judge(const struct xy_message_scope *scope,
                                       const struct xy_stanza *message, xy_message_id id);
bool xyi_scope_has_words(const struct xy_message_scope *scope, const struct xy_stanza *message);

#endif
