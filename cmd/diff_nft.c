/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nft records in the manner of diff -u: a line "@@ chain inet filter web @@"
 * for each table, chain, set or object in which something differs, then what
 * is in it as one side or the other has it; of chains, hunks with the rules
 * around. Where the texts do not tell the difference (options of extensions
 * that nft(8) does not show) the fields do.
 */
#include "cmd/diff_nft.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/diff_hunks.h"
#include "cmd/diff_lines.h"
#include "cmd/nft_order.h"
#include "cmd/output.h"
#include "lib/engine/nft/object.h"
#include "lib/engine/nft/render.h"
#include "lib/util/cleanup.h"

struct side {
	const struct nse_context *ctx;
	struct nft_texts *texts; /* owned */
	uint8_t *printed;	 /* owned: by slot */
	uint32_t *sorted;	 /* owned: slots, once an interval's end was met */
};

struct listing {
	const struct diff_print *p;
	struct side sides[2];
	struct diff_rules rules;
	struct nft_key block; /* of the last "@@", views into a context */
	bool any;
};

static void release(struct listing *l)
{
	for (int i = 0; i < 2; i++) {
		nft_texts_free(l->sides[i].texts);
		free(l->sides[i].printed);
		free(l->sides[i].sorted);
	}
	diff_rules_release(&l->rules);
}

static bool read_key(const struct nse_context *ctx, uint32_t slot, struct nft_key *key)
{
	struct nse_record rec;

	return nse_context_at(ctx, slot, &rec) && cmd_nft_key(&rec, key);
}

static bool item_key(const struct diff_print *p, const struct nse_diff_item *it,
		     struct nft_key *key)
{
	return it->change == NSE_REMOVED ? read_key(p->a->ctx, it->a, key)
					 : read_key(p->b->ctx, it->b, key);
}

bool diff_nft_is(const struct diff_print *p, const struct nse_diff_item *item)
{
	struct nft_key key;

	return item_key(p, item, &key);
}

/* What a rule's own sets and chains are in: the chain in which that rule is. */
static void block_of(struct nft_key *key)
{
	struct nse_bytes chain;
	uint32_t rule, k;

	while (nft_name_split(key->name, &chain, &rule, &k)) {
		key->name = chain;
		key->type = NFT_CHAIN;
	}
	key->type = key->type == NFT_RULE      ? NFT_CHAIN
		    : key->type == NFT_ELEMENT ? NFT_SET
					       : key->type;
}

bool diff_nft_name(const struct diff_print *p, const struct nse_diff_item *item,
		   char *text, size_t room)
{
	struct nft_key key;

	if (!item_key(p, item, &key))
		return false;
	nft_key_text(&key, text, room);
	return true;
}

bool diff_nft_block(const struct diff_print *p, const struct nse_diff_item *item,
		    struct nft_key *block)
{
	if (!item_key(p, item, block))
		return false;
	block_of(block);
	return true;
}

bool diff_nft_is_part(const struct diff_print *p, const struct nse_diff_item *item)
{
	struct nse_record rec;
	struct nft_key key;

	return item->change != NSE_CHANGED && diff_print_record(p, item, &rec) &&
	       nft_rule_is_owned(&rec, &key);
}

/* "@@ chain inet filter web @@", when it is another one than before. */
static void print_block(struct listing *l, struct nft_key key)
{
	char text[1024];

	if (l->any && cmd_nft_block_cmp(&l->block, &key) == 0)
		return;
	block_of(&key);
	l->block = key;
	l->any = true;
	nft_key_text(&key, text, sizeof(text));
	diff_print_heading(l->p, text, "");
}

/* "chain web { type filter …; policy accept; }": a block on one line. */
static char *one_line(const struct nft_text *text)
{
	size_t room = strlen(text->text) * 2 + strlen(text->head) + 8, n;
	char *line = malloc(room);

	if (!line)
		return NULL;
	n = (size_t)snprintf(line, room, "%s {", text->head);
	for (const char *s = text->text; *s; s++) {
		if (s == text->text)
			line[n++] = ' ';
		if (*s != '\n') {
			line[n++] = *s;
			continue;
		}
		if (s > text->text && s[-1] != ';')
			line[n++] = ';';
		line[n++] = ' ';
	}
	snprintf(line + n, room - n, " }");
	return line;
}

