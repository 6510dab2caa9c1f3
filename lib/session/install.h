/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A context into this host's kernel, all or nothing, and out of it again.
 */
#ifndef NSE_SESSION_INSTALL_H
#define NSE_SESSION_INSTALL_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/context/context.h"
#include "lib/context/scope.h"
#include "lib/engine/engine.h"
#include "lib/util/error.h"

#define NSE_INSTALL_DRY_RUN	 0x1  /* change nothing, find out what would happen */
#define NSE_INSTALL_LIBERAL	 0x2  /* nse_engines_settle() will follow */
#define NSE_INSTALL_BEST_EFFORT	 0x4  /* keep what could be installed */
#define NSE_INSTALL_ANCHOR_FIRST 0x8  /* rules of shared chains go to their beginning, */
#define NSE_INSTALL_ANCHOR_LAST	 0x10 /* or end, not to the same relative place */

/* The NSE_JOB_* of NSE_INSTALL_*. */
unsigned int nse_install_job_flags(unsigned int flags);

/*
 * Checks every record of ctx (hostile until then), installs what `engines`
 * (a set as in registry.h) know, and takes everything back when a record was
 * refused, unless BEST_EFFORT. *job is initialised here and is released by
 * the caller, also after an error; its outcomes and refusals say what became
 * of each record. ctx must outlive it, and so must `others`: what else runs on
 * this host (NULL: not known). Errors: what the check returned,
 * -ECANCELED when records were refused and all was undone (the text says how
 * many, and the first reason), -EINTR when *interrupted (NULL: never) became other
 * than 0 in time and all was undone (the text says so), -errno of the kernel.
 */
int nse_install_apply(const struct nse_context *ctx, uint32_t engines, unsigned int flags,
		      const struct nse_domain *others,
		      const volatile sig_atomic_t *interrupted, struct nse_job *job,
		      struct nse_error *err);

/*
 * Removes exactly the records of ctx from this host. What has its other end
 * at one of the `local` addresses stays and is counted as kept. scope says
 * which end is the domain's; when what others use as well was carried, too,
 * that stays, and *job is about a context of its own. Flags: DRY_RUN. *job as
 * above.
 */
int nse_install_purge(const struct nse_context *ctx, uint32_t engines,
		      const struct nse_scope *scope, const struct nse_addr *local,
		      size_t nlocal, unsigned int flags, struct nse_job *job,
		      struct nse_error *err);

#endif
