/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints the summary. Numbers come from the tally, losses from the engines.
 */
#include "cmd/show_summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/output.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

static void print_scope(const struct nse_scope *s)
{
	char text[NSE_ADDR_STR], safe[2 * NSE_SCOPE_SELECTOR_MAX];

	if (s->all)
		printf("Scope:     everything on the host\n");
	if (s->domain.naddrs) {
		printf("Addresses:");
		for (size_t i = 0; i < s->domain.naddrs; i++)
			printf(" %s", nse_addr_format(&s->domain.addrs[i], text));
		putchar('\n');
	}
	if (s->domain.nvifs) {
		printf("Vifs:     ");
		for (size_t i = 0; i < s->domain.nvifs; i++)
			printf(" %s", s->domain.vifs[i].name);
		putchar('\n');
	}
	if (s->nzones) {
		printf("Zones:    ");
		for (size_t i = 0; i < s->nzones; i++)
			printf(" %u", s->zones[i]);
		putchar('\n');
	}
	for (size_t i = 0; i < s->ntables; i++)
		printf("Table:     %s\n", cmd_safe(s->tables[i], safe, sizeof(safe)));
	for (size_t i = 0; i < s->nchains; i++)
		printf("Chain:     %s\n", cmd_safe(s->chains[i], safe, sizeof(safe)));
}

/* " (2 h 5 min ago)"; a clock that is ahead of ours says nothing. */
static void print_age(int64_t taken_us)
{
	int64_t age = time(NULL) - taken_us / 1000000;
	char text[CMD_NUMBER];

	if (taken_us > 0 && age >= 0)
		printf(" (%s ago)", cmd_span(age, text));
}

static void print_header(const struct nse_stream_header *h, bool color, bool terminal)
{
	char host[300], kernel[300], version[80], name[300], taken[CMD_TIME];
	const struct nse_domain *d = &h->scope.domain;

	if (d->name[0])
		printf("Domain:    %s%s%s%s%s\n", cmd_style(color, CMD_BOLD),
		       cmd_safe(d->name, name, sizeof(name)), cmd_style(color, CMD_PLAIN),
		       d->uuid[0] ? "  " : "", d->uuid);
	printf("Host:      %s (Linux %s, nsemig %s)\n",
	       cmd_safe(h->host, host, sizeof(host)),
	       cmd_safe(h->kernel, kernel, sizeof(kernel)),
	       cmd_safe(h->version, version, sizeof(version)));
	printf("Taken:     %s", cmd_time(h->taken_us, taken));
	if (terminal)
		print_age(h->taken_us);
	putchar('\n');
	print_scope(&h->scope);
}

static bool same_line(const struct show_count *a, const struct show_count *b)
{
	return strcmp(a->engine, b->engine) == 0 && strcmp(a->type, b->type) == 0 &&
	       strcmp(a->proto, b->proto) == 0;
}

static void print_line(const struct show_tally *t, size_t first, bool color)
{
	const struct show_count *c = &t->items[first];
	char number[CMD_NUMBER];
	uint64_t sum = 0;
	int shown = 0;

	for (size_t i = first; i < t->n; i++)
		if (same_line(&t->items[i], c))
			sum += t->items[i].n;
	printf("  %s%12s%s  %s %s%s%s", cmd_style(color, CMD_BOLD),
	       cmd_number(sum, number), cmd_style(color, CMD_PLAIN), c->engine, c->type,
	       *c->proto ? " " : "", c->proto);
	for (size_t i = first; i < t->n; i++)
		if (same_line(&t->items[i], c) && t->items[i].state[0])
			printf("%s%s %s", shown++ ? ", " : " (", t->items[i].state,
			       cmd_number(t->items[i].n, number));
	printf("%s\n", shown ? ")" : "");
}

static void print_counts(const struct show_tally *t, bool color)
{
	char number[CMD_NUMBER];

	printf("Records:   %s\n", cmd_number(t->total, number));
	for (size_t i = 0; i < t->n; i++) {
		size_t before = 0;

		while (before < i && !same_line(&t->items[before], &t->items[i]))
			before++;
		if (before == i)
			print_line(t, i, color);
	}
}

static const char *label(size_t line, const char *text)
{
	return line ? "" : text;
}

static void print_sets(const struct show_items *s)
{
	char number[CMD_NUMBER];
	size_t i;

	for (i = 0; i < s->n; i++)
		printf("%-10s %s: %s element%s\n", label(i, "Sets:"), s->items[i].name,
		       cmd_number(s->items[i].n, number), s->items[i].n == 1 ? "" : "s");
	if (s->more)
		printf("%-10s further sets: %s elements\n", label(i, "Sets:"),
		       cmd_number(s->more, number));
}

static void print_quotas(const struct show_items *q)
{
	char used[CMD_NUMBER], limit[CMD_NUMBER];
	size_t i;

	for (i = 0; i < q->n; i++)
		printf("%-10s %s: %s of %s used\n", label(i, "Quotas:"), q->items[i].name,
		       cmd_bytes(q->items[i].n, used),
		       cmd_bytes(q->items[i].limit, limit));
	if (q->more)
		printf("%-10s and %s more\n", label(i, "Quotas:"),
		       cmd_number(q->more, used));
}

/* Records that the engines refuse have nothing to lose, and are shown as bytes. */
static void print_losses(const struct nse_context *ctx, bool color)
{
	NSE_CLEANUP(nse_problems_release) struct nse_problems p = NSE_PROBLEMS_INIT;
	struct nse_error unused;

	if (nse_engines_check(ctx, &unused) < 0 ||
	    nse_engines_losses(ctx, &p, &unused) < 0)
		return;
	for (size_t i = 0; i < p.n; i++) {
		bool loss = p.items[i].severity >= NSE_LOSS;

		printf("%-10s %s%s%s\n", label(i, "Lost:"),
		       cmd_style(color && loss, CMD_YELLOW), p.items[i].text,
		       cmd_style(color && loss, CMD_PLAIN));
	}
}

static void print_next(const struct show_tally *t, bool terminal)
{
	char span[CMD_NUMBER];

	if (terminal)
		printf("Next:      expires in %s: %s\n",
		       cmd_span(t->next_ms / 1000, span), t->next);
	else
		printf("Next:      expires in %" PRId64 " s: %s\n", t->next_ms / 1000,
		       t->next);
}

void show_summary_print(const struct nse_snapshot *snap, const struct show_tally *t,
			bool color, bool terminal)
{
	print_header(&snap->header, color, terminal);
	print_counts(t, color);
	print_sets(&t->sets);
	print_quotas(&t->quotas);
	if (*t->oldest)
		printf("Oldest:    since %s: %s\n", t->start, t->oldest);
	if (*t->next)
		print_next(t, terminal);
	print_losses(snap->ctx, color);
}