/* The element that starts the interval which ends in that slot, or none. */
static uint32_t start_of(struct side *s, uint32_t end)
{
	size_t n = nse_context_count(s->ctx), low = 0, high = n;
	struct nft_key key, start;
	struct nse_record rec, at;

	if (!s->sorted)
		s->sorted = nse_context_sorted(s->ctx);
	if (!s->sorted || !nse_context_at(s->ctx, end, &rec) ||
	    !read_key(s->ctx, end, &key))
		return NSE_CONTEXT_NONE;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		nse_context_at(s->ctx, s->sorted[mid], &at);
		if (nse_record_cmp_key(&at, &rec) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	/* In the order of keys the start stands right ahead of its end. */
	if (low == 0 || low == n || !read_key(s->ctx, s->sorted[low - 1], &start) ||
	    start.type != NFT_ELEMENT || start.kind != NFT_ELEMENT_PLAIN ||
	    cmd_nft_block_cmp(&start, &key) != 0)
		return NSE_CONTEXT_NONE;
	return s->sorted[low - 1];
}

/*
 * What is to be printed for a slot: a text of the caller's, or NULL when it is
 * in another one's text. *slot becomes the one whose text it is.
 */
static char *text_of(struct listing *l, int side, uint32_t *slot)
{
	struct side *s = &l->sides[side];
	char name[1024];
	struct nft_text text;
	struct nft_key key;

	if (!read_key(s->ctx, *slot, &key))
		return NULL;
	if (!nft_text_at(s->texts, *slot, &text) && key.type == NFT_ELEMENT &&
	    key.kind == NFT_ELEMENT_END) {
		uint32_t start = start_of(s, *slot);

		*slot = start != NSE_CONTEXT_NONE ? start : *slot;
	}
	if (s->printed[*slot])
		return NULL;
	s->printed[*slot] = 1;
	if (nft_text_at(s->texts, *slot, &text))
		return text.head ? one_line(&text) : strdup(text.text);
	if (nft_name_is_ours(key.name))
		return NULL;
	nft_key_text(&key, name, sizeof(name));
	return strdup(name);
}

static void print_one_sided(struct listing *l, int side, uint32_t slot)
{
	NSE_FREE char *text = NULL;
	struct nft_key key;

	read_key(l->sides[side].ctx, slot, &key);
	text = text_of(l, side, &slot);
	if (!text)
		return;
	print_block(l, key);
	diff_lines(l->p, side ? '+' : '-', text, key.need ? "  # needed" : "");
}

static void print_changed(struct listing *l, const struct nse_diff_item *it)
{
	uint32_t a = it->a, b = it->b;
	NSE_FREE char *ta = text_of(l, 0, &a), *tb = text_of(l, 1, &b);
	char name[1024];
	struct nft_key key;

	read_key(l->sides[1].ctx, it->b, &key);
	print_block(l, key);
	nft_key_text(&key, name, sizeof(name));
	diff_lines_pair(l->p, ta && tb ? ta : name, ta && tb ? tb : name, it->a, it->b,
			key.need ? "  # needed" : "");
}

/* The slots of a side that the items name. */
static uint8_t *wanted(const struct listing *l, int side)
{
	const struct nse_diff *d = l->p->diff;
	uint32_t n = nse_context_slots(l->sides[side].ctx);
	uint8_t *slots = calloc(n + 1ul, 1);

	for (size_t i = 0; slots && i < d->n; i++) {
		uint32_t slot = side ? d->items[i].b : d->items[i].a;

		if (slot < n)
			slots[slot] = 1;
	}
	return slots;
}

static int prepare(struct listing *l, struct nse_error *err)
{
	unsigned int flags = l->p->state ? 0 : NFT_RENDER_STATELESS;
	int rc = diff_rules_make(&l->rules, l->p);

	if (rc < 0)
		return nse_error(err, rc, "out of memory");
	for (int i = 0; i < 2 && rc == 0; i++) {
		NSE_FREE uint8_t *slots = NULL;
		struct side *s = &l->sides[i];

		s->ctx = i ? l->p->b->ctx : l->p->a->ctx;
		s->printed = calloc(nse_context_slots(s->ctx) + 1ul, 1);
		slots = wanted(l, i);
		if (!s->printed || !slots)
			return nse_error(err, -ENOMEM, "out of memory");
		diff_rules_wanted(&l->rules, i, slots);
		rc = nft_render_some(s->ctx, slots, flags, &s->texts, err);
	}
	return rc;
}

static void print_notes(const struct listing *l)
{
	for (int i = 0; i < 2; i++) {
		const char *all = nft_texts_notes(l->sides[i].texts);
		NSE_FREE char *notes = strdup(all);
		char safe[1024], *save = NULL;

		if (i && strcmp(all, nft_texts_notes(l->sides[0].texts)) == 0)
			return;
		for (char *line = notes ? strtok_r(notes, "\n", &save) : NULL; line;
		     line = strtok_r(NULL, "\n", &save))
			printf("%s%s\n", *line == '#' ? "" : "# ",
			       cmd_safe(line, safe, sizeof(safe)));
	}
}

/* An item in the order of the output. */
struct entry {
	struct nft_key key;
	const struct nse_diff_item *item;
};

/* In a block the items have the order that they came in. */
static int entry_cmp(const void *p, const void *q)
{
	const struct entry *a = p, *b = q;
	int c = cmd_nft_block_cmp(&a->key, &b->key);

	c = c ? c : cmd_nft_is_inside(&a->key) - cmd_nft_is_inside(&b->key);
	return c ? c : (a->item > b->item) - (a->item < b->item);
}

/* The end ahead of all intervals, which the kernel wants and nobody else. */
static bool is_first_end(const struct nft_key *key)
{
	for (size_t i = 0; i < key->bytes.n; i++)
		if (key->bytes.p[i])
			return false;
	return key->type == NFT_ELEMENT && key->kind == NFT_ELEMENT_END;
}

/* Does its block have another item? */
static bool has_company(const struct entry *entries, size_t n, size_t i)
{
	return (i > 0 && cmd_nft_block_cmp(&entries[i - 1].key, &entries[i].key) == 0) ||
	       (i + 1 < n &&
		cmd_nft_block_cmp(&entries[i + 1].key, &entries[i].key) == 0);
}

static bool is_first_rule(const struct entry *entries, size_t i)
{
	return i == 0 || entries[i - 1].key.type != NFT_RULE ||
	       cmd_nft_block_cmp(&entries[i - 1].key, &entries[i].key) != 0;
}

/*
 * The rules of a chain come all together with its first one; those of chains
 * without a name are in the text of a rule.
 */
static void print_entry(struct listing *l, const struct entry *e, bool first)
{
	const struct nse_diff_item *it = e->item;

	if (e->key.type == NFT_RULE) {
		const struct diff_chain *c = diff_rules_find(&l->rules, &e->key);

		if (first && c) {
			struct nft_texts *texts[] = { l->sides[0].texts,
						      l->sides[1].texts };

			diff_hunks(l->p, texts, c,
				   l->any && cmd_nft_block_cmp(&l->block, &e->key) == 0);
			l->any = false;
		}
		return;
	}
	if (it->change == NSE_CHANGED)
		print_changed(l, it);
	else
		print_one_sided(l, it->change == NSE_ADDED,
				it->change == NSE_ADDED ? it->b : it->a);
}

int diff_nft_print(const struct diff_print *p, struct nse_error *err)
{
	NSE_CLEANUP(release) struct listing l = { .p = p };
	NSE_FREE struct entry *entries = calloc(p->diff->n + 1, sizeof(*entries));
	size_t n = 0;
	int rc;

	if (!entries)
		return nse_error(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < p->diff->n; i++) {
		entries[n].item = &p->diff->items[i];
		n += item_key(p, entries[n].item, &entries[n].key);
	}
	if (n == 0)
		return 0;
	rc = prepare(&l, err);
	if (rc < 0)
		return rc;
	print_notes(&l);
	qsort(entries, n, sizeof(*entries), entry_cmp);
	for (size_t i = 0; i < n && !ferror(stdout); i++)
		if (!is_first_end(&entries[i].key) || !has_company(entries, n, i))
			print_entry(&l, &entries[i], is_first_rule(entries, i));
	return 0;
}
