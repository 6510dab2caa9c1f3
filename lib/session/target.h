/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The target's end of a migration session: what `nsemig receive --session`
 * does.
 */
#ifndef NSE_SESSION_TARGET_H
#define NSE_SESSION_TARGET_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/platform/platform.h"
#include "lib/util/config.h"
#include "lib/util/error.h"

enum nse_target_result {
	NSE_TARGET_ARRIVED, /* the domain runs here, its context is in force */
	NSE_TARGET_UNDONE,  /* it does not, and nothing is left of its context */
	NSE_TARGET_UNCLEAR, /* it cannot be found out, or not be undone */
};

struct nse_target_end {
	enum nse_target_result result;
	const char *session, *domain;
	uint64_t created; /* records */
};

struct nse_target_spec {
	int in, out; /* the link */
	const struct nse_config *config;
	struct nse_platform *platform; /* NULL: none on this host */
	/*
	 * Called at the end of a session in which a domain was to come, and not for
	 * dry runs; may be NULL. err is what nse_target_serve() is about to say.
	 */
	void (*ended)(void *arg, const struct nse_target_end *end,
		      const struct nse_error *err);
	void *arg;
	bool *told; /* set when it fails and the source was told so; or NULL */
	/*
	 * Not 0: a signal that asks to end. Everything is undone, unless the domain
	 * was released to run here, when the session is finished; NULL: never.
	 */
	const volatile sig_atomic_t *interrupted;
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
