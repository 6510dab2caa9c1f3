/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The target's end of a migration session: what `nsemig receive --session`
 * does.
 */
#ifndef NSE_SESSION_TARGET_H
#define NSE_SESSION_TARGET_H

#include "lib/platform/platform.h"
#include "lib/util/config.h"
#include "lib/util/error.h"

struct nse_target_spec {
	int in, out; /* the link */
	const struct nse_config *config;
	struct nse_platform *platform; /* NULL: none on this host */
};

/*
 * Serves one session to its end. First it recovers what sessions whose
 * process was killed have left. 0 when the session ended well (also when the
 * source aborted it and everything was undone); -errno with a text when this
 * end failed; the source has been told. Whatever happens, a context that was
 * not released is not on this host afterwards.
 */
int nse_target_serve(const struct nse_target_spec *spec, struct nse_error *err);

#endif
