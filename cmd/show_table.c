/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables and summary of `nsemig show`. Conntrack entries and expectations
 * have columns of their own, every other type is shown by name and fields.
 */
#include "cmd/show_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/record.h"
#include "lib/util/cleanup.h"

static const struct cmd_column entry_columns[] = {
	{ "PROTO", false },	  { "STATE", false }, { "SOURCE", false },
	{ "DESTINATION", false }, { "REPLY", false }, { "TIMEOUT", true },
	{ "MARK", true },	  { "ZONE", true },   { "INFO", false },
};
static const struct cmd_column expectation_columns[] = {
	{ "PROTO", false },  { "SOURCE", false }, { "DESTINATION", false },
	{ "MASTER", false }, { "TIMEOUT", true }, { "ZONE", true },
	{ "INFO", false },
};
static const struct cmd_column other_columns[] = { { "RECORD", false },
						   { "FIELDS", false } };

#define MOST_COLUMNS NSE_ARRAY_SIZE(entry_columns)

struct row {
	char text[MOST_COLUMNS][CMD_TEXT];
	size_t n;
};

static char *cell(struct row *r)
{
	r->text[r->n][0] = '\0';
	return r->text[r->n++];
}

static void add_field(struct row *r, const json_t *rec, const char *name)
{
	cmd_value(cmd_field(rec, name), cell(r));
}

/* A number that says nothing when it is zero. */
static void add_unless_zero(struct row *r, const json_t *rec, const char *name)
{
	const json_t *v = cmd_field(rec, name);

	if (json_is_integer(v) && json_integer_value(v) == 0)
		v = NULL;
	cmd_value(v, cell(r));
}

static void append_word(char *out, const char *name, const json_t *value)
{
	char text[CMD_TEXT];
	size_t len = strlen(out);

	if (!value || json_is_false(value))
		return;
	cmd_value(value, text);
	if (*text)
		snprintf(out + len, CMD_TEXT - len, "%s%s%s%s", len ? " " : "", name,
			 *name ? "=" : "", text);
}

/* The tuple that answers, where it is not just the original one turned round. */
static void add_reply(struct row *r, const json_t *rec)
{
	const json_t *reply = cmd_field(rec, "reply"), *key = json_object_get(rec, "key");
	char a[CMD_TEXT], b[CMD_TEXT], back[CMD_TEXT], *out = cell(r);

	if (!json_is_object(reply))
		return;
	cmd_endpoint(reply, "src", "sport", a);
	cmd_endpoint(reply, "dst", "dport", b);
	if (strcmp(a, cmd_endpoint(key, "dst", "dport", back)) ||
	    strcmp(b, cmd_endpoint(key, "src", "sport", back)))
		snprintf(out, CMD_TEXT, "%.480s -> %.480s", a, b);
}

static void add_endpoints(struct row *r, const json_t *tuple)
{
	cmd_endpoint(tuple, "src", "sport", cell(r));
	cmd_endpoint(tuple, "dst", "dport", cell(r));
}

static void entry_row(struct row *r, const json_t *rec)
{
	const json_t *key = json_object_get(rec, "key");
	char *info;

	add_field(r, rec, "proto");
	add_field(r, rec, "state");
	add_endpoints(r, key);
	add_reply(r, rec);
	add_field(r, rec, "timeout");
	add_unless_zero(r, rec, "mark");
	add_unless_zero(r, rec, "zone");
	info = cell(r);
	append_word(info, "", cmd_field(rec, "status"));
	append_word(info, "helper", cmd_field(rec, "helper"));
	append_word(info, "type", json_object_get(key, "icmp_type"));
	append_word(info, "code", json_object_get(key, "icmp_code"));
	append_word(info, "id", json_object_get(key, "icmp_id"));
	append_word(info, "key", json_object_get(key, "srckey"));
	append_word(info, "zone_orig", json_object_get(key, "zone_orig"));
	append_word(info, "zone_reply", json_object_get(key, "zone_reply"));
	append_word(info, "labels", cmd_field(rec, "labels"));
}

static void expectation_row(struct row *r, const json_t *rec)
{
	const json_t *key = json_object_get(rec, "key"), *master;
	char a[CMD_TEXT], b[CMD_TEXT], *info;

	add_field(r, rec, "proto");
	add_endpoints(r, key);
	master = cmd_field(rec, "master");
	snprintf(cell(r), CMD_TEXT, "%.480s -> %.480s",
		 cmd_endpoint(master, "src", "sport", a),
		 cmd_endpoint(master, "dst", "dport", b));
	add_field(r, rec, "timeout");
	add_unless_zero(r, rec, "zone");
	info = cell(r);
	append_word(info, "helper", cmd_field(rec, "helper"));
	append_word(info, "class", cmd_field(rec, "class"));
	append_word(info, "", cmd_field(rec, "flags"));
}

