/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Differences as text in the manner of diff -u: kind by kind, a changed record
 * followed by the fields that differ.
 */
#include "cmd/diff_print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/diff_fields.h"
#include "cmd/diff_nft.h"
#include "cmd/diff_word.h"
#include "cmd/output.h"
#include "cmd/record.h"
#include "lib/engine/nft/object.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

bool diff_print_record(const struct diff_print *p, const struct nse_diff_item *item,
		       struct nse_record *rec)
{
	return item->change == NSE_REMOVED ? nse_context_at(p->a->ctx, item->a, rec)
					   : nse_context_at(p->b->ctx, item->b, rec);
}

json_t *diff_print_json_of(const struct nse_snapshot *s, uint32_t slot)
{
	struct nse_record rec;

	return nse_context_at(s->ctx, slot, &rec) ? nse_record_to_json(&rec) : NULL;
}

void diff_print_heading(const struct diff_print *p, const char *title, const char *more)
{
	printf("%s@@ %s @@%s%s\n", cmd_style(p->color, CMD_CYAN), title,
	       cmd_style(p->color, CMD_PLAIN), more);
}

/* Without the engine and the type, which the heading says. */
static const char *short_name(const json_t *rec, char out[CMD_TEXT])
{
	char part[CMD_TEXT];
	size_t n;

	cmd_record_name(rec, out);
	n = strlen(cmd_value(json_object_get(rec, "engine"), part)) + 1;
	n += strlen(cmd_value(json_object_get(rec, "type"), part)) + 1;
	return n < strlen(out) ? out + n : out;
}

static void print_line(const struct diff_print *p, char sign, const char *name,
		       const json_t *value)
{
	char text[CMD_TEXT];

	if (value)
		printf("%s%c   %s: %s%s\n",
		       cmd_style(p->color, sign == '-' ? CMD_RED : CMD_GREEN), sign, name,
		       cmd_value(value, text), cmd_style(p->color, CMD_PLAIN));
}

static void print_field(void *arg, const char *part, const char *name, const json_t *a,
			const json_t *b)
{
	char safe[CMD_TEXT], ta[CMD_TEXT], tb[CMD_TEXT];
	const struct diff_print *p = arg;

	(void)part;
	cmd_safe(name, safe, sizeof(safe));
	if (p->word) {
		printf(" %s=", safe);
		diff_word_print(stdout, cmd_value(a, ta), cmd_value(b, tb), p->color);
		return;
	}
	print_line(p, '-', safe, a);
	print_line(p, '+', safe, b);
}

static int print_fields(const struct diff_print *p, const json_t *a, const json_t *b)
{
	int rc = diff_fields(a, b, p->state, print_field, (void *)p);

	if (p->word)
		putchar('\n');
	return rc;
}

void diff_print_fields(const struct diff_print *p, uint32_t a, uint32_t b)
{
	json_t *ja = diff_print_json_of(p->a, a), *jb = diff_print_json_of(p->b, b);

	if (ja && jb)
		print_fields(p, ja, jb);
	json_decref(ja);
	json_decref(jb);
}

/* The reply's tuple nearly always follows from the name; NAT is shown as such. */
static void append_pair(void *arg, const char *name, const char *value)
{
	char *out = arg;
	size_t len = strlen(out);

	if (*value && strncmp(name, "reply.", 6))
		snprintf(out + len, CMD_TEXT - len, " %s=%s", name, value);
}

/* A record that only one side has: its name and its body on one line. */
static void print_whole(const struct diff_print *p, char sign, const json_t *rec)
{
	char name[CMD_TEXT], fields[CMD_TEXT] = "";

	cmd_each_field(json_object_get(rec, "body"), "", append_pair, fields);
	printf("%s%c %s%s%s\n", cmd_style(p->color, sign == '-' ? CMD_RED : CMD_GREEN),
	       sign, short_name(rec, name), fields, cmd_style(p->color, CMD_PLAIN));
}

static int print_changed(const struct diff_print *p, const json_t *a, const json_t *b)
{
	char name[CMD_TEXT];

	printf("%s~ %s%s%s", cmd_style(p->color, CMD_YELLOW), short_name(b, name),
	       cmd_style(p->color, CMD_PLAIN), p->word ? "" : "\n");
	return print_fields(p, a, b);
}

