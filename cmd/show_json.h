/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JSON object of `nsemig show --json`.
 */
#ifndef NSE_CMD_SHOW_JSON_H
#define NSE_CMD_SHOW_JSON_H

#include "cmd/show_view.h"

/* Prints the view, a line for each record. 0 or -errno with a text. */
int show_json_print(const struct show_view *v, struct nse_error *err);

#endif
