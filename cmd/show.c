/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig show: a context for people or for programs. The context is in
 * memory, in its compact form; text and JSON are made record by record.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/groups.h"
#include "cmd/output.h"
#include "cmd/pager.h"
#include "cmd/show_nft.h"
#include "cmd/show_table.h"
#include "cmd/show_why.h"
#include "cmd/source.h"
#include "cmd/source_remote.h"
#include "lib/context/filter.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

struct options {
	bool json, summary;
	const char *filter;
};

static const struct nse_opt opts[] = {
	NSE_OPT_FLAG('\0', "json", struct options, json,
		     "one JSON object, nsemig-json(5)"),
	NSE_OPT_FLAG('s', "summary", struct options, summary,
		     "only the summary, no tables"),
	NSE_OPT_STRING('\0', "filter", "EXPR", struct options, filter,
		       "only records that satisfy it, as 'proto=tcp and dport=443'"),
	NSE_OPT_END
};

static int take_relocate(void *base, const char *value, struct nse_error *err)
{
	return nse_map_add_vif(base, value, err);
}

static const struct nse_opt preview_opts[] = {
	NSE_OPT_CALL('\0', "relocate", "OLD=NEW", take_relocate,
		     "as it would be with this name of the interface (repeatable)"),
	NSE_OPT_END
};

static const char *const synopsis[] = {
	"[options] FILE | - | DOMAIN | [USER@]HOST[:PORT]:DOMAIN", "[options] SCOPE", NULL
};
static const struct nse_usage usage = {
	.name = "show",
	.synopsis = synopsis,
	.operands = "scope-or-file",
	.max = 1,
};

/* The records that are to be shown, in order. */
struct view {
	struct nse_snapshot snap;
	uint32_t *slots;
	size_t n;
	struct show_why why; /* of a live domain */
};

static void view_release(struct view *v)
{
	nse_snapshot_release(&v->snap);
	show_why_release(&v->why);
	free(v->slots);
}

static json_t *view_record(const struct view *v, size_t i)
{
	const char *why = show_why_at(&v->why, v->slots[i]);
	struct nse_record rec;
	json_t *json = NULL;

	if (nse_context_at(v->snap.ctx, v->slots[i], &rec))
		json = nse_record_to_json(&rec);
	if (json && why)
		json_object_set_new(json, "why", json_string(why));
	return json;
}

/* Keeps the slots that satisfy the filter, and counts what they are. */
static int choose(struct view *v, const struct nse_filter *filter,
		  struct show_tally *tally, struct nse_error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->n; i++) {
		json_t *rec = view_record(v, i);
		bool match = rec && (!filter || nse_filter_match(filter, rec));

		if (!rec)
			return nse_error(err, -ENOMEM, "out of memory");
		if (match && tally)
			show_tally_add(tally, rec);
		if (match)
			v->slots[kept++] = v->slots[i];
		json_decref(rec);
	}
	v->n = kept;
	return 0;
}

/* What the rules of a live scope are in for; that it is not known is no failure. */
static int explain(const struct nse_args *args, const struct cmd_scope *chosen,
		   struct view *v, struct nse_error *err)
{
	const struct nse_engine *nft = nse_engine_find("nft");
	const char *word = args->words[0];
	struct nse_error why = { 0 };
	size_t i = 0;

	while (nft && nse_engines[i] != nft)
		i++;
	if (!nft || !(chosen->engines >> i & 1) ||
	    (word && (cmd_is_file(word) || cmd_remote_is(word))))
		return 0;
	if (show_why_load(&v->why, v->snap.ctx, &v->snap.header.scope, &why) < 0)
		cmd_say(&args->common, "why the rules are in is not known: %s", why.text);
	return v->why.by_slot ? 0 : nse_error(err, -ENOMEM, "out of memory");
}

/* Puts the preview in the place of the context. */
static int relocate(struct view *v, const struct nse_map *map, struct nse_error *err)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *old = NULL;
	int rc = cmd_relocate(&v->snap, map, &old, err);

	return rc < 0 || !old ? rc : show_why_moved(&v->why, old, v->snap.ctx, err);
}

static int load(const struct nse_args *args, const struct options *o,
		const struct cmd_scope *chosen, const struct cmd_remote *remote,
		const struct nse_map *map, struct view *v, struct show_tally *tally,
		struct nse_error *err)
{
	NSE_CLEANUP(nse_filter_freep) struct nse_filter *filter = NULL;
	int rc = 0;

