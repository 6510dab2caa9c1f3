/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The target's commit: the context that has come is rewritten to the names
 * that the domain's interfaces have here, checked once more, and installed.
 */
#include "lib/session/target_private.h"

#include <errno.h>

#include "lib/engine/registry.h"
#include "lib/scope/resolve.h"
#include "lib/session/arrive.h"
#include "lib/session/policy.h"

/*
 * What the source said of its interfaces has admitted rules that name them.
 * Here these names may be another domain's: only what names the arriving
 * domain's own goes on.
 */
static int rewrite(struct nse_target_session *t, struct nse_error *err)
{
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	int rc = nse_arrive_scope(t->spec->platform, &t->scope, &t->here, &map, err);

	if (rc == 0)
		rc = nse_journal_map(t->journal, &map, err);
	if (rc == 0)
		rc = nse_arrive_relocate(&t->snap.ctx, &map, err);
	if (rc == 0)
		rc = nse_scope_add_patterns(t->spec->config, &t->here, err);
	return rc < 0 ? rc : nse_policy_context(&t->here, t->snap.ctx, err);
}

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

int nse_target_install(struct nse_target_session *t, struct nse_error *err)
{
	int rc = rewrite(t, err);

	if (rc == 0)
		rc = look_before(t, err);
	if (rc == 0)
		rc = nse_journal_mark(t->journal, NSE_JOURNAL_INSTALLING, err);
	if (rc < 0)
		return rc;
	return nse_install_apply(t->snap.ctx, NSE_ENGINES_ALL,
				 NSE_INSTALL_LIBERAL | t->anchor, &t->here.others,
				 &t->job, err);
}