static int print_item(const struct diff_print *p, const struct nse_diff_item *item)
{
	json_t *a = item->change == NSE_ADDED ? NULL : diff_print_json_of(p->a, item->a);
	json_t *b =
		item->change == NSE_REMOVED ? NULL : diff_print_json_of(p->b, item->b);
	int rc = 0;

	if ((!a && item->change != NSE_ADDED) || (!b && item->change != NSE_REMOVED))
		rc = -ENOMEM;
	else if (item->change == NSE_CHANGED)
		rc = print_changed(p, a, b);
	else
		print_whole(p, a ? '-' : '+', a ? a : b);
	json_decref(a);
	json_decref(b);
	return rc;
}

/* "--- web1.nsc	web1 at hostA, 2026-11-22T03:04:05.123456Z" */
static void print_side(const struct diff_print *p, const char *lead, int side)
{
	const struct nse_stream_header *h = side ? &p->b->header : &p->a->header;
	char taken[CMD_TIME], host[300], name[300], domain[300];
	const char *of = h->scope.domain.name;

	printf("%s%s %s\t%s%s%s, %s%s\n", cmd_style(p->color, CMD_BOLD), lead,
	       cmd_safe(p->names[side], name, sizeof(name)),
	       cmd_safe(of, domain, sizeof(domain)), *of ? " at " : "",
	       cmd_safe(h->host, host, sizeof(host)), cmd_time(h->taken_us, taken),
	       cmd_style(p->color, CMD_PLAIN));
}

/* What is not of nf_tables, with a heading for each kind. */
static int print_items(const struct diff_print *p)
{
	const struct nse_kind *last = NULL;
	char title[2 * NSE_KIND_NAME + 2];
	struct nse_record rec;
	int rc = 0;

	for (size_t i = 0; i < p->diff->n && rc == 0 && !ferror(stdout); i++) {
		const struct nse_diff_item *item = &p->diff->items[i];

		if (!diff_print_record(p, item, &rec) || diff_nft_is(p, item))
			continue;
		if (!last || !nse_kind_equal(last, rec.kind)) {
			snprintf(title, sizeof(title), "%s %s", rec.kind->engine,
				 rec.kind->type);
			diff_print_heading(p, title, "");
		}
		last = rec.kind;
		rc = print_item(p, item);
	}
	return rc;
}

int diff_print_text(const struct diff_print *p, struct nse_error *err)
{
	int rc;

	if (p->diff->n == 0)
		return 0;
	print_side(p, "---", 0);
	print_side(p, "+++", 1);
	rc = print_items(p);
	if (rc < 0)
		return nse_errno(err, rc, "cannot print what differs");
	rc = diff_nft_print(p, err);
	return rc < 0 ? rc : cmd_flush(err);
}

static int name_of(const struct diff_print *p, const struct nse_diff_item *item,
		   char out[CMD_TEXT])
{
	char name[CMD_TEXT - 4];
	struct nse_record rec;
	json_t *json;

	if (diff_nft_name(p, item, name, sizeof(name))) {
		snprintf(out, CMD_TEXT, "nft %s", name);
		return 0;
	}
	json = diff_print_record(p, item, &rec) ? nse_record_to_json(&rec) : NULL;
	if (!json)
		return -ENOMEM;
	cmd_record_name(json, out);
	json_decref(json);
	return 0;
}

int diff_print_names(const struct diff_print *p, struct nse_error *err)
{
	char names[2][CMD_TEXT] = { "", "" };
	int now = 0;

	for (size_t i = 0; i < p->diff->n; i++) {
		const struct nse_diff_item *item = &p->diff->items[i];

		if (diff_nft_is_part(p, item))
			continue;
		if (name_of(p, item, names[now]) < 0)
			return nse_error(err, -ENOMEM, "out of memory");
		/* A rule that has taken another one's place has its name, too. */
		if (strcmp(names[now], names[!now]))
			puts(names[now]);
		now = !now;
	}
	return cmd_flush(err);
}
