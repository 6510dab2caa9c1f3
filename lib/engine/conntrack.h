/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine of connection-tracking entries (records of kind
 * conntrack/entry, see ct_row.h for their bytes).
 */
#ifndef NSE_ENGINE_CONNTRACK_H
#define NSE_ENGINE_CONNTRACK_H

#include "lib/engine/engine.h"

extern const struct nse_engine nse_engine_conntrack;

#endif
