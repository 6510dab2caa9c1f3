/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts records for the summary of `nsemig show`, by the names of
 * nsemig-json(5).
 */
#include <stdio.h>
#include <string.h>

#include "cmd/show_summary.h"
#include "lib/context/filter.h"

static const char *text_of(const json_t *rec, const char *name)
{
	const char *text = json_string_value(json_object_get(rec, name));

	return text ? text : "";
}

static bool is_kind(const json_t *rec, const char *engine, const char *type)
{
	return strcmp(text_of(rec, "engine"), engine) == 0 &&
	       strcmp(text_of(rec, "type"), type) == 0;
}

static bool has_status(const json_t *rec, const char *want)
{
	const json_t *status = cmd_field(rec, "status");
	const char *text;

	for (size_t i = 0; i < json_array_size(status); i++) {
		text = json_string_value(json_array_get(status, i));
		if (text && strcmp(text, want) == 0)
			return true;
	}
	return false;
}

/* Protocols without states of their own have at least one or two directions. */
static const char *state_of(const json_t *rec, char out[CMD_TEXT])
{
	const json_t *state = cmd_field(rec, "state");

	if (json_is_string(state))
		return cmd_value(state, out);
	if (!is_kind(rec, "conntrack", "entry") || !cmd_field(rec, "status"))
		return "";
	if (has_status(rec, "assured"))
		return "assured";
	return has_status(rec, "seen-reply") ? "replied" : "unreplied";
}

static bool counts(const struct show_count *c, const struct show_count *want)
{
	return strcmp(c->engine, want->engine) == 0 && strcmp(c->type, want->type) == 0 &&
	       strcmp(c->proto, want->proto) == 0 && strcmp(c->state, want->state) == 0;
}

static void count(struct show_tally *t, const struct show_count *want)
{
	/* Sorted records often are as the one before. */
	for (size_t i = 0; i < t->n; i++) {
		size_t at = (t->last + i) % t->n;

		if (!counts(&t->items[at], want))
			continue;
		t->items[at].n += want->n;
		t->last = at;
		return;
	}
	if (t->n < SHOW_MAX_COUNTS)
		t->items[t->n++] = *want;
}

/* The item of that name; a new one; NULL when there is no room for it. */
static struct show_item *item(struct show_items *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t at = (s->last + i) % s->n;

		if (strcmp(s->items[at].name, name) == 0) {
			s->last = at;
			return &s->items[at];
		}
	}
	if (s->n == SHOW_MAX_ITEMS)
		return NULL;
	snprintf(s->items[s->n].name, sizeof(s->items[0].name), "%s", name);
	s->last = s->n;
	return &s->items[s->n++];
}

/* "inet filter NAME" of a member of the key. */
static void name_in_table(const json_t *rec, const char *member, char out[200])
{
	char family[CMD_TEXT], table[CMD_TEXT], name[CMD_TEXT];

	cmd_value(cmd_field(rec, "family"), family);
	cmd_value(cmd_field(rec, "table"), table);
	cmd_value(cmd_field(rec, member), name);
	snprintf(out, 200, "%.10s %.80s %.80s", family, table, name);
}

/* Anonymous sets are part of their rule; the end of an interval is none of its own. */
static void count_set(struct show_tally *t, const json_t *rec)
{
	const char *kind = json_string_value(cmd_field(rec, "kind"));
	bool element = is_kind(rec, "nft", "element");
	const char *member = element ? "set" : "name";
	const char *set = json_string_value(cmd_field(rec, member));
	struct show_item *it;
	char name[200];

	if (!set || *set == '@' || (kind && strcmp(kind, "end") == 0))
		return;
	name_in_table(rec, member, name);
	it = item(&t->sets, name);
	if (it)
		it->n += element;
	else
		t->sets.more += element;
}

static void add_quota(struct show_tally *t, const char *name, const json_t *rec,
		      const json_t *limit)
{
	struct show_item *it = item(&t->quotas, name);

	if (!it) {
		t->quotas.more++;
		return;
	}
	it->n += (uint64_t)json_integer_value(cmd_field(rec, "used"));
	it->limit = (uint64_t)json_integer_value(limit);
}

