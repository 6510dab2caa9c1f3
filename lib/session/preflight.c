/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of two hosts does not go together, and what a domain needs where it
 * comes, apart from its records.
 */
#include "lib/session/preflight.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "lib/engine/legacy.h"
#include "lib/engine/registry.h"
#include "lib/session/protocol.h"
#include "lib/util/cleanup.h"

#define CLOCKS_APART_US (5 * 1000000LL) /* the answer's way does not take so long */

static int64_t time_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

json_t *nse_preflight_facts(struct nse_platform *platform, struct nse_error *err)
{
	json_t *facts = json_object(), *all;
	struct utsname un;

	if (facts && nse_engines_facts(facts, err) < 0) {
		json_decref(facts);
		return NULL;
	}
	uname(&un);
	all = json_pack("{s:i, s:s, s:s, s:s, s:s?, s:I, s:o}", "protocol",
			NSE_PROTOCOL_VERSION, "version", NSEMIG_VERSION, "host",
			un.nodename, "kernel", un.release, "platform",
			platform ? platform->ops->name : NULL, "time_us",
			(json_int_t)time_us(), "facts", facts);
	if (!all)
		nse_error(err, -ENOMEM, "out of memory");
	return all;
}

static const char *word(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

static int compare_versions(const json_t *here, const json_t *there,
			    struct nse_problems *p)
{
	const char *a = word(here, "version"), *b = word(there, "version");

	if (strcmp(a, b) == 0)
		return 0;
	return nse_problem_add(
		p, NSE_NOTE, "version",
		"install the same version of nsemig on both hosts",
		"this host has nsemig %s, the other one %s: they speak the "
		"same protocol, but one may know less than the other",
		b, a);
}

/* The first two numbers of a release. */
static bool same_series(const char *a, const char *b)
{
	int a1, a2, b1, b2;

	return sscanf(a, "%d.%d", &a1, &a2) == 2 && sscanf(b, "%d.%d", &b1, &b2) == 2 &&
	       a1 == b1 && a2 == b2;
}

static int compare_kernels(const json_t *here, const json_t *there,
			   struct nse_problems *p)
{
	const char *a = word(here, "kernel"), *b = word(there, "kernel");

	if (!*b || strcmp(a, b) == 0 || same_series(a, b))
		return 0;
	return nse_problem_add(p, NSE_NOTE, "kernel", NULL,
			       "this host runs Linux %s, the other one %s; what the "
			       "domain's records need is tried on this one",
			       b, a);
}

static int compare_platforms(const json_t *here, const json_t *there,
			     struct nse_problems *p)
{
	const char *a = word(here, "platform"), *b = word(there, "platform");

	if (strcmp(a, "xen") != 0 || strcmp(b, "xen") == 0)
		return 0;
	return nse_problem_add(p, NSE_FAIL, "platform",
			       "boot this host under Xen, and see that "
			       "/proc/xen/capabilities says control_d",
			       "this host is no Xen dom0: xl migrate would find nothing "
			       "there that takes the domain");
}

/* Nothing of a move needs them; logs and certificates may. */
static int compare_clocks(const json_t *here, const json_t *there, struct nse_problems *p)
{
	json_int_t a = json_integer_value(json_object_get(here, "time_us"));
	json_int_t b = json_integer_value(json_object_get(there, "time_us"));

	if (!a || !b || llabs(a - b) < CLOCKS_APART_US)
		return 0;
	return nse_problem_add(
		p, NSE_NOTE, "clock", NULL,
		"the clocks of the two hosts are %lld s apart: a move does "
		"not need them, since times are sent as what is left of "
		"them",
		llabs((long long)(a - b)) / 1000000);
}

static const struct {
	const char *name;
	json_int_t here, there;
	bool loosens;
	const char *means;
} sysctls[] = {
	{ "acct", 1, 0, false,
	  "connections are counted on the other host, and would not be counted here" },
	{ "timestamp", 1, 0, false,
	  "connections have a start time on the other host, and would have none here" },
	{ "tcp_be_liberal", 1, 0, true,
	  "connections that the window check would refuse pass on the other host, and "
	  "would be INVALID here" },
	{ "tcp_loose", 1, 0, true,
	  "connections without an entry are picked up on the other host, and would be "
	  "INVALID here" },
};

static int compare_sysctls(const json_t *here, const json_t *there,
			   struct nse_problems *p)
{
	const json_t *a = json_object_get(json_object_get(here, "facts"), "conntrack");
	const json_t *b = json_object_get(json_object_get(there, "facts"), "conntrack");
	char mend[128];
	int rc = 0;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(sysctls) && rc == 0; i++) {
		const json_t *x = json_object_get(a, sysctls[i].name);
		const json_t *y = json_object_get(b, sysctls[i].name);

		if (!json_is_integer(x) || json_integer_value(x) != sysctls[i].here ||
		    !json_is_integer(y) || json_integer_value(y) != sysctls[i].there)
			continue;
		snprintf(mend, sizeof(mend),
			 "sysctl -w net.netfilter.nf_conntrack_%s=%" JSON_INTEGER_FORMAT
			 "%s",
			 sysctls[i].name, sysctls[i].here,
			 sysctls[i].loosens ? ", or =0 on the other host" : "");
		rc = nse_problem_add(p, NSE_NOTE, "conntrack", mend,
				     "nf_conntrack_%s is %" JSON_INTEGER_FORMAT
				     ", and %" JSON_INTEGER_FORMAT
				     " on the other host: %s",
				     sysctls[i].name, sysctls[i].there, sysctls[i].here,
				     sysctls[i].means);
	}
	return rc;
}

