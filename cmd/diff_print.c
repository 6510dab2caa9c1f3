/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Differences as text in the manner of diff -u (a changed record is followed
 * by the fields that differ), as numbers, and as JSON.
 */
#include "cmd/diff_print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/diff_nft.h"
#include "cmd/output.h"
#include "cmd/record.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

#define MAX_FIELDS 256
#define MAX_STATS  64

static json_t *record_of(const struct nse_snapshot *s, uint32_t slot)
{
	struct nse_record rec;

	return nse_context_at(s->ctx, slot, &rec) ? nse_record_to_json(&rec) : NULL;
}

/* The fields of one side of a changed record, sorted by name. */
struct fields {
	struct field {
		char name[128], value[CMD_TEXT];
	} items[MAX_FIELDS];
	size_t n;
};

static void add_field(void *arg, const char *name, const char *value)
{
	struct fields *f = arg;

	if (f->n == MAX_FIELDS)
		return;
	snprintf(f->items[f->n].name, sizeof(f->items[0].name), "%s", name);
	snprintf(f->items[f->n].value, sizeof(f->items[0].value), "%s", value);
	f->n++;
}

static void print_field(char sign, const struct field *f, bool color)
{
	printf("%s%c   %s: %s%s\n", cmd_style(color, sign == '-' ? CMD_RED : CMD_GREEN),
	       sign, f->name, f->value, cmd_style(color, CMD_PLAIN));
}

static const struct field *find(const struct fields *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->items[i].name, name) == 0)
			return &f->items[i];
	return NULL;
}

