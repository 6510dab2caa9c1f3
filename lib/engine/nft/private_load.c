/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loading a context into a namespace that is empty: the devices first that
 * rules know and that chains and flowtables hook into, then one batch.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/build.h"
#include "lib/engine/nft/ifindex.h"
#include "lib/engine/nft/private.h"
#include "lib/engine/nft/walk.h"
#include "lib/netlink/nl.h"
#include "lib/util/cleanup.h"

#define RCVBUF	     (16u << 20) /* for the refusals of a big ruleset */
#define SNDBUF_SPARE (64u << 10)
#define FIRST_INDEX  1000000 /* of a device: no rule's `iif 2` is shown by its name */

struct devices {
	struct mnl_socket *sock;
	int next; /* index */
};

/* Asks for a link: 0 or -errno of the kernel. */
static int make_link(struct devices *d, const char *name, const char *kind)
{
	_Alignas(struct nlmsghdr) char buf[512];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	struct nlattr *info;
	ssize_t n;

	nlh->nlmsg_type = RTM_NEWLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = d->next;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(nlh, info);
	if (mnl_socket_sendto(d->sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(d->sock, buf, sizeof(buf));
	if (n < 0)
		return -errno;
	if (!mnl_nlmsg_ok(nlh, (int)n) || nlh->nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return ((struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->error;
}

/*
 * A device that stands for another one. When none can be made the kernel is to
 * say what it thinks of it: newer ones take a hook all the same.
 */
static void make_device(struct devices *d, const char *name)
{
	static const char *const kinds[] = { "dummy", "ifb", "bridge" };

	for (size_t i = 0; i < NSE_ARRAY_SIZE(kinds); i++) {
		int rc = make_link(d, name, kinds[i]);

		d->next += rc == 0;
		if (rc == 0 || rc == -EEXIST)
			break;
	}
}

static int on_device(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	char name[IFNAMSIZ];

	(void)to;
	if (site->kind != NFT_SITE_DEVICE || site->op == NFT_OP_OTHER ||
	    site->data.n == 0 || site->data.n >= IFNAMSIZ)
		return 0;
	memcpy(name, site->data.p, site->data.n);
	name[site->data.n] = '\0';
	make_device(arg, name);
	return 0;
}

/* What a record hooks into, and what it knows by the number of a name. */
static void make_devices_of(struct devices *d, const struct nse_record *rec,
			    enum nft_type type)
{
	struct nse_bytes attrs = nft_body_attrs(type, rec->body), kernel;
	struct nft_ifnames names;

	if (type == NFT_CHAIN || type == NFT_FLOWTABLE)
		nft_walk(type, attrs, NULL, on_device, d, NULL);
	if (nft_ifindex_split(attrs, &kernel, &names) < 0)
		return;
	for (unsigned int i = 0; i < names.n; i++)
		make_device(d, names.names[i]);
}

static int make_devices(const struct nft_private *p, struct nse_error *err)
{
	struct devices d = { mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC), FIRST_INDEX };
	struct nse_record rec;
	enum nft_type type;
	bool need;
	int rc = 0;

	if (!d.sock || mnl_socket_bind(d.sock, 0, MNL_SOCKET_AUTOPID) < 0)
		rc = nse_errno(err, -errno, "a netlink socket for links");
	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(p->ctx); s++)
		if (nse_context_at(p->ctx, s, &rec) &&
		    nft_kind_of(rec.kind, &type, &need) && nft_private_wants(p, s))
			make_devices_of(&d, &rec, type);
	if (d.sock)
		mnl_socket_close(d.sock);
	return rc;
}

/* Looks for the sets and chains that a rule has of its own. */
struct own_names {
	const struct nft_private *p;
	const struct nft_key *rule;
	bool missing;
};

static int on_name(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct own_names *o = arg;
	struct nft_key key = *o->rule;
	char name[NFT_NAME_MAX];
	int n;

	(void)to;
	if ((site->kind != NFT_SITE_SET && site->kind != NFT_SITE_CHAIN) ||
	    !nft_name_is_ours(site->data))
		return 0;
	n = snprintf(name, sizeof(name), "@%.*s:%u:%.*s", (int)key.name.n,
		     (const char *)key.name.p, key.rule, (int)site->data.n - 1,
		     (const char *)site->data.p + 1);
	key.type = site->kind == NFT_SITE_SET ? NFT_SET : NFT_CHAIN;
	key.name = nft_str(name);
	if (n < 0 || n >= (int)sizeof(name) || nft_key_encode(&key, &b) < 0 ||
	    nse_context_find(o->p->ctx,
			     key.need ? &nft_need_kinds[key.type] : &nft_kinds[key.type],
			     (struct nse_bytes){ b.data, b.len }) == NSE_CONTEXT_NONE)
		o->missing = true;
	return 0;
}

/*
 * A record that names an interface by a number without a name, or a rule
 * without its own sets (of a needed chain's rules there are but digests), is
 * none that can be made into a message: it is refused here, and the others are
 * loaded.
 */
static bool is_resolved(const struct nft_private *p, uint32_t slot, struct nse_buf *b,
			struct nse_error *why)
{
	struct nse_bytes attrs;
	struct nse_record rec;
	struct nft_key key;
	struct own_names own = { p, &key, false };
	int rc;

	if (!nse_context_at(p->ctx, slot, &rec) || nft_key_decode(&rec, &key, NULL) < 0)
		return true;
	nse_buf_reset(b);
	attrs = nft_body_attrs(key.type, rec.body);
	rc = nft_ifindex_resolve(key.type, attrs, b, why);
	if (rc >= 0 && key.type == NFT_ELEMENT)
		rc = nft_ifindex_resolve_key(attrs, key.kind, key.bytes, b, why);
	if (rc >= 0 && key.type == NFT_RULE)
		rc = nft_walk(key.type, attrs, NULL, on_name, &own, NULL);
	if (rc >= 0 && own.missing)
		rc = nse_error(why, -ENOENT,
			       "the context does not have what the rule has of its own");
	return rc >= 0;
}

static bool leave_unresolved_out(struct nft_private *p, nft_refused_cb *refused,
				 void *arg)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(4 * NSE_RECORD_MAX);
	struct nse_error why = { 0 };
	bool any = false;

	for (uint32_t s = 0; s < nse_context_slots(p->ctx); s++) {
		if (!nft_private_wants(p, s) || is_resolved(p, s, &b, &why))
			continue;
		any = true;
		refused(arg, s, why.code, why.text);
		nft_private_leave_out(p, s);
	}
	return any;
}

static bool wants(void *arg, uint32_t slot, const struct nft_key *key)
{
	struct nft_private *p = arg;

	(void)key;
	p->last = slot;
	return nft_private_wants(p, slot);
}

/*
 * Makes the messages. A record that none can be made of (it was asked for last)
 * is refused like one that the kernel refuses.
 */
static int build(struct nft_private *p, struct nft_batch *batch, nft_refused_cb *refused,
		 void *arg, struct nse_error *err)
{
	struct nft_builder *bd = NULL;
	struct nse_error why = { 0 };
	int rc = nft_builder_new(&bd, batch);

	if (rc < 0)
		return nse_errno(err, rc, "a trial of the ruleset");
	p->last = NSE_CONTEXT_NONE;
	rc = nft_build_context(bd, p->ctx, wants, p, &why);
	nft_builder_free(bd);
	if (rc < 0 && rc != -ENOMEM && p->last != NSE_CONTEXT_NONE) {
		refused(arg, p->last, rc, why.text);
		return -ECANCELED;
	}
	if (rc < 0 && err)
		*err = why;
	return rc;
}

int nft_private_load(struct nft_private *p, nft_refused_cb *refused, void *arg,
		     struct nse_error *err)
{
	NSE_CLEANUP(nft_batch_release) struct nft_batch batch;
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	bool unresolved;
	int rc;

	nft_batch_init(&batch);
	rc = make_devices(p, err);
	if (rc < 0)
		return rc;
	unresolved = leave_unresolved_out(p, refused, arg);
	rc = build(p, &batch, refused, arg, err);
	if (rc == 0)
		rc = nse_nl_open(&nl, RCVBUF, batch.bytes.len + SNDBUF_SPARE, err);
	if (rc == 0)
		rc = nft_batch_send(nl, &batch, 0, refused, arg, err);
	return rc == 0 && unresolved ? -ECANCELED : rc;
}
