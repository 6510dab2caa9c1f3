/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The Xen platform: finding domains by name or domid through libxenlight.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/platform/xen_ctx.h"
#include "lib/platform/xl_move.h"
#include "lib/util/cleanup.h"
#include "lib/util/io.h"

#define INCOMING "--incoming"
#define AWAY	 "--migratedaway"
#define PAGE_KIB 4 /* libxl counts in pages of x86 */

struct xen {
	struct nse_platform base;
	struct nse_xen_ctx ctx;
};

static struct nse_xen_ctx *ctx_of(struct nse_platform *p)
{
	return &((struct xen *)p)->ctx;
}

int nse_platform_xen_present(void)
{
	char text[256];

	return nse_read_text("/proc/xen/capabilities", text, sizeof(text)) == 0 &&
	       strstr(text, "control_d") != NULL;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), s = strlen(suffix);

	return n > s && strcmp(name + n - s, suffix) == 0;
}

/* Calls each() for the domid of every domain that is somebody's. */
static int each_domain(struct nse_xen_ctx *x,
		       int (*each)(struct nse_xen_ctx *x, uint32_t domid,
				   const char *name, void *arg),
		       void *arg, struct nse_error *err)
{
	libxl_dominfo *list;
	int n = 0, rc = 0;

	list = libxl_list_domain(x->libxl, &n);
	if (!list)
		return nse_xen_error(x, err, -EIO, "cannot list the domains");
	for (int i = 0; i < n && rc == 0; i++) {
		NSE_FREE char *name = libxl_domid_to_name(x->libxl, list[i].domid);

		if (list[i].domid == 0 || !name || has_suffix(name, INCOMING) ||
		    has_suffix(name, AWAY))
			continue;
		rc = each(x, list[i].domid, name, arg);
	}
	libxl_dominfo_list_free(list, n);
	return rc;
}

struct lister {
	int (*each)(void *arg, const struct nse_domain *d);
	void *arg;
	struct nse_error *err;
};

static int list_one(struct nse_xen_ctx *x, uint32_t domid, const char *name, void *arg)
{
	NSE_CLEANUP(nse_domain_release) struct nse_domain d;
	struct lister *l = arg;
	int rc;

	(void)name;
	nse_domain_init(&d);
	/* Without claims: settling those looks at every other domain again. */
	rc = nse_xen_describe(x, domid, false, &d, l->err);
	if (rc == -ENOENT)
		return 0;
	return rc < 0 ? rc : l->each(l->arg, &d);
}

static int xen_list(struct nse_platform *p,
		    int (*each)(void *arg, const struct nse_domain *d), void *arg,
		    struct nse_error *err)
{
	struct lister l = { each, arg, err };

	return each_domain(ctx_of(p), list_one, &l, err);
}

static int add_name(struct nse_xen_ctx *x, uint32_t domid, const char *name, void *arg)
{
	char *names = arg;
	size_t len = strlen(names), room = NSE_ERROR_MAX / 2 - len;

	(void)x, (void)domid;
	if (strlen(name) + 3 < room)
		snprintf(names + len, room, "%s%s", len ? ", " : "", name);
	return 0;
}

static int find(struct nse_xen_ctx *x, const char *domain, uint32_t *domid,
		struct nse_error *err)
{
	char names[NSE_ERROR_MAX / 2] = "";
	libxl_dominfo info;
	int rc = -ENOENT;

	if (libxl_domain_qualifier_to_domid(x->libxl, domain, domid) == 0) {
		rc = nse_xen_info(x, *domid, &info);
		libxl_dominfo_dispose(&info);
	}
	if (rc == 0)
		return 0;
	if (rc != -ENOENT)
		return nse_xen_error(x, err, rc, "looking for domain '%s'", domain);
	each_domain(x, add_name, names, NULL);
	return nse_error(err, -ENOENT, "no domain '%s' here; %s%s", domain,
			 names[0] ? "there are: " : "there is none but Domain-0", names);
}

static int xen_describe(struct nse_platform *p, const char *domain, struct nse_domain *d,
			struct nse_error *err)
{
	uint32_t domid;
	int rc = find(ctx_of(p), domain, &domid, err);

	return rc < 0 ? rc : nse_xen_describe(ctx_of(p), domid, true, d, err);
}

/* That libxl finds no domain is an answer; that it gets no list of them is none. */
static int no_such(int rc)
{
	return rc == 0 ? 0 : rc == ERROR_NOMEM ? -EIO : -ENOENT;
}

static int find_incoming(struct nse_xen_ctx *x, const char *domain, uint32_t *domid)
{
	char name[NSE_DOMAIN_NAME_MAX + sizeof(INCOMING)];

	if (strlen(domain) >= NSE_DOMAIN_NAME_MAX)
		return -ENOENT;
	snprintf(name, sizeof(name), "%s" INCOMING, domain);
	return no_such(libxl_name_to_domid(x->libxl, name, domid));
}

static int xen_incoming(struct nse_platform *p, const char *domain, struct nse_domain *d,
			struct nse_error *err)
{
	uint32_t domid;
	int rc = find_incoming(ctx_of(p), domain, &domid);

	if (rc < 0)
		return nse_error(err, rc, "domain '%s' is not arriving here", domain);
	rc = nse_xen_describe(ctx_of(p), domid, true, d, err);
	/* The name that it will have. */
	if (rc == 0)
		snprintf(d->name, sizeof(d->name), "%s", domain);
	return rc;
}