static void print_changed_fields(const json_t *a, const json_t *b, const char *part,
				 bool color)
{
	NSE_FREE struct fields *fa = malloc(sizeof(*fa));
	NSE_FREE struct fields *fb = malloc(sizeof(*fb));

	if (!fa || !fb)
		return;
	fa->n = fb->n = 0;
	cmd_each_field(json_object_get(a, part), "", add_field, fa);
	cmd_each_field(json_object_get(b, part), "", add_field, fb);
	for (size_t i = 0; i < fa->n; i++) {
		const struct field *other = find(fb, fa->items[i].name);

		if (other && strcmp(other->value, fa->items[i].value) == 0)
			continue;
		print_field('-', &fa->items[i], color);
		if (other)
			print_field('+', other, color);
	}
	for (size_t i = 0; i < fb->n; i++)
		if (!find(fa, fb->items[i].name))
			print_field('+', &fb->items[i], color);
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
static void print_whole(char sign, const json_t *rec, bool color)
{
	char name[CMD_TEXT], fields[CMD_TEXT] = "";

	cmd_each_field(json_object_get(rec, "body"), "", append_pair, fields);
	printf("%s%c %s%s%s\n", cmd_style(color, sign == '-' ? CMD_RED : CMD_GREEN), sign,
	       cmd_record_name(rec, name), fields, cmd_style(color, CMD_PLAIN));
}

static void print_fields(const struct diff_print *p, const json_t *a, const json_t *b)
{
	print_changed_fields(a, b, "body", p->color);
	if (p->state)
		print_changed_fields(a, b, "state", p->color);
}

void diff_print_fields(const struct diff_print *p, uint32_t a, uint32_t b)
{
	json_t *ja = record_of(p->a, a), *jb = record_of(p->b, b);

	if (ja && jb)
		print_fields(p, ja, jb);
	json_decref(ja);
	json_decref(jb);
}

static void print_changed(const struct diff_print *p, const json_t *a, const json_t *b)
{
	char name[CMD_TEXT];

	printf("%s! %s%s\n", cmd_style(p->color, CMD_YELLOW), cmd_record_name(b, name),
	       cmd_style(p->color, CMD_PLAIN));
	print_fields(p, a, b);
}

static int print_item(const struct diff_print *p, const struct nse_diff_item *item)
{
	json_t *a = item->change == NSE_ADDED ? NULL : record_of(p->a, item->a);
	json_t *b = item->change == NSE_REMOVED ? NULL : record_of(p->b, item->b);
	int rc = 0;

	if ((!a && item->change != NSE_ADDED) || (!b && item->change != NSE_REMOVED))
		rc = -ENOMEM;
	else if (item->change == NSE_CHANGED)
		print_changed(p, a, b);
	else
		print_whole(a ? '-' : '+', a ? a : b, p->color);
	json_decref(a);
	json_decref(b);
	return rc;
}

static void print_side(const char *lead, const char *name, const struct nse_snapshot *s,
		       bool color)
{
	char taken[CMD_TIME], host[300];

	printf("%s%s %s\t%s, %s%s\n", cmd_style(color, CMD_BOLD), lead, name,
	       cmd_safe(s->header.host, host, sizeof(host)),
	       cmd_time(s->header.taken_us, taken), cmd_style(color, CMD_PLAIN));
}

int diff_print_text(const struct diff_print *p, struct nse_error *err)
{
	int rc;

	if (p->diff->n == 0)
		return 0;
	print_side("---", p->names[0], p->a, p->color);
	print_side("+++", p->names[1], p->b, p->color);
	for (size_t i = 0; i < p->diff->n; i++)
		if (!diff_nft_is(p, &p->diff->items[i]) &&
		    print_item(p, &p->diff->items[i]) < 0)
			return nse_error(err, -ENOMEM, "out of memory");
	rc = diff_nft_print(p, err);
	return rc < 0 ? rc : cmd_flush(err);
}

struct stats {
	struct stat {
		const struct nse_kind *kind;
		size_t n[3]; /* by enum nse_change */
	} items[MAX_STATS];
	size_t n;
};

static void count(struct stats *s, const struct nse_kind *kind, enum nse_change change)
{
	size_t i = 0;

	while (i < s->n && !nse_kind_equal(s->items[i].kind, kind))
		i++;
	if (i == MAX_STATS)
		return;
	if (i == s->n)
		s->items[s->n++].kind = kind;
	s->items[i].n[change]++;
}

int diff_print_stat(const struct diff_print *p, struct nse_error *err)
{
	NSE_FREE struct stats *s = calloc(1, sizeof(*s));
	struct nse_record rec;

	if (!s)
		return nse_error(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < p->diff->n; i++) {
		const struct nse_diff_item *it = &p->diff->items[i];
		bool b = it->change != NSE_REMOVED;

		if (nse_context_at(b ? p->b->ctx : p->a->ctx, b ? it->b : it->a, &rec))
			count(s, rec.kind, it->change);
	}
	for (size_t i = 0; i < s->n; i++)
		printf("%s %s: %zu added, %zu removed, %zu changed\n",
		       s->items[i].kind->engine, s->items[i].kind->type,
		       s->items[i].n[NSE_ADDED], s->items[i].n[NSE_REMOVED],
		       s->items[i].n[NSE_CHANGED]);
	printf("total: %zu added, %zu removed, %zu changed, %zu equal\n", p->diff->added,
	       p->diff->removed, p->diff->changed,
	       nse_context_count(p->b->ctx) - p->diff->added - p->diff->changed);
	return cmd_flush(err);
}

static json_t *side_json(const struct nse_snapshot *s, const char *name)
{
	char taken[CMD_TIME];

	return json_pack("{s:s, s:s, s:s, s:I}", "source", name, "host", s->header.host,
			 "taken", cmd_time(s->header.taken_us, taken), "records",
			 (json_int_t)nse_context_count(s->ctx));
}

static json_t *item_json(const struct diff_print *p, const struct nse_diff_item *item)
{
	switch (item->change) {
	case NSE_ADDED:
		return json_pack("{s:s, s:o}", "change", "added", "record",
				 record_of(p->b, item->b));
	case NSE_REMOVED:
		return json_pack("{s:s, s:o}", "change", "removed", "record",
				 record_of(p->a, item->a));
	case NSE_CHANGED:
		return json_pack("{s:s, s:o, s:o}", "change", "changed", "a",
				 record_of(p->a, item->a), "b", record_of(p->b, item->b));
	}
	return NULL;
}

int diff_print_json(const struct diff_print *p, struct nse_error *err)
{
	json_t *head;
	char *text;

	head = json_pack("{s:i, s:o, s:o, s:I, s:I, s:I}", "format", 1, "a",
			 side_json(p->a, p->names[0]), "b", side_json(p->b, p->names[1]),
			 "added", (json_int_t)p->diff->added, "removed",
			 (json_int_t)p->diff->removed, "changed",
			 (json_int_t)p->diff->changed);
	text = head ? json_dumps(head, JSON_COMPACT) : NULL;
	json_decref(head);
	if (!text)
		return nse_error(err, -EILSEQ, "the headers cannot be shown as JSON");
	printf("%.*s,\"changes\":[", (int)strlen(text) - 1, text);
	free(text);
	for (size_t i = 0; i < p->diff->n; i++) {
		json_t *item = item_json(p, &p->diff->items[i]);
		int rc;

		fputs(i ? ",\n" : "\n", stdout);
		rc = item ? json_dumpf(item, stdout, JSON_COMPACT) : -1;
		json_decref(item);
		if (rc < 0)
			return nse_error(err, -EIO, "cannot write a change as JSON");
	}
	puts("]}");
	return cmd_flush(err);
}
