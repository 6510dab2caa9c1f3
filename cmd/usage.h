/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is printed from the option tables: the text of -h, and the lines that
 * completions read.
 */
#ifndef NSE_CMD_USAGE_H
#define NSE_CMD_USAGE_H

#include <stdio.h>

#include "cmd/options.h"

/* The group that every command has. */
extern const struct nse_opt nse_opts_common[];

/* The synopsis only, as it is shown with an error. */
void nse_usage_synopsis(const struct nse_usage *usage, FILE *to);

/* The text of -h. */
void nse_usage_print(const struct nse_usage *usage, const struct nse_opt_group *groups,
		     FILE *to);

/*
 * For completions, fields separated by tabs:
 *
 *	operands	WORD[ WORD…]
 *	option	--NAME	-L|-	ARG|-	COMPLETION|-	HELP
 */
void nse_usage_list(const struct nse_usage *usage, const struct nse_opt_group *groups,
		    FILE *to);

/* The long option that is nearest to the name, or NULL. */
const char *nse_usage_nearest(const struct nse_opt_group *groups, const char *name);

#endif
