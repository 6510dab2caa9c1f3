/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a command came to, for those who were not there: a message (log.h), and
 * figures (metrics.h). nsemig.conf(5) names the messages, fields and figures.
 * What cannot be written is told on stderr and changes nothing else.
 */
#ifndef NSE_CMD_EVENT_H
#define NSE_CMD_EVENT_H

#include <jansson.h>

#include "lib/session/recover.h"
#include "lib/session/target.h"
#include "lib/util/config.h"

/* A migration has ended, by its report; a dry run is no event. err->code may be 0. */
void cmd_event_migrated(const struct nse_config *config, const json_t *report,
			const struct nse_error *err);

/* A session has ended; err->code may be 0. */
void cmd_event_session(const struct nse_config *config, const struct nse_target_end *end,
		       const struct nse_error *err);

/* All domains were gone through, by the object that --json prints. */
void cmd_event_snapshots(const struct nse_config *config, const json_t *summary);

/* Journals were gone through; nothing to recover is no event. */
void cmd_event_recovered(const struct nse_config *config, const struct nse_recovery *r);

#endif
