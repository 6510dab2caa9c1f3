/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What this host offers, and what stands against a context that would come.
 */
#include "lib/engine/ct_engine.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "lib/engine/ct_dump.h"
#include "lib/engine/ct_host.h"
#include "lib/engine/ct_preflight.h"
#include "lib/engine/ct_row.h"
#include "lib/util/cleanup.h"

#define AREA	    "conntrack"
#define EACH_MAX    10 /* clashes that are told one by one */
#define HELPERS_MAX 64 /* different ones in a context */
#define CHAIN_MAX   4  /* entries for a bucket; each stands in two */

#define LABELS_MEND                                                                      \
	"nft 'add table inet labels; add chain inet labels unused; "                     \
	"add rule inet labels unused ct label set 1'"

static const char *const sysctls[] = {
	"max",	"count",     "buckets",	  "events",
	"acct", "timestamp", "tcp_loose", "tcp_be_liberal"
};

static const struct {
	const char *name;
	uint8_t l4;
} helpers[] = {
	{ "amanda", IPPROTO_UDP },     { "ftp", IPPROTO_TCP },
	{ "H.245", IPPROTO_TCP },      { "irc", IPPROTO_TCP },
	{ "netbios-ns", IPPROTO_UDP }, { "pptp", IPPROTO_TCP },
	{ "Q.931", IPPROTO_TCP },      { "RAS", IPPROTO_UDP },
	{ "sane", IPPROTO_TCP },       { "sip", IPPROTO_UDP },
	{ "snmp_trap", IPPROTO_UDP },  { "tftp", IPPROTO_UDP },
};

/* The modules that are not called as their helpers are. */
static const char *module_of(const char *helper)
{
	static const char *const others[][2] = {
		{ "H.245", "h323" },	 { "Q.931", "h323" },
		{ "RAS", "h323" },	 { "netbios-ns", "netbios_ns" },
		{ "snmp_trap", "snmp" },
	};

	for (size_t i = 0; i < NSE_ARRAY_SIZE(others); i++)
		if (strcmp(others[i][0], helper) == 0)
			return others[i][1];
	return helper;
}

static json_t *helper_facts(struct nse_error *err)
{
	struct ct_helper h[NSE_ARRAY_SIZE(helpers)] = { 0 };
	json_t *names;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(h); i++) {
		memcpy(h[i].name, helpers[i].name, strlen(helpers[i].name) + 1);
		h[i].l3 = 4;
		h[i].l4 = helpers[i].l4;
	}
	if (ct_host_helpers(h, NSE_ARRAY_SIZE(h), err) < 0)
		return NULL;
	names = json_array();
	for (size_t i = 0; names && i < NSE_ARRAY_SIZE(h); i++)
		if (h[i].available)
			json_array_append_new(names, json_string(h[i].name));
	return names;
}

int ct_facts(json_t *facts, struct nse_error *err)
{
	json_t *o = json_object(), *names;
	struct ct_nat nat;
	int rc, filters, labels;

	if (!o || json_object_set_new(facts, AREA, o) < 0)
		return nse_errno(err, -ENOMEM, "conntrack facts");
	for (size_t i = 0; i < NSE_ARRAY_SIZE(sysctls); i++) {
		int64_t v = ct_host_sysctl(sysctls[i]);

		if (v >= 0)
			json_object_set_new(o, sysctls[i], json_integer(v));
	}
	rc = ct_host_nat(&nat, err);
	filters = rc ?: ct_dump_filters(err);
	labels = filters < 0 ? filters : ct_host_labels(err);
	if (labels < 0)
		return labels;
	names = helper_facts(err);
	if (!names)
		return err && err->code ? err->code : -ENOMEM;
	json_object_set_new(o, "helpers", names);
	json_object_set_new(o, "labels", json_boolean(labels));
	json_object_set_new(o, "dump_filter", json_boolean(filters));
	json_object_set_new(o, "nat",
			    json_pack("{s:b,s:b}", "ipv4", nat.v4, "ipv6", nat.v6));
	return 0;
}

/* What a context needs of the host. */
struct needs {
	uint64_t records, labels, counters, nat[2];
	struct ct_helper helpers[HELPERS_MAX];
	uint64_t helped[HELPERS_MAX];
	size_t nhelpers;
};

