/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words that complete a place.
 */
#ifndef NSE_CMD_SHELL_CANDIDATES_H
#define NSE_CMD_SHELL_CANDIDATES_H

#include "cmd/shell_place.h"

struct shell_candidates {
	struct shell_argv words; /* whole ones, as place->word would become */
	bool files;		 /* and names of files behind place->stem */
	char append;		 /* what follows the only one: ' ', '=' or '\0' */
	bool open;		 /* a quotation goes on behind it */
};

/* place->stem may grow. 0 or -ENOMEM. */
int shell_candidates_find(struct shell *sh, struct shell_place *place,
			  struct shell_candidates *c);

#endif