int nse_preflight_compare(const json_t *here, const json_t *there,
			  struct nse_problems *problems)
{
	return compare_versions(here, there, problems) ?:
	       compare_kernels(here, there, problems) ?:
	       compare_platforms(here, there, problems) ?:
	       compare_clocks(here, there, problems) ?:
	       compare_sysctls(here, there, problems);
}

static bool is_xen(const struct nse_platform *p)
{
	return p && strcmp(p->ops->name, "xen") == 0;
}

int nse_preflight_leave(struct nse_platform *platform, uint32_t engines,
			const struct nse_scope *scope, struct nse_problems *problems,
			struct nse_error *err)
{
	int rc = nse_engines_preflight(engines, NULL, NULL, problems, err);

	if (rc < 0)
		return rc;
	rc = nse_legacy_problems(scope, true, is_xen(platform), problems);
	return rc < 0 ? nse_errno(err, rc, "the preflight") : 0;
}

/* Its name is taken as long as anything has it, running or not. */
static int name_problem(struct nse_platform *p, const char *name,
			struct nse_problems *problems, struct nse_error *err)
{
	NSE_CLEANUP(nse_domain_release) struct nse_domain d;
	char mend[NSE_DOMAIN_NAME_MAX + 64];
	struct nse_error why = { 0 };
	int rc = p->ops->running(p, name, &why);
	bool runs = rc > 0;

	nse_domain_init(&d);
	if (rc == 0)
		rc = p->ops->describe(p, name, &d, &why);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return nse_error(err, rc, "%s", why.text);
	snprintf(mend, sizeof(mend),
		 is_xen(p) ? "xl rename %s OTHER, or xl destroy it"
			   : "rename or remove %s there first",
		 name);
	return nse_problem_add(
		problems, NSE_FAIL, "domain", mend,
		runs ? "a domain named %s runs on the target already"
		     : "a domain named %s is on the target already, though "
		       "it does not run",
		name);
}

/* Open vSwitch's form with a VLAN behind the name (br0.100, br0:1) is looked up, too. */
static bool has_bridge(const char *bridge)
{
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "%s", bridge);
	if (if_nametoindex(name))
		return true;
	name[strcspn(name, ".:")] = '\0';
	return if_nametoindex(name) != 0;
}

static int bridge_problems(const struct nse_domain *d, struct nse_problems *problems)
{
	char mend[128];
	int rc = 0;

	for (size_t i = 0; i < d->nvifs && rc == 0; i++) {
		const struct nse_vif *v = &d->vifs[i];

		if (!v->bridge[0] || has_bridge(v->bridge))
			continue;
		snprintf(mend, sizeof(mend),
			 "ip link add %s type bridge && ip link set %s up", v->bridge,
			 v->bridge);
		rc = nse_problem_add(
			problems, NSE_FAIL, "bridge", mend,
			"the domain's interface %d (%s%s%s) is in the bridge "
			"%s, and this host has none of that name: the domain "
			"could not be connected there",
			v->devid, v->name, v->mac[0] ? ", " : "", v->mac, v->bridge);
	}
	return rc;
}

static int memory_problem(struct nse_platform *p, uint64_t need,
			  struct nse_problems *problems)
{
	bool sure = true;
	uint64_t room = 0;

	if (!need || !p || !p->ops->free_memory)
		return 0;
	if (p->ops->free_memory(p, &room, &sure, NULL) < 0 || room >= need)
		return 0;
	return nse_problem_add(
		problems, sure ? NSE_FAIL : NSE_NOTE, "memory",
		is_xen(p) ? "xl mem-set Domain-0 LESS, or xl shutdown a domain"
			  : "stop a domain there, or give it less",
		"the domain has %" PRIu64 " MiB of memory, and %" PRIu64
		" MiB are free on this host%s",
		need / 1024, room / 1024,
		sure ? "" : "; xl has to take the rest from Domain-0");
}

int nse_preflight_arrive(struct nse_platform *platform, const struct nse_scope *scope,
			 uint64_t memory_kib, struct nse_problems *problems,
			 struct nse_error *err)
{
	int rc;

	if (platform)
		rc = name_problem(platform, scope->domain.name, problems, err);
	else
		rc = nse_problem_add(
			problems, NSE_NOTE, "platform",
			"set `platform` in nsemig.conf there",
			"no platform on the target: it cannot tell by itself "
			"whether the domain runs there");
	if (rc < 0)
		return rc;
	rc = bridge_problems(&scope->domain, problems) ?:
	     memory_problem(platform, memory_kib, problems) ?:
	     nse_legacy_problems(scope, false, false, problems);
	return rc < 0 ? nse_errno(err, rc, "the preflight") : 0;
}

uint64_t nse_preflight_memory(struct nse_platform *platform, const char *domain)
{
	uint64_t kib = 0;

	if (!platform || !platform->ops->memory ||
	    platform->ops->memory(platform, domain, &kib, NULL) < 0)
		return 0;
	return kib;
}
