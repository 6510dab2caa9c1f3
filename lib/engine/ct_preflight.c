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
#include "lib/engine/ct_row.h"
#include "lib/util/cleanup.h"

#define AREA	    "conntrack"
#define EACH_MAX    10 /* clashes that are told one by one */
#define HELPERS_MAX 64 /* different ones in a context */

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

static int host_problems(struct nse_problems *p)
{
	int64_t events = ct_host_sysctl("events");
	int rc = 0;

	if (ct_host_sysctl("max") < 0)
		return nse_problem_add(p, NSE_FAIL, AREA, "modprobe nf_conntrack",
				       "the kernel has no connection tracking");
	if (events >= 0 && events != 1)
		rc = nse_problem_add(
			p, NSE_NOTE, AREA,
			"sysctl -w net.netfilter.nf_conntrack_events=1",
			"nf_conntrack_events is %" PRId64
			": entries made while nobody listened never report a change, and a "
			"migration has to look at each of them; with 1 none is missed and "
			"the freeze stays short",
			events);
	if (rc == 0 && ct_host_sysctl("tcp_loose") == 1)
		rc = nse_problem_add(
			p, NSE_NOTE, AREA,
			"sysctl -w net.netfilter.nf_conntrack_tcp_loose=0",
			"nf_conntrack_tcp_loose is 1: a stray segment makes an entry of "
			"its own, and a lost context goes unnoticed");
	return rc;
}

static int room_problem(const struct needs *n, struct nse_problems *p)
{
	int64_t count = ct_host_sysctl("count"), max = ct_host_sysctl("max");
	char mend[96];

	if (n->records <= ct_host_room())
		return 0;
	snprintf(mend, sizeof(mend), "sysctl -w net.netfilter.nf_conntrack_max=%" PRIu64,
		 (uint64_t)count + n->records + n->records / 8);
	return nse_problem_add(p, NSE_FAIL, AREA, mend,
			       "no room for %" PRIu64 " entries: the table has %" PRId64
			       " of max %" PRId64,
			       n->records, count, max);
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
		snprintf(mend, sizeof(mend), "modprobe nf_conntrack_%s", h->name);
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
		rc = nse_problem_add(p, NSE_LOSS, AREA,
				     "load the rules that use `ct label` first",
				     "%" PRIu64 " entries have labels, which the kernel "
				     "drops in silence while no rule uses labels",
				     n->labels);
	else
		rc = 0;
	return rc ?: counter_problem(n, p);
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
			rc = nse_problem_add(p, NSE_FAIL, AREA, NULL, "%s", r->why);
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
	int rc = host_problems(problems);

	(void)as;
	if (rc < 0 || !ctx || ct_host_sysctl("max") < 0)
		return rc;
	rc = find_needs(ctx, &n, err);
	if (rc < 0 || n.records == 0)
		return rc;
	return room_problem(&n, problems) ?: nat_problems(&n, problems, err) ?:
	       helper_problems(&n, problems, err) ?: loss_problems(&n, problems, err) ?:
	       clash_problems(ctx, problems, err);
}

int ct_losses(const struct nse_context *ctx, struct nse_problems *problems,
	      struct nse_error *err)
{
	struct needs n = { 0 };
	int rc = find_needs(ctx, &n, err);

	return rc < 0 ? rc : counter_problem(&n, problems);
}
