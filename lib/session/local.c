/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The local ends: of the domains that run here by the platform's word, of those
 * that arrive by the journals of their sessions.
 */
#include "lib/session/local.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scope/resolve.h"
#include "lib/session/journal.h"
#include "lib/util/cleanup.h"

struct ends {
	const char *state_dir;
	struct nse_addr *items;
	size_t n;
};

static int add(struct ends *e, const struct nse_addr *addrs, size_t n)
{
	struct nse_addr *p;

	if (n == 0)
		return 0;
	p = realloc(e->items, (e->n + n) * sizeof(*p));
	if (!p)
		return -ENOMEM;
	memcpy(p + e->n, addrs, n * sizeof(*p));
	e->items = p;
	e->n += n;
	return 0;
}

/* A journal that cannot be read is not ours to judge. */
static int add_arriving(void *arg, const char *id)
{
	struct ends *e = arg;
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope;
	enum nse_journal_state state;
	struct nse_journal *j = NULL;
	struct nse_error unused = { 0 };
	int rc = 0;

	nse_scope_init(&scope);
	nse_journal_reopen(&j, e->state_dir, NSE_JOURNAL_SESSION, id, &unused);
	if (j && nse_journal_read(j, &state, &scope, &unused) == 0)
		rc = add(e, scope.domain.addrs, scope.domain.naddrs);
	nse_journal_close(j);
	return rc;
}

int nse_local_ends(const struct nse_config *cfg, struct nse_platform *platform,
		   const struct nse_scope *except, struct nse_addr **addrs, size_t *n,
		   struct nse_error *err)
{
	struct ends e = { .state_dir = cfg->state_dir };
	NSE_FREE struct nse_addr *here = NULL;
	size_t nhere = 0;
	int rc;

	/* In this order: who has arrived meanwhile is among those that run here. */
	rc = nse_journal_each(e.state_dir, NSE_JOURNAL_SESSION, add_arriving, &e, err);
	rc = rc ?: nse_scope_local(cfg, platform, except, &here, &nhere, err);
	rc = rc ?: add(&e, here, nhere);
	if (rc < 0) {
		free(e.items);
		return rc == -ENOMEM ? nse_error(err, rc, "out of memory") : rc;
	}
	*addrs = e.items;
	*n = e.n;
	return 0;
}
