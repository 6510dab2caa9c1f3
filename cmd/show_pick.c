/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One pass over the records, shared out among the processors: each part keeps
 * its own places, counts and keys, and they are put together in their order.
 */
#include "cmd/show_pick.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/record.h"
#include "lib/util/addr.h"
#include "lib/util/cleanup.h"

enum key_type { NUMBER, ADDRESS, TEXT, MISSING };

struct key {
	uint32_t slot;
	uint8_t type, family;
	uint16_t kind; /* what stays together, in the order of appearance */
	size_t place;
	union {
		int64_t number;
		uint8_t addr[16];
		char *text; /* owned */
	};
	int64_t port;
};

struct picking {
	struct show_view *v;
	const struct show_pick *p;
	const char *field, *port; /* of the order */
	bool down;
	struct key *keys; /* by place, or NULL */
	struct show_tally *tallies[SHOW_PARTS_MAX];
	size_t from[SHOW_PARTS_MAX], kept[SHOW_PARTS_MAX];
	int rc[SHOW_PARTS_MAX];
};

/* Columns that are made of an address and a port have the order of both. */
static void find_order(struct picking *k, const char *order)
{
	static const struct {
		const char *column, *field, *port;
	} pairs[] = {
		{ "source", "src", "sport" },
		{ "destination", "dst", "dport" },
		{ "reply", "reply.src", "reply.sport" },
		{ "master", "master.src", "master.sport" },
		{ "info", "status", NULL },
		{ "src", "src", "sport" },
		{ "dst", "dst", "dport" },
	};

	k->down = *order == '-';
	k->field = order += k->down;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(pairs); i++) {
		if (strcasecmp(pairs[i].column, order) != 0)
			continue;
		k->field = pairs[i].field;
		k->port = pairs[i].port;
	}
}

static int64_t integer(const json_t *rec, const char *field)
{
	return field ? json_integer_value(nse_filter_field(rec, field)) : 0;
}

static int make_key(const struct picking *k, const json_t *rec, struct key *key)
{
	const json_t *v = nse_filter_field(rec, k->field);
	char text[CMD_TEXT];
	struct nse_error unused;
	struct nse_addr a;

	key->port = integer(rec, k->port);
	key->type = MISSING;
	if (strcasecmp(k->field, "record") == 0 || strcasecmp(k->field, "fields") == 0) {
		cmd_record_name(rec, text);
	} else if (!v) {
		return 0;
	} else if (json_is_integer(v)) {
		key->type = NUMBER;
		key->number = json_integer_value(v);
		return 0;
	} else {
		cmd_value(v, text);
	}
	if (nse_addr_parse(text, &a, &unused) == 0) {
		key->type = ADDRESS;
		key->family = a.family;
		memcpy(key->addr, a.bytes, sizeof(key->addr));
		return 0;
	}
	key->type = TEXT;
	key->text = strdup(text);
	return key->text ? 0 : -ENOMEM;
}

static void work(void *arg, unsigned int part, size_t from, size_t to)
{
	struct picking *k = arg;
	const struct show_pick *p = k->p;
	size_t kept = from;

	k->from[part] = from;
	for (size_t i = from; i < to && k->rc[part] == 0; i++) {
		json_t *rec = show_view_record(k->v, i);

		if (!rec) {
			k->rc[part] = -ENOMEM;
		} else if (!p->filter || nse_filter_match(p->filter, rec)) {
			if (p->tally)
				show_tally_add(k->tallies[part], rec);
			if (k->keys)
				k->rc[part] = make_key(k, rec, &k->keys[kept]);
			k->v->slots[kept++] = k->v->slots[i];
		}
		json_decref(rec);
	}
	k->kept[part] = kept - from;
}

static int compare_values(const struct key *a, const struct key *b)
{
	int c = (a->family > b->family) - (a->family < b->family);

	switch (a->type) {
	case NUMBER:
		return (a->number > b->number) - (a->number < b->number);
	case ADDRESS:
		return c ? c : memcmp(a->addr, b->addr, sizeof(a->addr));
	case TEXT:
		return strcasecmp(a->text, b->text);
	default:
		return 0;
	}
}

/* What has no such field stays at the end, downwards too. */
static int compare(const void *x, const void *y, void *arg)
{
	const struct key *a = x, *b = y;
	const struct picking *k = arg;
	int c;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->type != b->type)
		c = a->type < b->type ? -1 : 1;
	else
		c = compare_values(a, b);
	if (c == 0)
		c = (a->port > b->port) - (a->port < b->port);
	if (c && k->down && a->type != MISSING && b->type != MISSING)
		c = -c;
	return c ? c : (a->place > b->place) - (a->place < b->place);
}

static void sort(struct picking *k)
{
	struct show_view *v = k->v;
	const struct nse_kind *last = NULL;
	struct nse_record rec;
	uint16_t kind = 0;

	for (size_t i = 0; i < v->n; i++) {
		k->keys[i].slot = v->slots[i];
		k->keys[i].place = i;
		if (k->p->by_kind && nse_context_at(v->snap.ctx, v->slots[i], &rec)) {
			kind += last && !nse_kind_equal(last, rec.kind);
			last = rec.kind;
		}
		k->keys[i].kind = kind;
	}
	qsort_r(k->keys, v->n, sizeof(*k->keys), compare, k);
	for (size_t i = 0; i < v->n; i++)
		v->slots[i] = k->keys[i].slot;
}

/* Closes the gaps that the parts have left behind them. */
static int gather(struct picking *k, unsigned int parts)
{
	size_t n = 0;
	int rc = 0;

	for (unsigned int i = 0; i < parts; i++) {
		memmove(k->v->slots + n, k->v->slots + k->from[i],
			k->kept[i] * sizeof(*k->v->slots));
		if (k->keys)
			memmove(k->keys + n, k->keys + k->from[i],
				k->kept[i] * sizeof(*k->keys));
		if (k->p->tally)
			show_tally_merge(k->p->tally, k->tallies[i]);
		n += k->kept[i];
		rc = rc < 0 ? rc : k->rc[i];
	}
	k->v->n = n;
	return rc;
}

static void picking_release(struct picking *k)
{
	for (size_t i = 0; k->keys && i < k->v->n; i++)
		if (k->keys[i].type == TEXT)
			free(k->keys[i].text);
	free(k->keys);
	for (unsigned int i = 0; i < SHOW_PARTS_MAX; i++)
		free(k->tallies[i]);
}

int show_pick(struct show_view *v, const struct show_pick *p, struct nse_error *err)
{
	NSE_CLEANUP(picking_release) struct picking k = { .v = v, .p = p };
	unsigned int parts = show_parts(v->n);

	if (p->order) {
		find_order(&k, p->order);
		k.keys = calloc(v->n + 1, sizeof(*k.keys));
		if (!k.keys)
			return nse_error(err, -ENOMEM, "out of memory");
	}
	for (unsigned int i = 0; p->tally && i < parts; i++) {
		k.tallies[i] = calloc(1, sizeof(*k.tallies[i]));
		if (!k.tallies[i])
			return nse_error(err, -ENOMEM, "out of memory");
	}
	show_share(v->n, work, &k);
	if (gather(&k, parts) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	if (k.keys)
		sort(&k);
	return 0;
}
