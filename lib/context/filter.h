/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Filter expressions over the JSON form of a record, as in
 *
 *	proto=tcp and dport=443 and not src=10.0.0.0/8 or state=ESTABLISHED
 *
 *	expression	= term { "or" term }
 *	term		= factor { "and" factor }
 *	factor		= "not" factor | "(" expression ")" | comparison
 *	comparison	= field operator value { "," value } |
 *			  field [ "not" ] "in" "(" value { "," value } ")"
 *	operator	= "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"
 *	field		= name { "." name }
 *	value		= word | "'" text "'" | '"' text '"'
 *
 * "&&", "||" and "!" stand for the words. A field is looked for in the record's
 * key, then in its body, its state, and at its top level; dots go deeper
 * (reply.src, master.src). addr is any of src, dst, reply.src and reply.dst, port
 * any of their ports. "=" compares texts without regard to case, numbers (also
 * 0x10 and ranges 1-1023) and addresses (also ADDR/LEN and ADDR-ADDR); of several
 * values, and of a field that is a list, it asks whether one is equal. "!=" is its
 * contrary, and so true where the field is missing. "~" asks for a part of a text,
 * again without regard to case. The order operators compare numbers.
 */
#ifndef NSE_CONTEXT_FILTER_H
#define NSE_CONTEXT_FILTER_H

#include <stdbool.h>

#include <jansson.h>

#include "lib/util/error.h"

#define NSE_FILTER_MAX	 4096 /* bytes of an expression */
#define NSE_FILTER_DEPTH 64   /* of parentheses and nots */

struct nse_filter;

/*
 * -EINVAL with a text of three lines: the column and what is wrong, the expression,
 * a caret below it; or -ENOMEM.
 */
int nse_filter_parse(struct nse_filter **f, const char *text, struct nse_error *err);

/*
 * Is there a field of that name? If not, why gets (room bytes of) a text that says
 * so.
 */
typedef bool nse_filter_known(void *arg, const char *field, char *why, size_t room);

/* Asks for every field of the filter. 0, or -EINVAL with a text as above. */
int nse_filter_check(const struct nse_filter *f, nse_filter_known *known, void *arg,
		     struct nse_error *err);

/*
 * A field of a record by its path, as filters find it, or NULL. A value comes before
 * an object, and key, body and state are members of these parts, never the parts.
 */
const json_t *nse_filter_field(const json_t *rec, const char *path);

/* Does {"engine","type","key":{},"body":{},"state":{}} satisfy the filter? */
bool nse_filter_match(const struct nse_filter *f, const json_t *rec);

/* NULL is accepted. */
void nse_filter_free(struct nse_filter *f);
void nse_filter_freep(struct nse_filter **f);

#endif