static void need_helper(struct needs *n, const struct ct_entry *e)
{
	size_t i;

	for (i = 0; i < n->nhelpers; i++)
		if (n->helpers[i].l3 == e->l3 && n->helpers[i].l4 == e->l4 &&
		    strcmp(n->helpers[i].name, e->helper) == 0)
			break;
	if (i == HELPERS_MAX)
		return;
	if (i == n->nhelpers) {
		n->nhelpers++;
		n->helpers[i] = (struct ct_helper){ .l3 = e->l3, .l4 = e->l4 };
		memcpy(n->helpers[i].name, e->helper, CT_HELPER_NAME);
	}
	n->helped[i]++;
}

static int find_needs(const struct nse_context *ctx, struct needs *n,
		      struct nse_error *err)
{
	struct nse_record rec;
	struct ct_entry e;

	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		int rc;

		if (!nse_context_at(ctx, s, &rec) || !ct_row_is(&rec))
			continue;
		rc = ct_row_decode(&rec, &e, err);
		if (rc < 0)
			return rc;
		n->records++;
		n->labels += (e.present & CT_HAS_LABELS) != 0;
		n->counters += (e.state & (CT_STATE_COUNTERS | CT_STATE_START)) != 0;
		n->nat[e.l3 == 6] += (e.status & (IPS_SRC_NAT | IPS_DST_NAT)) != 0;
		if (e.present & CT_HAS_HELPER)
			need_helper(n, &e);
	}
	return 0;
}

/* The table's size, and how far it would be filled. */
static int room_problem(const struct needs *n, struct nse_problems *p)
{
	int64_t count = ct_host_sysctl("count"), max = ct_host_sysctl("max");
	int64_t all = count + (int64_t)n->records;
	char mend[96];

	snprintf(mend, sizeof(mend), "sysctl -w net.netfilter.nf_conntrack_max=%" PRId64,
		 all + all / 4);
	if (n->records > ct_host_room())
		return nse_problem_add(p, NSE_FAIL, AREA, mend,
				       "no room for %" PRIu64 " entries: the table has "
				       "%" PRId64 " of max %" PRId64,
				       n->records, count, max);
	if (max <= 0 || all <= max / 100 * 90)
		return 0;
	return nse_problem_add(p, NSE_NOTE, AREA, mend,
			       "the table would be nearly full, with %" PRId64
			       " entries of max %" PRId64
			       ": beyond that the kernel drops new connections",
			       all, max);
}

/* Long chains make each packet slower, of all domains. */
static int bucket_problem(const struct needs *n, struct nse_problems *p)
{
	int64_t buckets = ct_host_sysctl("buckets"), count = ct_host_sysctl("count");
	int64_t all = count + (int64_t)n->records;
	char mend[96];

	if (buckets <= 0 || all <= CHAIN_MAX * buckets)
		return 0;
	snprintf(mend, sizeof(mend),
		 "sysctl -w net.netfilter.nf_conntrack_buckets=%" PRId64, all);
	return nse_problem_add(p, NSE_NOTE, AREA, mend,
			       "nf_conntrack_buckets is %" PRId64 ", for %" PRId64
			       " entries then: each packet would look through %" PRId64
			       " of them on average",
			       buckets, all, 2 * all / buckets);
}

static int nat_problems(const struct needs *n, struct nse_problems *p,
			struct nse_error *err)
{
	struct ct_nat nat = { false, false };
	int rc = 0;

	if (n->nat[0] || n->nat[1])
		rc = ct_host_nat(&nat, err);
	if (rc == 0 && n->nat[0] && !nat.v4)
		rc = nse_problem_add(p, NSE_FAIL, AREA, CT_NAT_MEND(4),
				     "%" PRIu64 " IPv4 entries are translated, and the "
				     "host has no nat chain: the kernel would accept and "
				     "not translate them",
				     n->nat[0]);
	if (rc == 0 && n->nat[1] && !nat.v6)
		rc = nse_problem_add(p, NSE_FAIL, AREA, CT_NAT_MEND(6),
				     "%" PRIu64 " IPv6 entries are translated, and the "
				     "host has no nat chain: the kernel would accept and "
				     "not translate them",
				     n->nat[1]);
	return rc;
}

