/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Texts of one side or of both with the signs of diff -u in front.
 */
#ifndef NSE_CMD_DIFF_LINES_H
#define NSE_CMD_DIFF_LINES_H

#include "cmd/diff_print.h"

/*
 * Prints each line of the text with the sign (' ', '-', '+') in front and the
 * note behind the last one; tabs stay, other control characters do not.
 */
void diff_lines(const struct diff_print *p, char sign, const char *text,
		const char *note);
/* The same for what stands on the other side, too, at another place. */
void diff_lines_moved(const struct diff_print *p, char sign, const char *text,
		      const char *note);

/*
 * Prints what was text ta in slot a and is tb in slot b now; when the texts do
 * not differ, the fields that do.
 */
void diff_lines_pair(const struct diff_print *p, const char *ta, const char *tb,
		     uint32_t a, uint32_t b, const char *note);

#endif
