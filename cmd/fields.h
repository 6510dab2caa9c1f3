/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of fields on the command line: in filters, columns and orders.
 */
#ifndef NSE_CMD_FIELDS_H
#define NSE_CMD_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/context/filter.h"

/*
 * Field i of what the engines can give, then those that every record has; each
 * name once. NULL at the end.
 */
const char *cmd_field_name(const void *unused, size_t i);

/* Has a record of some engine such a field? If not, why says so. */
bool cmd_field_known(void *unused, const char *field, char *why, size_t room);

/* Parses a filter and checks the names in it. */
int cmd_filter_parse(struct nse_filter **f, const char *text, struct nse_error *err);

#endif