static int helper_problems(struct needs *n, struct nse_problems *p, struct nse_error *err)
{
	int rc = ct_host_helpers(n->helpers, n->nhelpers, err);
	char mend[64], proto[8];

	for (size_t i = 0; i < n->nhelpers && rc == 0; i++) {
		const struct ct_helper *h = &n->helpers[i];

		if (h->available)
			continue;
		snprintf(mend, sizeof(mend), "modprobe nf_conntrack_%s",
			 module_of(h->name));
		rc = nse_problem_add(p, NSE_FAIL, AREA, mend,
				     "no helper '%s' for %s over IPv%u, which %" PRIu64
				     " entries have",
				     h->name, ct_proto_name(h->l4, proto), h->l3,
				     n->helped[i]);
	}
	return rc;
}

static int counter_problem(const struct needs *n, struct nse_problems *p)
{
	if (!n->counters)
		return 0;
	return nse_problem_add(p, NSE_NOTE, AREA, NULL,
			       "%" PRIu64 " entries have counters or a start time, "
			       "which the kernel lets nobody set: they begin anew",
			       n->counters);
}

static int loss_problems(const struct needs *n, struct nse_problems *p,
			 struct nse_error *err)
{
	int rc = n->labels ? ct_host_labels(err) : 1;

	if (rc < 0)
		return rc;
	if (rc == 0)
		rc = nse_problem_add(p, NSE_LOSS, AREA, LABELS_MEND,
				     "%" PRIu64 " entries have labels, which the kernel "
				     "drops in silence while no rule uses labels",
				     n->labels);
	else
		rc = 0;
	return rc ?: counter_problem(n, p);
}

static int clash_problem(const struct nse_context *ctx, const struct nse_refusal *r,
			 struct nse_problems *p)
{
	struct nse_record rec;
	char mend[CT_MEND] = "";
	struct ct_entry e;

	if (r->code == -EEXIST && nse_context_at(ctx, r->slot, &rec) &&
	    ct_row_decode(&rec, &e, NULL) == 0)
		ct_preflight_mend_clash(&e, mend);
	return nse_problem_add(p, NSE_FAIL, AREA, mend, "%s", r->why);
}

/* Everything else that a dry run refuses; the causes above are told already. */
static int clash_problems(const struct nse_context *ctx, struct nse_problems *p,
			  struct nse_error *err)
{
	uint64_t told = 0, clashes = 0;
	struct nse_job job;
	int rc = nse_job_init(&job, ctx, NSE_JOB_DRY_RUN);

	if (rc == 0)
		rc = ct_install(&job, err);
	for (size_t i = 0; i < job.nrefusals && rc == 0; i++) {
		const struct nse_refusal *r = &job.refusals[i];

		if (r->code == -ENOMEM || r->code == -EOPNOTSUPP)
			continue;
		clashes++;
		if (told++ < EACH_MAX)
			rc = clash_problem(ctx, r, p);
	}
	if (rc == 0 && clashes > EACH_MAX)
		rc = nse_problem_add(p, NSE_FAIL, AREA, NULL,
				     "%s%" PRIu64 " more entries would be refused",
				     job.nrefusals == NSE_REFUSALS_MAX ? "at least " : "",
				     clashes - EACH_MAX);
	nse_job_release(&job);
	return rc;
}

int ct_preflight(const struct nse_context *ctx, const struct nse_arrival *as,
		 struct nse_problems *problems, struct nse_error *err)
{
	struct needs n = { 0 };
	int rc = ct_preflight_host(problems);

	if (rc < 0 || !ctx || ct_host_sysctl("max") < 0)
		return rc;
	rc = find_needs(ctx, &n, err);
	if (rc < 0 || n.records == 0)
		return rc;
	return room_problem(&n, problems) ?: bucket_problem(&n, problems) ?:
	       nat_problems(&n, problems, err) ?: helper_problems(&n, problems, err) ?:
	       loss_problems(&n, problems, err) ?:
	       ct_preflight_local(ctx, as, problems, err) ?:
	       clash_problems(ctx, problems, err);
}

int ct_losses(const struct nse_context *ctx, struct nse_problems *problems,
	      struct nse_error *err)
{
	struct needs n = { 0 };
	int rc = find_needs(ctx, &n, err);

	return rc < 0 ? rc : counter_problem(&n, problems);
}