	if (o->filter)
		rc = nse_filter_parse(&filter, o->filter, err);
	if (rc == 0)
		rc = cmd_load_any(chosen, remote, args->words[0], &v->snap, err);
	if (rc == 0)
		rc = explain(args, chosen, v, err);
	if (rc == 0)
		rc = relocate(v, map, err);
	if (rc < 0)
		return rc;
	v->n = nse_context_count(v->snap.ctx);
	v->slots = nse_context_sorted(v->snap.ctx);
	if (!v->slots)
		return nse_error(err, -ENOMEM, "out of memory");
	/* JSON without a filter needs no look ahead. */
	return filter || tally ? choose(v, filter, tally, err) : 0;
}

static int print_json(const struct view *v, struct nse_error *err)
{
	const struct nse_stream_header *h = &v->snap.header;
	json_t *head, *rec;
	char taken[CMD_TIME];
	char *text;

	head = json_pack("{s:i, s:s, s:s, s:s, s:s, s:o}", "format", 1, "host", h->host,
			 "kernel", h->kernel, "version", h->version, "taken",
			 cmd_time(h->taken_us, taken), "scope",
			 nse_scope_to_json(&h->scope));
	text = head ? json_dumps(head, JSON_COMPACT) : NULL;
	json_decref(head);
	if (!text)
		return nse_error(err, -EILSEQ, "the header cannot be shown as JSON");
	/* The object stays open for its last member, the records. */
	printf("%.*s,\"records\":[", (int)strlen(text) - 1, text);
	free(text);
	for (size_t i = 0; i < v->n; i++) {
		rec = view_record(v, i);
		fputs(i ? ",\n" : "\n", stdout);
		if (!rec || json_dumpf(rec, stdout, JSON_COMPACT) < 0) {
			json_decref(rec);
			return nse_error(err, -EIO, "cannot write record %zu as JSON", i);
		}
		json_decref(rec);
	}
	puts("]}");
	return cmd_flush(err);
}

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

static void print_header(const struct nse_stream_header *h, bool color)
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
	printf("Taken:     %s\n", cmd_time(h->taken_us, taken));
	print_scope(&h->scope);
}

static int print_tables(const struct view *v, bool color, struct nse_error *err)
{
	struct show_tables tables = { .color = color };
	int rc = 0, end;

	for (size_t i = 0; i < v->n && rc == 0 && !ferror(stdout); i++) {
		struct nse_record bytes;
		json_t *rec;

		if (nse_context_at(v->snap.ctx, v->slots[i], &bytes) &&
		    show_nft_is(&bytes))
			continue;
		rec = view_record(v, i);
		rc = rec ? show_tables_add(&tables, rec, err)
			 : nse_error(err, -ENOMEM, "out of memory");
		json_decref(rec);
	}
	end = show_tables_end(&tables);
	if (rc == 0 && end < 0)
		rc = nse_errno(err, end, "cannot print the table");
	if (rc == 0)
		rc = show_nft_print(v->snap.ctx, v->slots, v->n, &v->why, color, err);
	return rc < 0 ? rc : cmd_flush(err);
}

static int print(const struct nse_args *args, const struct options *o,
		 const struct view *v, const struct show_tally *tally,
		 struct nse_error *err)
{
	bool color = cmd_color_on(&args->common, stdout);

	if (o->json)
		return print_json(v, err);
	print_header(&v->snap.header, color);
	show_tally_print(tally, color);
	return o->summary ? cmd_flush(err) : print_tables(v, color, err);
}

static int run(struct nse_args *args, const struct options *o,
	       const struct cmd_scope *chosen, const struct cmd_remote *remote,
	       const struct nse_map *map, struct nse_error *err)
{
	NSE_CLEANUP(view_release) struct view v = { .n = 0 };
	NSE_FREE struct show_tally *tally = calloc(1, sizeof(*tally));
	int rc;

	if (!tally)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = load(args, o, chosen, remote, map, &v, o->json ? NULL : tally, err);
	if (rc < 0)
		return rc;
	cmd_pager_start(&args->common);
	rc = print(args, o, &v, tally, err);
	return cmd_pager_stop(&args->common, rc, err);
}

int cmd_show(int argc, char **argv)
{
	NSE_CLEANUP(cmd_scope_release) struct cmd_scope chosen;
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	struct cmd_remote remote = { 0 };
	struct options o = { .json = false };
	struct nse_opt_group groups[] = {
		{ NULL, opts, &o },	   { "Preview", preview_opts, &map },
		CMD_MAP_GROUP(&map),	   CMD_SCOPE_GROUP(&chosen),
		CMD_REMOTE_GROUP(&remote), { NULL, NULL, NULL }
	};
	struct nse_error err = { 0 };
	struct nse_args args;
	int status;

	cmd_scope_init(&chosen);
	status = nse_opts_parse(&usage, groups, argc, argv, &args);
	if (status >= 0)
		return status;
	return run(&args, &o, &chosen, &remote, &map, &err) < 0 ? cmd_fail(&err)
								: CMD_DONE;
}
