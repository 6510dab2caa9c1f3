/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finding out what the host offers by trying it, since kernels ignore in
 * silence what they do not know. What concerns the whole kernel is tried in a
 * network namespace of a thread's own.
 */
#include "lib/engine/ct_host.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "lib/engine/ct_msg.h"
#include "lib/netlink/nl.h"
#include "lib/util/cleanup.h"
#include "lib/util/io.h"

#define SYSCTL "/proc/sys/net/netfilter/nf_conntrack_"

int64_t ct_host_sysctl(const char *name)
{
	char path[128], text[32], *end;
	long long v;

	snprintf(path, sizeof(path), SYSCTL "%s", name);
	if (nse_read_text(path, text, sizeof(text)) < 0)
		return -1;
	errno = 0;
	v = strtoll(text, &end, 10);
	return errno || end == text || v < 0 ? -1 : v;
}

uint64_t ct_host_room(void)
{
	int64_t max = ct_host_sysctl("max"), count = ct_host_sysctl("count");

	if (max <= 0 || count < 0)
		return UINT64_MAX;
	return count < max ? (uint64_t)(max - count) : 0;
}

static int take_entry(const struct nlmsghdr *nlh, void *arg)
{
	return ct_msg_parse(nlh, arg);
}

static int talk(struct nse_nl *nl, void *msg, struct ct_entry *live,
		struct nse_error *err)
{
	return nse_nl_talk(nl, msg, live ? take_entry : NULL, live, err);
}

/* An entry that no packet can match: protocol 253 between loopback addresses. */
static struct ct_entry scratch(void)
{
	struct ct_entry e = { .l3 = 4, .l4 = 253, .timeout = 5 };
	const uint8_t src[4] = { 127, 255, 255, 253 }, dst[4] = { 127, 255, 255, 254 };

	memcpy(e.orig.src, src, 4);
	memcpy(e.orig.dst, dst, 4);
	ct_invert(e.l3, e.l4, &e.orig, &e.reply);
	return e;
}

int ct_host_labels(struct nse_error *err)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct ct_entry e = scratch(), live = { 0 };
	int rc = nse_nl_open(&nl, 0, 0, err);

	if (rc < 0)
		return rc;
	e.present = CT_HAS_LABELS;
	e.labels[0] = 1;
	ct_msg_create(buf, &e, false);
	rc = talk(nl, buf, NULL, err);
	/* The leftover of a probe that was killed serves as well. */
	if (rc < 0 && rc != -EEXIST)
		return rc == -ENOSPC || rc == -EOPNOTSUPP ? 0 : rc;
	ct_msg_get(buf, &e, &e.orig, false);
	rc = talk(nl, buf, &live, err);
	if (rc < 0)
		return rc;
	ct_msg_delete(buf, &e, live.id);
	rc = talk(nl, buf, NULL, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	return live.present & CT_HAS_LABELS ? 1 : 0;
}

struct helpers {
	struct ct_helper *items;
	size_t n;
	struct nse_error *err;
	int rc;
};

static int try_helper(struct nse_nl *nl, struct ct_helper *h, uint16_t port,
		      struct nse_error *err)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct ct_entry e = scratch();
	struct nse_error refused;
	int rc;

	e.l3 = h->l3;
	e.l4 = h->l4;
	e.orig.l4[0] = (uint8_t)(port >> 8);
	e.orig.l4[1] = (uint8_t)port;
	ct_invert(e.l3, e.l4, &e.orig, &e.reply);
	e.present = CT_HAS_HELPER;
	memcpy(e.helper, h->name, CT_HELPER_NAME);
	ct_msg_create(buf, &e, false);
	rc = talk(nl, buf, NULL, &refused);
	h->available = rc == 0 || rc == -EEXIST;
	return rc == -EPERM || rc == -ETIMEDOUT ? nse_error(err, rc, "%s", refused.text)
						: 0;
}

static void *helpers_thread(void *arg)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct helpers *h = arg;

	if (unshare(CLONE_NEWNET) < 0) {
		h->rc = nse_errno(h->err, -errno,
				  "a network namespace to try helpers in");
		return NULL;
	}
	h->rc = nse_nl_open(&nl, 0, 0, h->err);
	for (size_t i = 0; i < h->n && h->rc == 0; i++)
		h->rc = try_helper(nl, &h->items[i], (uint16_t)(i + 1), h->err);
	return NULL;
}

int ct_host_helpers(struct ct_helper *helpers, size_t n, struct nse_error *err)
{
	struct helpers h = { helpers, n, err, 0 };
	pthread_t thread;
	int rc;

	if (n == 0)
		return 0;
	rc = pthread_create(&thread, NULL, helpers_thread, &h);
	if (rc)
		return nse_errno(err, -rc, "a thread to try conntrack helpers");
	pthread_join(thread, NULL);
	return h.rc;
}
