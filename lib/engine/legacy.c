/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading the legacy tables of xtables. /proc tells which tables of iptables,
 * ip6tables and arptables there are in this namespace; asking for any other
 * would make it. Each is handed out as one blob of entries, which is searched for
 * the domain's names and addresses instead of being taken apart.
 */
#include "lib/engine/legacy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter/xt_physdev.h>
#include <linux/netfilter_arp/arp_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "lib/util/cleanup.h"

#define AREA	    "legacy"
#define BLOB_MAX    (64u << 20) /* bytes of a table's entries */
#define NAME_ROOM   XT_TABLE_MAXNAMELEN
#define INFO_WORDS  (2 * NF_INET_NUMHOOKS + 3)
#define HEAD	    (NAME_ROOM + 8) /* name, size, and up to 8 for the entries */
#define ACCEPTS	    (-NF_ACCEPT - 1)
#define TARGET_HEAD (sizeof(struct xt_entry_target)) /* ahead of the verdict */

struct program {
	const char *name, *names;  /* the command; the file with its tables' names */
	bool converts;		   /* its save and restore bring the rules to nf_tables */
	int family, level, option; /* of the socket; option + 1 gets the entries */
	unsigned int hooks;
	size_t target_offset; /* where that is in an entry */
};

static const struct program programs[] = {
	{ "iptables", "/proc/thread-self/net/ip_tables_names", true, AF_INET, IPPROTO_IP,
	  IPT_SO_GET_INFO, NF_INET_NUMHOOKS, offsetof(struct ipt_entry, target_offset) },
	{ "ip6tables", "/proc/thread-self/net/ip6_tables_names", true, AF_INET6,
	  IPPROTO_IPV6, IP6T_SO_GET_INFO, NF_INET_NUMHOOKS,
	  offsetof(struct ip6t_entry, target_offset) },
	{ "arptables", "/proc/thread-self/net/arp_tables_names", false, AF_INET,
	  IPPROTO_IP, ARPT_SO_GET_INFO, NF_ARP_NUMHOOKS,
	  offsetof(struct arpt_entry, target_offset) },
};

/* What the kernel says of a table: words in this order, behind its name. */
struct table {
	const struct program *program;
	char name[NAME_ROOM];
	uint32_t words[INFO_WORDS]; /* valid hooks, starts, policies, entries, bytes */
	uint8_t *entries;	    /* owned */
};

static uint32_t hooks_of(const struct table *t)
{
	return t->words[0];
}

static uint32_t policy_at(const struct table *t, unsigned int hook)
{
	return t->words[1 + t->program->hooks + hook];
}

static uint32_t count_of(const struct table *t)
{
	return t->words[1 + 2 * t->program->hooks];
}

static uint32_t size_of(const struct table *t)
{
	return t->words[2 + 2 * t->program->hooks];
}

