/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Filter expressions over the JSON form of a record, as in
 *
 *	proto=tcp and dport=443 and not src=10.0.0.0/8 or state=ESTABLISHED
 *
 *	expression	= term { "or" term }
 *	term		= factor { "and" factor }
 *	factor		= "not" factor | "(" expression ")" | comparison
 *	comparison	= field ("=" | "!=" | "<" | "<=" | ">" | ">=" | "~") value
 *	field		= name { "." name }
 *	value		= word | "'" text "'" | '"' text '"'
 *
 * A field is looked for in the record's key, then in its body, its state, and
 * at its top level; dots go deeper (reply.src, body.flags, master.src). "="
 * compares texts without regard to case, numbers (also 0x10 and ranges 1-1023)
 * and addresses (also ADDR/LEN); of a list it asks whether an element is
 * equal. "!=" is its contrary, and so true where the field is missing. "~"
 * asks for a part of a text, again without regard to case. The order
 * operators compare numbers.
 */
#ifndef NSE_CONTEXT_FILTER_H
#define NSE_CONTEXT_FILTER_H

#include <stdbool.h>

#include <jansson.h>

#include "lib/util/error.h"

#define NSE_FILTER_MAX	 4096 /* bytes of an expression */
#define NSE_FILTER_DEPTH 64   /* of parentheses and nots */

struct nse_filter;

/* -EINVAL with a text that names the column, or -ENOMEM. */
int nse_filter_parse(struct nse_filter **f, const char *text, struct nse_error *err);

/* Does {"engine","type","key":{},"body":{},"state":{}} satisfy the filter? */
bool nse_filter_match(const struct nse_filter *f, const json_t *rec);

/* NULL is accepted. */
void nse_filter_free(struct nse_filter *f);
void nse_filter_freep(struct nse_filter **f);

#endif
