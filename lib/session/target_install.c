/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The target's commit. What could go ahead is in the kernel already; the rest is
 * rewritten to the names that the domain's interfaces have here, checked once more,
 * and installed: rules, the entries that had to wait for them, expectations.
 */
#include "lib/session/target_private.h"

#include <errno.h>
#include <inttypes.h>

#include "lib/engine/registry.h"
#include "lib/scope/resolve.h"
#include "lib/session/arrive.h"
#include "lib/session/policy.h"

/* What this host has under these names already, which an undo leaves alone. */
static int look_before(struct nse_target_session *t, struct nse_error *err)
{
	struct nse_sink sink = nse_context_sink(t->before);
	uint32_t nft = 0;
	int rc = nse_engines_parse("nft", &nft, err);

	if (rc == 0)
		rc = nse_engines_collect(nft, &t->here, &sink, err);
	return rc < 0 ? rc : nse_journal_before(t->journal, t->before, err);
}

int nse_target_find_names(struct nse_target_session *t, bool last, struct nse_error *err)
{
	struct nse_platform *p = t->spec->platform;
	NSE_CLEANUP(nse_domain_release) struct nse_domain incoming;
	int rc;

	nse_domain_init(&incoming);
	if (t->named)
		return 0;
	if (p && !last && p->ops->incoming(p, t->scope.domain.name, &incoming, NULL) < 0)
		return 0;
	rc = nse_arrive_scope(p, &t->scope, &t->here, &t->map, err);
	rc = rc ?: nse_journal_map(t->journal, &t->map, err);
	rc = rc ?: nse_scope_add_patterns(t->spec->config, &t->here, err);
	rc = rc ?: look_before(t, err);
	t->named = rc == 0;
	return rc;
}

/*
 * What the source said of its interfaces has admitted rules that name them.
 * Here these names may be another domain's: only what names the arriving
 * domain's own goes on.
 */
static int rewrite(struct nse_target_session *t, struct nse_error *err)
{
	int rc = nse_target_find_names(t, true, err);

	if (rc == 0)
		rc = nse_arrive_relocate(&t->rest, &t->map, err);
	return rc < 0 ? rc : nse_policy_context(&t->here, t->rest, err);
}

/* The job of an engine's records; the order of engines is kept. */
static int install(struct nse_target_session *t, struct nse_error *err)
{
	int rc = 0;

	for (size_t i = 0; nse_engines[i] && rc == 0; i++)
		rc = nse_engines[i]->ahead
			     ? nse_target_install_waiting(t, err)
			     : nse_engines_install(1u << i, &t->rest_job, err);
	return rc;
}

static const struct nse_job *first_refused(const struct nse_target_session *t)
{
	return t->rest_job.nrefusals ? &t->rest_job : &t->job;
}

int nse_target_install(struct nse_target_session *t, struct nse_error *err)
{
	const struct nse_job *job;
	int rc = rewrite(t, err);

	if (rc == 0)
		rc = nse_job_init(&t->rest_job, t->rest,
				  nse_install_job_flags(t->anchor));
	if (rc < 0)
		return rc == -ENOMEM ? nse_errno(err, rc, "installing") : rc;
	t->rest_job.others = &t->here.others;
	rc = install(t, err);
	if (rc < 0 || t->job.refused + t->rest_job.refused == 0)
		return rc;
	job = first_refused(t);
	return nse_error(err, -ECANCELED,
			 "%" PRIu64
			 " of %zu records were refused, the first: %s; nothing "
			 "of it was installed",
			 t->job.refused + t->rest_job.refused,
			 nse_context_count(t->snap.ctx),
			 job->nrefusals ? job->refusals[0].why : "unknown");
}

int nse_target_uninstall(struct nse_target_session *t, struct nse_error *err)
{
	size_t i = 0;
	int rc = 0;

	t->job.flags &= ~(unsigned int)NSE_JOB_UNMET;
	while (nse_engines[i])
		i++;
	while (i-- > 0) {
		struct nse_job *job = nse_engines[i]->ahead ? &t->job : &t->rest_job;
		int own = job->ctx ? nse_engines_undo(1u << i, job, rc ? NULL : err) : 0;

		rc = rc ?: own;
	}
	return rc;
}