static int xen_running(struct nse_platform *p, const char *domain, struct nse_error *err)
{
	struct nse_xen_ctx *x = ctx_of(p);
	libxl_dominfo info;
	uint32_t domid;
	int rc;

	rc = no_such(libxl_domain_qualifier_to_domid(x->libxl, domain, &domid));
	if (rc < 0)
		return rc == -ENOENT ? 0
				     : nse_xen_error(x, err, rc,
						     "looking for domain '%s'", domain);
	rc = nse_xen_info(x, domid, &info);
	if (rc == 0)
		rc = !info.paused && !info.shutdown && !info.dying;
	libxl_dominfo_dispose(&info);
	if (rc == -ENOENT)
		return 0;
	return rc < 0 ? nse_xen_error(x, err, rc, "looking at domain '%s'", domain) : rc;
}

static int xen_memory(struct nse_platform *p, const char *domain, uint64_t *kib,
		      struct nse_error *err)
{
	struct nse_xen_ctx *x = ctx_of(p);
	libxl_dominfo info;
	uint32_t domid;
	int rc = find(x, domain, &domid, err);

	if (rc < 0)
		return rc;
	rc = nse_xen_info(x, domid, &info);
	if (rc == 0)
		*kib = info.current_memkb;
	libxl_dominfo_dispose(&info);
	return rc < 0 ? nse_xen_error(x, err, rc, "looking at domain '%s'", domain) : 0;
}

/*
 * xl takes memory from Domain-0 for a domain that comes, unless xl.conf says
 * otherwise; of itself it does not where Xen was booted with dom0_mem=.
 */
static bool xl_balloons(struct nse_xen_ctx *x)
{
	const libxl_version_info *v = libxl_get_version_info(x->libxl);
	bool yes = !v || !v->commandline || !strstr(v->commandline, "dom0_mem=");
	FILE *f = fopen("/etc/xen/xl.conf", "re");
	char line[256], word[16];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " autoballoon = %*[\"']%15[a-z0-9]", word) != 1 &&
		    sscanf(line, " autoballoon = %15[a-z0-9]", word) != 1)
			continue;
		if (strcmp(word, "auto") != 0)
			yes = strcmp(word, "on") == 0 || strcmp(word, "1") == 0;
	}
	if (f)
		fclose(f);
	return yes;
}

static int xen_free_memory(struct nse_platform *p, uint64_t *kib, bool *sure,
			   struct nse_error *err)
{
	struct nse_xen_ctx *x = ctx_of(p);
	libxl_physinfo info;

	libxl_physinfo_init(&info);
	if (libxl_get_physinfo(x->libxl, &info) != 0) {
		libxl_physinfo_dispose(&info);
		return nse_xen_error(x, err, -EIO, "cannot read the host's memory");
	}
	*kib = (info.free_pages + info.scrub_pages) * PAGE_KIB;
	libxl_physinfo_dispose(&info);
	if (xl_balloons(x))
		*sure = false;
	return 0;
}

static int xen_drop_incoming(struct nse_platform *p, const char *domain,
			     struct nse_error *err)
{
	struct nse_xen_ctx *x = ctx_of(p);
	libxl_dominfo info;
	uint32_t domid;
	bool idle;
	int rc;

	if (find_incoming(x, domain, &domid) < 0)
		return 0;
	rc = nse_xen_info(x, domid, &info);
	/* Paused since it was made: it has never run a single instruction. */
	idle = rc == 0 && info.paused;
	libxl_dominfo_dispose(&info);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return nse_xen_error(x, err, rc, "looking at %s" INCOMING, domain);
	if (!idle)
		return nse_error(err, -EBUSY, "%s" INCOMING " runs: left alone", domain);
	nse_xen_own_children(x);
	if (libxl_domain_destroy(x->libxl, domid, NULL) != 0)
		return nse_xen_error(x, err, -EIO,
				     "cannot destroy %s" INCOMING
				     ": look at it and use xl destroy",
				     domain);
	return 0;
}

static int xen_move_start(struct nse_platform *p, const struct nse_move_spec *spec,
			  struct nse_move **move, struct nse_error *err)
{
	NSE_FREE char *name = NULL;
	uint32_t domid;
	int rc = find(ctx_of(p), spec->domain, &domid, err);

	if (rc < 0)
		return rc;
	name = libxl_domid_to_name(ctx_of(p)->libxl, domid);
	if (!name)
		return nse_error(err, -ENOENT, "domain %u has just ended", domid);
	return nse_xen_move_start(domid, name, spec, move, err);
}

static void xen_free(struct nse_platform *p)
{
	nse_xen_ctx_close(ctx_of(p));
	free(p);
}

static const struct nse_platform_ops xen_ops = {
	.name = "xen",
	.program_there = "xl",
	.list = xen_list,
	.describe = xen_describe,
	.incoming = xen_incoming,
	.running = xen_running,
	.memory = xen_memory,
	.free_memory = xen_free_memory,
	.drop_incoming = xen_drop_incoming,
	.move_start = xen_move_start,
	.move_wait = nse_xl_move_wait,
	.move_progress = nse_xl_move_progress,
	.move_fd = nse_xl_move_fd,
	.move_go = nse_xl_move_go,
	.move_abort = nse_xl_move_abort,
	.move_status = nse_xl_move_status,
	.move_reason = nse_xl_move_reason,
	.move_free = nse_xl_move_free,
	.free = xen_free,
};

int nse_platform_xen_open(struct nse_platform **p, struct nse_error *err)
{
	struct xen *x;
	int rc;

	*p = NULL;
	if (!nse_platform_xen_present())
		return nse_error(
			err, -ENODEV,
			"this host is not a Xen dom0 (/proc/xen/capabilities does "
			"not say control_d): choose another --platform, or name "
			"addresses with --addr");
	x = calloc(1, sizeof(*x));
	if (!x)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = nse_xen_ctx_open(&x->ctx, err);
	if (rc < 0) {
		free(x);
		return rc;
	}
	x->base.ops = &xen_ops;
	*p = &x->base;
	return 0;
}
