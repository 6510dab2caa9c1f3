/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The values of a filter expression: what a word can mean is found out once,
 * what it does mean is decided by the type of the field that it meets.
 */
#ifndef NSE_CONTEXT_FILTER_VALUE_H
#define NSE_CONTEXT_FILTER_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/util/addr.h"

enum nse_filter_op {
	NSE_FILTER_EQ,
	NSE_FILTER_LT,
	NSE_FILTER_LE,
	NSE_FILTER_GT,
	NSE_FILTER_GE,
	NSE_FILTER_HAS,
};

struct nse_filter_value {
	char *text; /* owned */
	bool is_number, is_addr;
	uint64_t from, to;	       /* a number is a range of one */
	struct nse_addr addr, addr_to; /* a prefix, or the two ends of a range */
	bool is_range;		       /* of addresses */
};

/* Takes n bytes; quoted ones are nothing but text. 0 or -ENOMEM. */
int nse_filter_value_set(struct nse_filter_value *v, const char *text, size_t n,
			 bool quoted);
void nse_filter_value_release(struct nse_filter_value *v);

/* Digits, dots and a length that cannot be an address, as 10.0.0.300? */
bool nse_filter_value_is_misspelt(const struct nse_filter_value *v);

/* Is it one number, as an order needs it? */
bool nse_filter_value_is_one(const struct nse_filter_value *v);

/* Does the field's value, or an element of it, satisfy the operator? */
bool nse_filter_value_match(const struct nse_filter_value *v, const json_t *field,
			    enum nse_filter_op op);

#endif
