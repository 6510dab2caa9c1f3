/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Compact JSON of many small values.
 */
#ifndef NSE_CMD_JSON_TEXT_H
#define NSE_CMD_JSON_TEXT_H

#include <jansson.h>

#include "lib/util/buf.h"

/*
 * Appends what json_dumps(v, JSON_COMPACT) gives. jansson guards itself against
 * values that contain themselves, which takes most of its time; v must not.
 * 0, or an error of the buffer.
 */
int cmd_json_text(struct nse_buf *buf, const json_t *v);

#endif
