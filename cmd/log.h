/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One message for whoever looks later: to the journal with a field for each
 * fact, or to syslog(3) with the facts behind the text, where no journal is.
 */
#ifndef NSE_CMD_LOG_H
#define NSE_CMD_LOG_H

#include <syslog.h>

#include <jansson.h>

#include "lib/util/config.h"

/*
 * Sends a message as [log] of the configuration says. id is the MESSAGE_ID, 32
 * hexadecimal digits that are documented and never change; priority is one of
 * syslog(3). Each text, number and boolean in `fields` becomes a field: "hold_us"
 * is NSEMIG_HOLD_US; others are left out. A message that nobody takes is lost
 * without a word: what was done is not less done for it.
 */
void cmd_log(const struct nse_config *config, const char *id, int priority,
	     const json_t *fields, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

#endif
