/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The script platform: a program of the administrator's that knows the
 * domains. Its verbs, as nsemig runs them (argument vector, no shell):
 *
 *   PROGRAM list               a JSON list of domains, each a name or an
 *                              object as of describe
 *   PROGRAM describe DOMAIN    a JSON object {"name","uuid","id","vifs":
 *                              [{"devid","name","mac","bridge"}],"addresses":
 *                              [...],"state"}; exit status not 0: no such
 *                              domain. "state" may be "running", "paused" or
 *                              "suspended"; without it the domain is running
 *                              An optional "memory_kib" is what it occupies
 *   PROGRAM host               optional, and asked for only of programs whose
 *                              describe tells "memory_kib": a JSON object
 *                              {"free_memory_kib"}, what a further domain
 *                              could have here
 *   PROGRAM incoming DOMAIN    the same object for the copy that is arriving
 *                              here; exit status not 0: there is none
 *   PROGRAM migrate DOMAIN HOST [OPTION...]
 *                              prints the line "suspended" when the domain is
 *                              frozen here, then "ready" when it is complete
 *                              at HOST and not yet running, then reads one
 *                              line: "go", or "abort", which the end of its
 *                              input means too. Exits 0 when the domain runs
 *                              at HOST, 1 to 127 when it runs here
 *
 * stdout carries nothing else; stderr goes to the user. The program removes
 * what arrived at the target itself when it aborts.
 */
#ifndef NSE_PLATFORM_SCRIPT_H
#define NSE_PLATFORM_SCRIPT_H

#include "lib/platform/platform.h"

#define NSE_SCRIPT_OUTPUT_MAX  (4u << 20) /* bytes that a verb may print */
#define NSE_SCRIPT_DOMAINS_MAX 4096	  /* domains of one list */
#define NSE_SCRIPT_VERB_US     30000000	  /* deadline of list, describe, incoming */
#define NSE_SCRIPT_OPTIONS_MAX 64	  /* options handed to migrate */

/* The move_* functions of the script platform; program is copied. */
int nse_script_move_start(const char *program, const struct nse_move_spec *spec,
			  struct nse_move **move, struct nse_error *err);
int nse_script_move_wait(struct nse_move *move, int64_t deadline_us, int64_t *at_us,
			 struct nse_error *err);
int nse_script_move_fd(struct nse_move *move);
int nse_script_move_go(struct nse_move *move, struct nse_error *err);
int nse_script_move_abort(struct nse_move *move, int64_t deadline_us,
			  struct nse_error *err);
int nse_script_move_status(const struct nse_move *move);
const char *nse_script_move_reason(const struct nse_move *move);
void nse_script_move_free(struct nse_move *move);

#endif
