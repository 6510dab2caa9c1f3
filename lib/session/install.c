/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Installing a context all or nothing, and removing one exactly: what the
 * commands and both ends of a migration share.
 */
#include "lib/session/install.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

unsigned int nse_install_job_flags(unsigned int flags)
{
	return (flags & NSE_INSTALL_DRY_RUN ? NSE_JOB_DRY_RUN : 0) |
	       (flags & NSE_INSTALL_LIBERAL ? NSE_JOB_LIBERAL : 0) |
	       (flags & NSE_INSTALL_ANCHOR_FIRST ? NSE_JOB_ANCHOR_FIRST : 0) |
	       (flags & NSE_INSTALL_ANCHOR_LAST ? NSE_JOB_ANCHOR_LAST : 0);
}

/* Takes back what was created, and says why in err. */
static int take_back(uint32_t engines, struct nse_job *job, int rc, struct nse_error *err)
{
	struct nse_error undo = { 0 };

	if (nse_engines_undo(engines, job, &undo) < 0)
		return nse_error(err, -EUCLEAN,
				 "%s; and undoing it failed: %s; `nsemig purge` with the "
				 "same file removes what is left",
				 err ? err->text : "installing failed", undo.text);
	return rc;
}

int nse_install_apply(const struct nse_context *ctx, uint32_t engines, unsigned int flags,
		      const struct nse_domain *others,
		      const volatile sig_atomic_t *interrupted, struct nse_job *job,
		      struct nse_error *err)
{
	int rc = nse_job_init(job, ctx, nse_install_job_flags(flags));
	uint64_t created;

	if (rc < 0)
		return nse_error(err, rc, "out of memory");
	job->others = others;
	job->interrupted = interrupted;
	rc = nse_engines_check(ctx, err);
	if (rc < 0)
		return rc;
	rc = nse_engines_install(engines, job, err);
	created = job->created;
	if (rc == -EINTR && !(flags & NSE_INSTALL_DRY_RUN))
		nse_error(err, rc,
			  "interrupted; the %" PRIu64 " records that were installed are "
			  "removed again, nothing of the context is left",
			  created);
	if (rc < 0)
		return flags & NSE_INSTALL_DRY_RUN ? rc
						   : take_back(engines, job, rc, err);
	if (job->refused == 0 ||
	    (flags & (NSE_INSTALL_BEST_EFFORT | NSE_INSTALL_DRY_RUN)))
		return 0;
	nse_error(err, -ECANCELED,
		  "%" PRIu64 " of %zu records were refused, the first: %s; "
		  "nothing of it was installed",
		  job->refused, nse_context_count(ctx),
		  job->nrefusals ? job->refusals[0].why : "unknown");
	return take_back(engines, job, -ECANCELED, err);
}

static int put_others(const struct nse_context *from, const char *engine,
		      struct nse_context *to)
{
	struct nse_record rec;
	int rc = 0;

	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(from); s++)
		if (nse_context_at(from, s, &rec) && strcmp(rec.kind->engine, engine))
			rc = nse_context_put(to, &rec, NULL);
	return rc;
}

/*
 * What was carried although others use it stays here: of rules, only what is
 * the domain's alone is removed, as this host has it now.
 */
static int without_shared(const struct nse_context *ctx, uint32_t engines,
			  const struct nse_scope *scope, struct nse_context **own,
			  struct nse_error *err)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *to = nse_context_new();
	NSE_CLEANUP(nse_scope_release) struct nse_scope alone;
	struct nse_sink sink;
	uint32_t nft = 0;
	int rc = to ? 0 : -ENOMEM;

	nse_scope_init(&alone);
	if (rc == 0)
		rc = nse_scope_copy(&alone, scope);
	alone.carry_shared = false;
	if (rc == 0)
		rc = nse_scope_relax(&alone);
	if (rc == 0)
		rc = put_others(ctx, "nft", to);
	if (rc < 0)
		return nse_error(err, rc, "out of memory");
	rc = nse_engines_parse("nft", &nft, err);
	sink = nse_context_sink(to);
	if (rc == 0)
		rc = nse_engines_collect(engines & nft, &alone, &sink, err);
	if (rc == 0)
		*own = nse_take(to);
	return rc;
}

int nse_install_purge(const struct nse_context *ctx, uint32_t engines,
		      const struct nse_scope *scope, const struct nse_addr *local,
		      size_t nlocal, unsigned int flags, struct nse_job *job,
		      struct nse_error *err)
{
	struct nse_context *own = NULL;
	struct nse_record rec;
	int rc = 0;

	if (scope->carry_shared && !scope->all)
		rc = without_shared(ctx, engines, scope, &own, err);
	if (rc < 0)
		return rc;
	ctx = own ? own : ctx;
	rc = nse_job_init(job, ctx, nse_install_job_flags(flags));
	job->owned = own;
	if (rc < 0)
		return nse_error(err, rc, "out of memory");
	rc = nse_engines_check(ctx, err);
	if (rc < 0)
		return rc;
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		const struct nse_engine *engine;

		if (!nlocal || !nse_context_at(ctx, s, &rec))
			continue;
		engine = nse_engine_find(rec.kind->engine);
		if (engine && engine->shared(&rec, scope, local, nlocal))
			nse_job_outcome(job, s, NSE_KEPT);
	}
	return nse_engines_remove(engines, job, err);
}
