/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig show: a context for people or for programs. The context is in
 * memory, in its compact form; text and JSON are made record by record.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/fields.h"
#include "cmd/groups.h"
#include "cmd/output.h"
#include "cmd/pager.h"
#include "cmd/show_json.h"
#include "cmd/show_nft.h"
#include "cmd/show_pick.h"
#include "cmd/show_table.h"
#include "cmd/show_view.h"
#include "cmd/source.h"
#include "cmd/source_remote.h"
#include "lib/context/filter.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

struct options {
	bool json, summary, porcelain, number, no_headings;
	const char *filter, *columns, *sort;
};

static const struct nse_opt opts[] = {
	NSE_OPT_FLAG('\0', "json", struct options, json,
		     "one JSON object, nsemig-json(5)"),
	NSE_OPT_FLAG('s', "summary", struct options, summary,
		     "only the summary, no tables"),
	NSE_OPT_FLAG('\0', "porcelain", struct options, porcelain,
		     "for scripts: a line a record, tabs between the values"),
	NSE_OPT_STRING('\0', "columns", "NAME,...", struct options, columns,
		       "only these columns or fields of nsemig-json(5)"),
	NSE_OPT_STRING('\0', "sort", "[-]FIELD", struct options, sort,
		       "in the order of a column; -: the greatest first"),
	NSE_OPT_FLAG('\0', "number", struct options, number,
		     "the records' numbers, which explain takes"),
	NSE_OPT_FLAG('\0', "no-headings", struct options, no_headings,
		     "no summary and no titles"),
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
	.operands = "any-context",
	.max = 1,
};

/* What the rules of a live scope are in for; that it is not known is no failure. */
static int explain(const struct nse_args *args, const struct cmd_scope *chosen,
		   struct show_view *v, struct nse_error *err)
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
static int relocate(struct show_view *v, const struct nse_map *map, struct nse_error *err)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *old = NULL;
	int rc = cmd_relocate(&v->snap, map, &old, err);

	return rc < 0 || !old ? rc : show_why_moved(&v->why, old, v->snap.ctx, err);
}

static int load(const struct nse_args *args, const struct cmd_scope *chosen,
		const struct cmd_remote *remote, const struct nse_map *map,
		struct show_view *v, struct nse_error *err)
{
	int rc = cmd_load_any(chosen, remote, args->words[0], &v->snap, err);

	if (rc == 0)
		rc = explain(args, chosen, v, err);
	if (rc == 0)
		rc = relocate(v, map, err);
	if (rc < 0)
		return rc;
	v->n = nse_context_count(v->snap.ctx);
	v->slots = nse_context_sorted(v->snap.ctx);
	return v->slots ? 0 : nse_error(err, -ENOMEM, "out of memory");
}

static bool is_nft(const struct show_view *v, size_t i)
{
	struct nse_record rec;

	return nse_context_at(v->snap.ctx, v->slots[i], &rec) && show_nft_is(&rec);
}

/* Rules come as nft(8) prints them, unless columns are chosen. */
static int print_tables(const struct show_view *v, struct show_tables *t,
			struct nse_error *err)
{
	int rc = 0, end;

	for (size_t i = 0; i < v->n && rc == 0 && !ferror(stdout); i++) {
		json_t *rec;

		if (!t->chosen && is_nft(v, i))
			continue;
		rec = show_view_record(v, i);
		rc = rec ? show_tables_add(t, rec, err)
			 : nse_error(err, -ENOMEM, "out of memory");
		json_decref(rec);
	}
	end = show_tables_end(t);
	if (rc == 0 && end < 0)
		rc = nse_errno(err, end, "cannot print the table");
	if (rc == 0 && !t->chosen && !ferror(stdout))
		rc = show_nft_print(v->snap.ctx, v->slots, v->n, &v->why, v->numbers,
				    t->color, err);
	return rc < 0 ? rc : cmd_flush(err);
}

