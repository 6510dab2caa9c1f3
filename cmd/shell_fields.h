/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The names of the fields in the current context, and the values that they have
 * there, for the completion of filter expressions.
 */
#ifndef NSE_CMD_SHELL_FIELDS_H
#define NSE_CMD_SHELL_FIELDS_H

#include "cmd/shell.h"

/*
 * Lines "NAME" and "NAME<TAB>VALUE", which stay until the next call. Without a
 * context, those that records can have. May be NULL.
 */
const char *shell_fields(struct shell *sh);

#endif
