/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a move by xl needs of Xen itself: the moment of the guest's suspension
 * (xenstore's @releaseDomain fires when any domain shuts down, which a
 * suspension is), and the guest's resumption when xl was killed before it
 * could see to that.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/platform/xen_ctx.h"
#include "lib/platform/xl_move.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define RELEASE	     "@releaseDomain"
#define AWAY	     "--migratedaway"
#define LATE_SUSPEND 3000000 /* for a suspension that was asked for by a dead xl */

struct source {
	struct nse_xen_ctx x;
	uint32_t domid;
	char name[NSE_DOMAIN_NAME_MAX];
};

static void source_free(void *arg)
{
	struct source *s = arg;

	nse_xen_ctx_close(&s->x);
	free(s);
}

static void drain(struct source *s)
{
	char **event;

	while ((event = xs_check_watch(s->x.xs)))
		free(event);
}

static int suspended(void *arg)
{
	struct source *s = arg;
	libxl_dominfo info;
	int rc;

	drain(s);
	rc = nse_xen_info(&s->x, s->domid, &info);
	if (rc == 0)
		rc = nse_xen_is_suspended(&info);
	libxl_dominfo_dispose(&info);
	return rc == -ENOENT ? 0 : rc; /* xl will end, and say why */
}

/*
 * xl was killed: the guest may have been asked to suspend and not have got
 * to it yet. Takes the request back; a guest that has taken it suspends.
 */
static void await_late_suspend(struct source *s)
{
	int64_t deadline = nse_now_us() + LATE_SUSPEND;
	struct pollfd p = { .fd = xs_fileno(s->x.xs), .events = POLLIN };
	NSE_FREE char *asked = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", s->domid);
	asked = nse_xen_read(&s->x, "%s", path);
	if (asked && strcmp(asked, "suspend") == 0)
		xs_write(s->x.xs, XBT_NULL, path, "", 0);
	while (suspended(s) == 0 && nse_poll_ms(deadline) > 0)
		poll(&p, 1, nse_poll_ms(deadline));
}

/* xl renames the domain right after READY, before it is handed over. */
static int take_name_back(struct source *s)
{
	NSE_FREE char *name = libxl_domid_to_name(s->x.libxl, s->domid);
	char away[sizeof(s->name) + sizeof(AWAY)];

	snprintf(away, sizeof(away), "%s" AWAY, s->name);
	if (!name || strcmp(name, away) != 0)
		return 0;
	return libxl_domain_rename(s->x.libxl, s->domid, away, s->name) == 0 ? 0 : -EIO;
}

static int resume(void *arg, bool killed, struct nse_error *err)
{
	struct source *s = arg;
	int rc;

	if (killed)
		await_late_suspend(s);
	rc = suspended(s);
	if (rc < 0)
		return nse_xen_error(&s->x, err, rc, "looking at domain %s", s->name);
	if (take_name_back(s) < 0)
		return nse_xen_error(
			&s->x, err, -EIO,
			"domain %u could not be renamed to %s: use xl rename", s->domid,
			s->name);
	if (rc == 0)
		return 0;
	nse_xen_own_children(&s->x);
	if (libxl_domain_resume(s->x.libxl, s->domid, 1, NULL) != 0)
		return nse_xen_error(
			&s->x, err, -EIO,
			"domain %s is suspended here and could not be resumed: "
			"make sure that it does not run at the target, then use "
			"xl resume",
			s->name);
	return 0;
}

/* The path of this very program. */
static int own_path(char *out, size_t room, struct nse_error *err)
{
	ssize_t n = readlink("/proc/self/exe", out, room - 1);

	if (n <= 0)
		return nse_errno(err, -errno, "cannot tell where nsemig is");
	out[n] = '\0';
	if (access(out, X_OK) < 0)
		return nse_errno(err, -errno, "cannot run %s as xl's gate", out);
	return 0;
}

/* The domain's memory in bytes, 0 when that cannot be found out. */
static uint64_t memory_of(struct source *s)
{
	libxl_dominfo info;
	uint64_t bytes = 0;

	if (nse_xen_info(&s->x, s->domid, &info) == 0)
		bytes = info.current_memkb * 1024;
	libxl_dominfo_dispose(&info);
	return bytes;
}

static int start(struct source *s, const struct nse_move_spec *spec,
		 struct nse_move **move, struct nse_error *err)
{
	char self[4096];
	const char *const gate[] = { self, "xl-gate", NULL };
	struct nse_xl_move_spec xl = {
		.xl = "xl",
		.gate = gate,
		.move = spec,
		.limits = NSE_XL_LIMITS_DEFAULT,
		.memory = memory_of(s),
		.connect_us = NSE_XL_CONNECT_US,
		.source = { .suspended = suspended,
			    .resume = resume,
			    .free = source_free,
			    .arg = s },
	};
	int rc = own_path(self, sizeof(self), err);

	if (rc == 0 && !xs_watch(s->x.xs, RELEASE, "release"))
		rc = nse_errno(err, -errno, "cannot watch xenstore");
	if (rc < 0) {
		source_free(s);
		return rc;
	}
	xl.source.fd = xs_fileno(s->x.xs);
	return nse_xl_move_start(&xl, move, err);
}

int nse_xen_move_start(uint32_t domid, const char *name, const struct nse_move_spec *spec,
		       struct nse_move **move, struct nse_error *err)
{
	struct nse_move_spec by_id = *spec;
	struct source *s;
	char id[16];
	int rc;

	*move = NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = nse_xen_ctx_open(&s->x, err);
	if (rc < 0) {
		free(s);
		return rc;
	}
	s->domid = domid;
	snprintf(s->name, sizeof(s->name), "%s", name);
	/* By number: what is watched and what is moved is the same domain. */
	snprintf(id, sizeof(id), "%u", domid);
	by_id.domain = id;
	return start(s, &by_id, move, err);
}
