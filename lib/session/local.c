/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The local ends: the host's own, of the domains that run here by the platform's word,
 * of those that arrive or have left by the journals of their sessions.
 */
#include "lib/session/local.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scope/resolve.h"
#include "lib/session/journal.h"
#include "lib/util/cleanup.h"

struct addrs {
	struct nse_addr *items; /* owned */
	size_t n;
};

struct ends {
	const char *state_dir;
	const char *except; /* a domain's name */
	struct addrs here, gone;
};

static int add(struct addrs *to, const struct nse_addr *addrs, size_t n)
{
	struct nse_addr *p;

	if (n == 0)
		return 0;
	p = realloc(to->items, (to->n + n) * sizeof(*p));
	if (!p)
		return -ENOMEM;
	memcpy(p + to->n, addrs, n * sizeof(*p));
	to->items = p;
	to->n += n;
	return 0;
}

/*
 * The addresses of a journal's domain. A journal that cannot be read is not ours to
 * judge.
 */
static int add_journal(struct ends *e, enum nse_journal_side side, const char *id)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope;
	enum nse_journal_state state;
	struct nse_journal *j = NULL;
	struct nse_error unused = { 0 };
	int rc = 0;

	nse_scope_init(&scope);
	nse_journal_reopen(&j, e->state_dir, side, id, &unused);
	if (j && nse_journal_read(j, &state, &scope, &unused) == 0 &&
	    strcmp(scope.domain.name, e->except) != 0 &&
	    (side == NSE_JOURNAL_SESSION || state == NSE_JOURNAL_RELEASED))
		rc = add(side == NSE_JOURNAL_SESSION ? &e->here : &e->gone,
			 scope.domain.addrs, scope.domain.naddrs);
	nse_journal_close(j);
	return rc;
}

static int add_arriving(void *arg, const char *id)
{
	return add_journal(arg, NSE_JOURNAL_SESSION, id);
}

static int add_released(void *arg, const char *id)
{
	return add_journal(arg, NSE_JOURNAL_MOVE, id);
}

static int add_own(void *arg, const struct nse_addr *addr)
{
	return add(arg, addr, 1);
}

static int add_host(struct ends *e, struct nse_error *err)
{
	int rc = nse_addr_each_own(add_own, &e->here);

	return rc < 0 ? nse_errno(err, rc, "reading this host's addresses") : 0;
}

static bool has(const struct addrs *in, const struct nse_addr *addr)
{
	for (size_t i = 0; i < in->n; i++)
		if (nse_addr_equal(&in->items[i], addr))
			return true;
	return false;
}

static int add_running(struct ends *e, const struct nse_addr *addrs, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		if (!has(&e->gone, &addrs[i]))
			rc = add(&e->here, &addrs[i], 1);
	return rc;
}

int nse_local_ends(const struct nse_config *cfg, struct nse_platform *platform,
		   const struct nse_scope *scope, enum nse_local_which which,
		   struct nse_addr **addrs, size_t *n, struct nse_error *err)
{
	struct ends e = { .state_dir = cfg->state_dir, .except = scope->domain.name };
	NSE_FREE struct nse_addr *here = NULL;
	size_t nhere = 0;
	int rc;

	/*
	 * In this order: who has arrived meanwhile is among those that run here, and who
	 * has left is not.
	 */
	rc = nse_journal_each(e.state_dir, NSE_JOURNAL_SESSION, add_arriving, &e, err);
	if (rc == 0 && which != NSE_LOCAL_TO_LEAVE)
		rc = nse_journal_each(e.state_dir, NSE_JOURNAL_MOVE, add_released, &e,
				      err);
	rc = rc ?: nse_scope_local(cfg, platform, scope, &here, &nhere, err);
	if (rc == 0 && which == NSE_LOCAL_TO_COME)
		rc = add(&e.here, e.gone.items, e.gone.n) ?: add(&e.here, here, nhere);
	else
		rc = rc ?: add_running(&e, here, nhere);
	if (rc == 0)
		rc = add_host(&e, err);
	free(e.gone.items);
	if (rc < 0) {
		free(e.here.items);
		return rc == -ENOMEM ? nse_error(err, rc, "out of memory") : rc;
	}
	*addrs = e.here.items;
	*n = e.here.n;
	return 0;
}
