/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sorting many records by kind and key, wherever they lie.
 */
#ifndef NSE_CONTEXT_SORT_H
#define NSE_CONTEXT_SORT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/context/record.h"

/* Fills *rec with the record of an item; it must exist. */
typedef void nse_sort_get(const void *arg, uint32_t item, struct nse_record *rec);

/*
 * Sorts n items in place in the order of nse_record_cmp_key(). 0 or -ENOMEM,
 * and then they are as they were.
 */
int nse_sort_records(uint32_t *items, size_t n, nse_sort_get *get, const void *arg);

#endif