static int ask(const struct table *t, int option, void *answer, socklen_t n)
{
	NSE_CLOSE int fd =
		socket(t->program->family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	if (fd < 0 || getsockopt(fd, t->program->level, option, answer, &n) < 0)
		return -errno;
	return 0;
}

static int read_info(struct table *t)
{
	uint8_t buf[NAME_ROOM + sizeof(t->words)] = { 0 };
	size_t words = (2 * t->program->hooks + 3) * sizeof(uint32_t);
	int rc;

	memcpy(buf, t->name, sizeof(t->name));
	rc = ask(t, t->program->option, buf, (socklen_t)(NAME_ROOM + words));
	if (rc == 0)
		memcpy(t->words, buf + NAME_ROOM, words);
	return rc;
}

/* -EAGAIN when the table has changed meanwhile. */
static int read_entries(struct table *t)
{
	uint32_t size = size_of(t);
	NSE_FREE uint8_t *buf = size <= BLOB_MAX ? calloc(1, HEAD + size) : NULL;
	int rc;

	if (!buf)
		return -ENOMEM;
	memcpy(buf, t->name, sizeof(t->name));
	memcpy(buf + NAME_ROOM, &size, sizeof(size));
	rc = ask(t, t->program->option + 1, buf, (socklen_t)(HEAD + size));
	if (rc < 0)
		return rc;
	t->entries = malloc(size + 1);
	if (!t->entries)
		return -ENOMEM;
	memcpy(t->entries, buf + HEAD, size);
	return 0;
}

/* The entry at an offset ends a chain, with the policy as its verdict. */
static bool policy_accepts(const struct table *t, uint32_t at)
{
	uint16_t target;
	int32_t verdict;
	size_t end;

	if (at > size_of(t) || size_of(t) - at < t->program->target_offset + 2)
		return true;
	memcpy(&target, t->entries + at + t->program->target_offset, sizeof(target));
	end = (size_t)at + target + TARGET_HEAD + sizeof(verdict);
	if (end > size_of(t))
		return true;
	memcpy(&verdict, t->entries + end - sizeof(verdict), sizeof(verdict));
	return verdict == ACCEPTS;
}

/* An empty table has one entry for each policy and one that ends it. */
static bool does_something(const struct table *t)
{
	uint32_t hooks = hooks_of(t);

	if (count_of(t) > (uint32_t)__builtin_popcount(hooks) + 1)
		return true;
	for (unsigned int i = 0; i < t->program->hooks; i++)
		if ((hooks >> i & 1) && !policy_accepts(t, policy_at(t, i)))
			return true;
	return false;
}

static bool has_addr(const struct table *t, const struct nse_addr *addr)
{
	size_t n = nse_addr_size(addr->family);

	for (size_t at = 0; at + n <= size_of(t); at += 4)
		if (memcmp(t->entries + at, addr->bytes, n) == 0)
			return true;
	return false;
}

/* Is the name there as iptables puts it, with a mask of its length? */
static bool is_device(const char name[IFNAMSIZ], const char mask[IFNAMSIZ],
		      const char *vif)
{
	char want[IFNAMSIZ] = "", all[IFNAMSIZ] = "";

	if (!*vif)
		return memcmp(name, want, IFNAMSIZ) == 0;
	snprintf(want, sizeof(want), "%s", vif);
	memset(all, 0xff, strlen(want) + 1);
	return memcmp(name, want, IFNAMSIZ) == 0 && memcmp(mask, all, IFNAMSIZ) == 0;
}

/* -m physdev --physdev-is-bridged --physdev-in|out VIF, and nothing else. */
static bool is_bridged(const struct xt_entry_match *m, const char *vif)
{
	struct xt_physdev_info dev;

	memcpy(&dev, m->data, sizeof(dev));
	if (strcmp(m->u.user.name, "physdev") != 0 || m->u.user.revision || dev.invert)
		return false;
	if (dev.bitmask == (XT_PHYSDEV_OP_BRIDGED | XT_PHYSDEV_OP_IN))
		return is_device(dev.physindev, dev.in_mask, vif) &&
		       is_device(dev.physoutdev, dev.out_mask, "");
	return dev.bitmask == (XT_PHYSDEV_OP_BRIDGED | XT_PHYSDEV_OP_OUT) &&
	       is_device(dev.physoutdev, dev.out_mask, vif) &&
	       is_device(dev.physindev, dev.in_mask, "");
}

#define HOTPLUG_MATCH                                                                    \
	(XT_ALIGN(sizeof(struct xt_entry_match)) +                                       \
	 XT_ALIGN(sizeof(struct xt_physdev_info)))

/* The entry at `at`, all of which lies in the table. */
static bool is_hotplug(const uint8_t *at, const struct nse_domain *d)
{
	static const struct ipt_ip any;
	struct {
		struct ipt_entry e;
		uint8_t match[HOTPLUG_MATCH];
		struct xt_standard_target target;
	} rule;

	memcpy(&rule, at, sizeof(rule));
	if (memcmp(&rule.e.ip, &any, sizeof(any)) != 0 ||
	    rule.e.target_offset != offsetof(typeof(rule), target) ||
	    rule.target.target.u.user.name[0] || rule.target.verdict != ACCEPTS)
		return false;
	for (size_t i = 0; i < d->nvifs; i++)
		if (d->vifs[i].name[0] &&
		    is_bridged((const struct xt_entry_match *)rule.match,
			       d->vifs[i].name))
			return true;
	return false;
}

/*
 * Xen's hotplug script lets pass what comes from and goes to a bridged interface, and
 * does so on the target, too. Such rules of the domain are made unseen.
 */
static void hide_hotplug(struct table *t, const struct nse_domain *d)
{
	const size_t size = sizeof(struct ipt_entry) + HOTPLUG_MATCH +
			    sizeof(struct xt_standard_target);
	uint32_t at = t->words[1 + NF_INET_FORWARD];
	uint32_t end = policy_at(t, NF_INET_FORWARD);
	struct ipt_entry e;

	if (t->program->level != IPPROTO_IP || t->program->hooks != NF_INET_NUMHOOKS ||
	    strcmp(t->name, "filter") != 0 || end > size_of(t))
		return;
	for (; at < end && end - at >= sizeof(e); at += e.next_offset) {
		memcpy(&e, t->entries + at, sizeof(e));
		if (e.next_offset < sizeof(e) || e.next_offset > end - at)
			return;
		if (e.next_offset == size && is_hotplug(t->entries + at, d))
			memset(t->entries + at + sizeof(e), 0, size - sizeof(e));
	}
}

/* What of the domain the entries name: an interface or an address, or NULL. */
static const char *names(const struct table *t, const struct nse_domain *d,
			 char text[NSE_ADDR_STR])
{
	for (size_t i = 0; i < d->nvifs; i++)
		if (memmem(t->entries, size_of(t), d->vifs[i].name,
			   strlen(d->vifs[i].name) + 1))
			return d->vifs[i].name;
	for (size_t i = 0; i < d->naddrs; i++)
		if (has_addr(t, &d->addrs[i]))
			return nse_addr_format(&d->addrs[i], text);
	return NULL;
}

static int tell(const struct table *t, const struct nse_scope *scope, bool leaving,
		struct nse_problems *p)
{
	char text[NSE_ADDR_STR], mend[256];
	const char *named = scope ? names(t, &scope->domain, text) : NULL;
	const char *command = t->program->name;

	if (t->program->converts)
		snprintf(mend, sizeof(mend),
			 "%s-legacy-save -t %s | %s-nft-restore -n && %s-legacy -t %s -F "
			 "&& %s-legacy -t %s -X",
			 command, t->name, command, command, t->name, command, t->name);
	else
		snprintf(mend, sizeof(mend),
			 "make the rules that %s-legacy -t %s -L -n shows with %s-nft, "
			 "then %s-legacy -t %s -F",
			 command, t->name, command, command, t->name);
	if (!leaving)
		return nse_problem_add(
			p, NSE_NOTE, AREA, mend,
			"%s has rules or policies in its legacy table %s: "
			"the domain's packets meet them, and they were not "
			"compared with the other host's",
			command, t->name);
	if (named)
		return nse_problem_add(
			p, NSE_LOSS, AREA, mend,
			"%s has rules in its legacy table %s, and they name "
			"%s: rules there are not carried, the domain would "
			"run without them",
			command, t->name, named);
	return nse_problem_add(
		p, NSE_NOTE, AREA, mend,
		"%s has rules or policies in its legacy table %s: they are "
		"not carried; none names the domain",
		command, t->name);
}

static int look_at_table(struct table *t, const struct nse_scope *scope, bool leaving,
			 bool hotplug, struct nse_problems *p)
{
	int rc = -EAGAIN;

	for (int i = 0; rc == -EAGAIN && i < 3; i++) {
		rc = read_info(t);
		if (rc == 0)
			rc = read_entries(t);
	}
	if (rc == -ENOMEM)
		return rc;
	if (rc < 0)
		return nse_problem_add(p, NSE_NOTE, AREA,
				       rc == -EPERM ? "run as root" : NULL,
				       "the legacy table %s of %s cannot be read: %s",
				       t->name, t->program->name, strerror(-rc));
	if (scope && hotplug)
		hide_hotplug(t, &scope->domain);
	rc = does_something(t) ? tell(t, scope, leaving, p) : 0;
	free(nse_take(t->entries));
	return rc;
}

int nse_legacy_problems(const struct nse_scope *scope, bool leaving, bool hotplug,
			struct nse_problems *problems)
{
	int rc = 0;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(programs) && rc == 0; i++) {
		struct table t = { .program = &programs[i] };
		FILE *f = fopen(programs[i].names, "re");

		while (f && rc == 0 && fscanf(f, "%31s", t.name) == 1)
			rc = look_at_table(&t, scope, leaving, hotplug, problems);
		if (f)
			fclose(f);
	}
	return rc;
}