static void append_pair(void *arg, const char *name, const char *value)
{
	char *out = arg;
	size_t len = strlen(out);

	snprintf(out + len, CMD_TEXT - len, "%s%s=%s", len ? " " : "", name, value);
}

static void other_row(struct row *r, const json_t *rec)
{
	cmd_record_name(rec, cell(r));
	cmd_each_field(json_object_get(rec, "body"), "", append_pair, cell(r));
}

/* The columns and the row of a kind. */
static const struct show_kind {
	const char *engine, *type, *title;
	const struct cmd_column *columns;
	size_t n;
	void (*row)(struct row *r, const json_t *rec);
} kinds[] = {
	{ "conntrack", "entry", "Conntrack entries", entry_columns,
	  NSE_ARRAY_SIZE(entry_columns), entry_row },
	{ "expect", "expectation", "Expectations", expectation_columns,
	  NSE_ARRAY_SIZE(expectation_columns), expectation_row },
	{ "", "", "Other records", other_columns, NSE_ARRAY_SIZE(other_columns),
	  other_row },
};

static const char *text_of(const json_t *rec, const char *name)
{
	const char *text = json_string_value(json_object_get(rec, name));

	return text ? text : "";
}

static const struct show_kind *kind_of(const json_t *rec)
{
	const struct show_kind *k = kinds;

	/* Bytes that the engine refused have no fields but their digits. */
	if (json_object_get(json_object_get(rec, "key"), "hex"))
		return &kinds[NSE_ARRAY_SIZE(kinds) - 1];
	while (*k->engine && (strcmp(k->engine, text_of(rec, "engine")) ||
			      strcmp(k->type, text_of(rec, "type"))))
		k++;
	return k;
}

int show_tables_add(struct show_tables *t, const json_t *rec, struct nse_error *err)
{
	const struct show_kind *k = kind_of(rec);
	const char *cells[MOST_COLUMNS];
	struct row r = { .n = 0 };
	int rc = 0;

	if (t->table && t->kind != k)
		rc = show_tables_end(t);
	if (rc == 0 && !t->table) {
		printf("\n%s%s%s\n", cmd_style(t->color, CMD_BOLD), k->title,
		       cmd_style(t->color, CMD_PLAIN));
		t->kind = k;
		rc = cmd_table_new(&t->table, k->columns, k->n, t->color, err);
	}
	if (rc < 0)
		return rc;
	k->row(&r, rec);
	for (size_t i = 0; i < r.n; i++)
		cells[i] = r.text[i];
	rc = cmd_table_row(t->table, cells, CMD_PLAIN);
	return rc < 0 ? nse_errno(err, rc, "cannot print the table") : 0;
}

int show_tables_end(struct show_tables *t)
{
	int rc = t->table ? cmd_table_end(t->table) : 0;

	cmd_table_free(t->table);
	t->table = NULL;
	return rc;
}

static bool counts(const struct show_count *c, const struct show_count *want)
{
	return strcmp(c->engine, want->engine) == 0 && strcmp(c->type, want->type) == 0 &&
	       strcmp(c->proto, want->proto) == 0 && strcmp(c->state, want->state) == 0;
}

void show_tally_add(struct show_tally *t, const json_t *rec)
{
	struct show_count want = { .n = 1 };
	char text[CMD_TEXT];

	t->total++;
	snprintf(want.engine, sizeof(want.engine), "%s", text_of(rec, "engine"));
	snprintf(want.type, sizeof(want.type), "%s", text_of(rec, "type"));
	snprintf(want.proto, sizeof(want.proto), "%.15s",
		 cmd_value(cmd_field(rec, "proto"), text));
	snprintf(want.state, sizeof(want.state), "%.23s",
		 cmd_value(cmd_field(rec, "state"), text));
	/* Sorted records often are as the one before. */
	for (size_t i = 0; i < t->n; i++) {
		size_t at = (t->last + i) % t->n;

		if (!counts(&t->items[at], &want))
			continue;
		t->items[at].n++;
		t->last = at;
		return;
	}
	if (t->n < SHOW_MAX_COUNTS)
		t->items[t->n++] = want;
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
	printf("  %s%12s%s  %s %s %s", cmd_style(color, CMD_BOLD),
	       cmd_number(sum, number), cmd_style(color, CMD_PLAIN), c->engine, c->type,
	       c->proto);
	for (size_t i = first; i < t->n; i++)
		if (same_line(&t->items[i], c) && t->items[i].state[0])
			printf("%s%s %s", shown++ ? ", " : " (", t->items[i].state,
			       cmd_number(t->items[i].n, number));
	printf("%s\n", shown ? ")" : "");
}

void show_tally_print(const struct show_tally *t, bool color)
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