static int print_porcelain(const struct show_view *v, const struct show_columns *columns,
			   struct nse_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < v->n && rc == 0 && !ferror(stdout); i++) {
		json_t *rec = show_view_record(v, i);

		rc = rec ? show_porcelain(columns, rec) : -ENOMEM;
		json_decref(rec);
	}
	return rc < 0 ? nse_error(err, rc, "out of memory") : cmd_flush(err);
}

static int print(const struct nse_args *args, const struct options *o,
		 const struct show_view *v, const struct show_columns *columns,
		 const struct show_tally *tally, struct nse_error *err)
{
	const char *empty[4] = { NULL };
	struct show_tables tables = {
		.color = cmd_color_on(&args->common, stdout),
		.width = cmd_width(&args->common),
		.chosen = columns->n ? columns : NULL,
		.bare = o->no_headings,
		.numbered = o->number,
		.empty = empty,
	};
	size_t n = 0;

	if (o->json)
		return show_json_print(v, err);
	if (o->porcelain)
		return print_porcelain(v, columns, err);
	if (tally && !tally->nat)
		empty[n++] = "reply";
	if (tally && !tally->marks)
		empty[n++] = "mark";
	if (tally && !tally->zones)
		empty[n++] = "zone";
	if (tally)
		show_summary_print(&v->snap, tally, tables.color, tables.width > 0);
	return o->summary ? cmd_flush(err) : print_tables(v, &tables, err);
}

/* What can be said of the options before anything is read. */
static int read_options(const struct options *o, struct show_columns *columns,
			struct nse_filter **filter, struct nse_error *err)
{
	const char *list = o->columns;
	int rc = 0;

	if (o->json + o->porcelain + o->summary > 1)
		return nse_error(err, -EINVAL,
				 "--json, --porcelain and --summary exclude one another");
	if (o->summary && o->no_headings)
		return nse_error(err, -EINVAL,
				 "--no-headings leaves nothing of --summary");
	if (o->columns && (o->json || o->summary))
		return nse_error(err, -EINVAL, "--columns is for tables and --porcelain");
	if (o->porcelain && !list)
		list = show_porcelain_columns;
	if (list)
		rc = show_columns_parse(columns, list, err);
	if (rc == 0 && o->sort)
		rc = show_column_check(o->sort + (*o->sort == '-'), err);
	if (rc == 0 && o->filter)
		rc = cmd_filter_parse(filter, o->filter, err);
	return rc;
}

static int run(struct nse_args *args, const struct options *o,
	       const struct cmd_scope *chosen, const struct cmd_remote *remote,
	       const struct nse_map *map, struct nse_error *err)
{
	NSE_CLEANUP(show_view_release) struct show_view v = { .n = 0 };
	NSE_CLEANUP(nse_filter_freep) struct nse_filter *filter = NULL;
	NSE_FREE struct show_tally *tally = NULL;
	struct show_columns columns = { .n = 0 };
	struct show_pick pick = { .order = o->sort };
	int rc = read_options(o, &columns, &filter, err);

	if (rc == 0)
		rc = load(args, chosen, remote, map, &v, err);
	if (rc == 0 && o->number && show_view_number(&v) < 0)
		rc = nse_error(err, -ENOMEM, "out of memory");
	if (rc < 0)
		return rc;
	pick.filter = filter;
	pick.by_kind = !o->json && !columns.n;
	if (!o->json && !o->porcelain && !o->columns && !o->no_headings) {
		pick.tally = tally = calloc(1, sizeof(*tally));
		if (!tally)
			return nse_error(err, -ENOMEM, "out of memory");
	}
	if (pick.filter || pick.tally || pick.order)
		rc = show_pick(&v, &pick, err);
	if (rc < 0)
		return rc;
	if (!o->porcelain)
		cmd_pager_start(&args->common);
	rc = print(args, o, &v, &columns, tally, err);
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