static void count_quota(struct show_tally *t, const json_t *rec)
{
	const json_t *list = cmd_field(rec, "expressions"), *expr;
	const char *what;
	char name[200], rule[240];
	size_t i;

	if (is_kind(rec, "nft", "object")) {
		what = json_string_value(nse_filter_field(rec, "key.type"));
		name_in_table(rec, "name", name);
		if (what && strcmp(what, "quota") == 0)
			add_quota(t, name, rec, cmd_field(rec, "limit"));
		return;
	}
	json_array_foreach(list, i, expr)
	{
		what = json_string_value(json_object_get(expr, "name"));
		if (!what || strcmp(what, "quota"))
			continue;
		name_in_table(rec, "chain", name);
		snprintf(rule, sizeof(rule), "%s rule %lld", name,
			 (long long)json_integer_value(cmd_field(rec, "number")));
		add_quota(t, rule, rec, json_object_get(expr, "limit"));
		return;
	}
}

static bool differ(const json_t *a, const json_t *b)
{
	return a && b && !json_equal(a, b);
}

/* What makes a column of the table worth its place. */
static void look_at_columns(struct show_tally *t, const json_t *rec)
{
	const json_t *key = json_object_get(rec, "key"), *reply = cmd_field(rec, "reply");

	t->marks |= json_integer_value(cmd_field(rec, "mark")) != 0;
	t->zones |= json_integer_value(cmd_field(rec, "zone")) != 0;
	t->nat |=
		differ(json_object_get(reply, "src"), json_object_get(key, "dst")) ||
		differ(json_object_get(reply, "dst"), json_object_get(key, "src")) ||
		differ(json_object_get(reply, "sport"), json_object_get(key, "dport")) ||
		differ(json_object_get(reply, "dport"), json_object_get(key, "sport"));
}

/* Elements are named as nft(8) would; the key has more of them than tells anything. */
static void name_of(const json_t *rec, char out[CMD_TEXT])
{
	char set[200], element[CMD_TEXT];

	if (!is_kind(rec, "nft", "element")) {
		cmd_record_name(rec, out);
		return;
	}
	name_in_table(rec, "set", set);
	snprintf(out, CMD_TEXT, "nft element %s { %.700s }", set,
		 cmd_value(cmd_field(rec, "element"), element));
}

static void look_at_times(struct show_tally *t, const json_t *rec)
{
	const char *start = json_string_value(cmd_field(rec, "start"));
	const json_t *s = nse_filter_field(rec, "state.timeout");
	const json_t *ms = nse_filter_field(rec, "state.expires_ms");
	int64_t left = s ? 1000 * json_integer_value(s) : json_integer_value(ms);

	/* Times of one form: their order is that of the text. */
	if (start && (!*t->oldest || strcmp(start, t->start) < 0)) {
		snprintf(t->start, sizeof(t->start), "%s", start);
		name_of(rec, t->oldest);
	}
	if ((s || ms) && (!*t->next || left < t->next_ms)) {
		t->next_ms = left;
		name_of(rec, t->next);
	}
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
	snprintf(want.state, sizeof(want.state), "%.23s", state_of(rec, text));
	count(t, &want);
	if (is_kind(rec, "nft", "set") || is_kind(rec, "nft", "element"))
		count_set(t, rec);
	if (is_kind(rec, "nft", "object") || is_kind(rec, "nft", "rule"))
		count_quota(t, rec);
	look_at_times(t, rec);
	look_at_columns(t, rec);
}

static void merge_items(struct show_items *to, const struct show_items *from)
{
	for (size_t i = 0; i < from->n; i++) {
		struct show_item *it = item(to, from->items[i].name);

		if (!it) {
			to->more += from->items[i].n;
			continue;
		}
		it->n += from->items[i].n;
		it->limit = from->items[i].limit;
	}
	to->more += from->more;
}

void show_tally_merge(struct show_tally *t, const struct show_tally *more)
{
	t->total += more->total;
	t->marks |= more->marks;
	t->zones |= more->zones;
	t->nat |= more->nat;
	for (size_t i = 0; i < more->n; i++)
		count(t, &more->items[i]);
	merge_items(&t->sets, &more->sets);
	merge_items(&t->quotas, &more->quotas);
	if (*more->oldest && (!*t->oldest || strcmp(more->start, t->start) < 0)) {
		snprintf(t->start, sizeof(t->start), "%s", more->start);
		snprintf(t->oldest, sizeof(t->oldest), "%s", more->oldest);
	}
	if (*more->next && (!*t->next || more->next_ms < t->next_ms)) {
		t->next_ms = more->next_ms;
		snprintf(t->next, sizeof(t->next), "%s", more->next);
	}
}
