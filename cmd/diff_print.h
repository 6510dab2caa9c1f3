/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The three ways in which `nsemig diff` shows what it found.
 */
#ifndef NSE_CMD_DIFF_PRINT_H
#define NSE_CMD_DIFF_PRINT_H

#include <stdbool.h>

#include "lib/context/diff.h"
#include "lib/context/snapshot.h"

struct diff_print {
	const struct nse_snapshot *a, *b;
	const struct nse_diff *diff;
	const char *names[2]; /* as the user gave them */
	bool state;	      /* volatile fields count too */
	bool color;
};

/* The fields in which two records differ, of those that are compared. */
void diff_print_fields(const struct diff_print *p, uint32_t a, uint32_t b);

/* Each returns 0 or -errno with a text. */
int diff_print_text(const struct diff_print *p, struct nse_error *err);
int diff_print_stat(const struct diff_print *p, struct nse_error *err);
int diff_print_json(const struct diff_print *p, struct nse_error *err);

#endif
