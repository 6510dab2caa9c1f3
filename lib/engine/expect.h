/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine `expect`: expectations of conntrack helpers, records of the one
 * type `expectation`. It stands behind `conntrack` in the registry, since an
 * expectation needs its master.
 */
#ifndef NSE_ENGINE_EXPECT_H
#define NSE_ENGINE_EXPECT_H

#include "lib/engine/engine.h"

extern const struct nse_engine nse_engine_expect;

#endif
