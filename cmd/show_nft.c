/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nft records for people. The texts are those of the rendering; here they are
 * put in the order and the blocks of a listing. What is added stands behind
 * "#", as a comment for nft(8).
 */
#include "cmd/show_nft.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/nft_order.h"
#include "cmd/output.h"
#include "lib/engine/nft/object.h"
#include "lib/engine/nft/render.h"
#include "lib/engine/nft/rule_list.h"
#include "lib/util/cleanup.h"

struct item {
	struct nft_key key;
	uint32_t slot;
	uint32_t rank; /* of a rule, in its chain */
};

struct listing {
	const struct nse_context *ctx;
	const struct nft_texts *texts;
	const struct show_why *why;
	const uint32_t *numbers; /* by slot, or NULL */
	bool color;
	struct item *items; /* owned */
	size_t n;
	const struct item *table, *block; /* that are open */
	bool elements;			  /* so is the list of them */
	bool first;			  /* nothing is in the table yet */
};

static int bytes_cmp(struct nse_bytes a, struct nse_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int item_cmp(const void *p, const void *q)
{
	const struct item *a = p, *b = q;
	int c = cmd_nft_block_cmp(&a->key, &b->key);

	c = c ? c : cmd_nft_is_inside(&a->key) - cmd_nft_is_inside(&b->key);
	c = c ? c : (a->rank > b->rank) - (a->rank < b->rank);
	c = c ? c : bytes_cmp(a->key.bytes, b->key.bytes);
	return c ? c : a->key.kind - b->key.kind;
}

bool show_nft_is(const struct nse_record *rec)
{
	struct nft_key key;

	return cmd_nft_key(rec, &key);
}

/* Needed rules and own ones of a chain have one order together. */
static int rank_rules(const struct nse_context *ctx, uint32_t *ranks)
{
	NSE_CLEANUP(nft_rule_list_release) struct nft_rule_list l = { .n = 0 };
	int rc = nft_rule_list_make(&l, ctx);

	for (size_t i = 0; rc == 0 && i < l.n; i++)
		ranks[l.at[i]->slot] = (uint32_t)i;
	return rc;
}

static int collect(struct listing *l, const uint32_t *slots, size_t n)
{
	NSE_FREE uint32_t *ranks =
		calloc(nse_context_slots(l->ctx) + 1ul, sizeof(*ranks));
	struct nse_record rec;

	l->items = calloc(n + 1, sizeof(*l->items));
	if (!ranks || !l->items || rank_rules(l->ctx, ranks) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct item *it = &l->items[l->n];

		if (!nse_context_at(l->ctx, slots[i], &rec) ||
		    !cmd_nft_key(&rec, &it->key))
			continue;
		it->slot = slots[i];
		it->rank = it->key.type == NFT_RULE && nft_name_is_ours(it->key.name)
				   ? it->key.rule
				   : ranks[slots[i]];
		l->n++;
	}
	qsort(l->items, l->n, sizeof(*l->items), item_cmp);
	return 0;
}

/* Lines with tabs ahead of them; control characters of a file are no output. */
static void print_lines(const char *text, int depth, size_t n)
{
	size_t room = 4 * n + 8;
	NSE_FREE char *line = malloc(n + 1), *safe = malloc(room);

	while (line && safe && n) {
		const char *end = memchr(text, '\n', n);
		size_t len = end ? (size_t)(end - text) : n, tabs = 0;

		while (tabs < len && text[tabs] == '\t')
			tabs++;
		memcpy(line, text + tabs, len - tabs);
		line[len - tabs] = '\0';
		for (int i = 0; i < depth + (int)tabs; i++)
			putchar('\t');
		fputs(cmd_safe(line, safe, room), stdout);
		n -= len;
		if (!end)
			break;
		putchar('\n');
		text = end + 1;
		n--;
	}
}

static void print_text(const char *text, int depth)
{
	print_lines(text, depth, strlen(text));
}

/* "# needed …" or why it is in, behind a line; then the line's end. */
static void end_line(const struct listing *l, const struct item *it)
{
	const char *why = show_why_at(l->why, it->slot);
	bool told = why && strncmp(why, "part of ", 8) != 0;
	char safe[1024], number[16] = "";
	const char *remark = it->key.need ? "needed" : "";

	if (told)
		remark = cmd_safe(why, safe, sizeof(safe));
	if (l->numbers)
		snprintf(number, sizeof(number), " %u%s", l->numbers[it->slot],
			 *remark ? ":" : "");
	if (*remark || *number)
		printf("  %s#%s%s%s%s", cmd_style(l->color, CMD_DIM), number,
		       *remark ? " " : "", remark, cmd_style(l->color, CMD_PLAIN));
	putchar('\n');
}

static void end_elements(struct listing *l)
{
	if (l->elements)
		printf("\t\t}\n");
	l->elements = false;
}

static void end_block(struct listing *l)
{
	end_elements(l);
	if (l->block)
		printf("\t}\n");
	l->block = NULL;
}

static void end_table(struct listing *l)
{
	end_block(l);
	if (l->table)
		printf("}\n");
	l->table = NULL;
}

/* "chain web {": of a record that was not chosen its name must do. */
static void print_head(const struct listing *l, const struct item *it, bool chosen,
		       const char *noun, int depth)
{
	const struct nse_bytes *name = depth ? &it->key.name : &it->key.table;
	struct nft_text text = { NULL, NULL, false };
	char plain[NFT_NAME_MAX + 64];

	if (chosen)
		nft_text_at(l->texts, it->slot, &text);
	snprintf(plain, sizeof(plain), "%s %.*s", noun, (int)name->n,
		 (const char *)name->p);
	fputs(cmd_style(l->color, CMD_BOLD), stdout);
	print_text(text.head ? text.head : plain, depth);
	printf(" {%s", cmd_style(l->color, CMD_PLAIN));
	if (chosen)
		end_line(l, it);
	else
		putchar('\n');
	if (chosen && text.text && *text.text) {
		print_text(text.text, depth + 1);
		putchar('\n');
	} else if (chosen && !text.text) {
		printf("%.*s# what is in it cannot be shown: see --json\n", depth + 1,
		       "\t\t\t");
	}
}

static void open_table(struct listing *l, const struct item *it)
{
	char noun[32];

	end_table(l);
	snprintf(noun, sizeof(noun), "table %s", nft_family_name(it->key.family));
	print_head(l, it, it->key.type == NFT_TABLE, noun, 0);
	l->table = it;
	l->first = true;
}

static void open_block(struct listing *l, const struct item *it)
{
	static const char *const nouns[] = { "table", "object", "set", "flowtable",
					     "chain" };
	end_block(l);
	if (!l->first)
		putchar('\n');
	l->first = false;
	print_head(l, it, !cmd_nft_is_inside(&it->key), nouns[cmd_nft_group(&it->key)],
		   1);
	l->block = it;
}

static void print_element(struct listing *l, const struct item *it,
			  const struct nft_text *text)
{
	if (!l->elements)
		printf("\t\telements = {\n");
	l->elements = true;
	print_text(text->text, 3);
	putchar(',');
	end_line(l, it);
}

static void print_unknown(const struct item *it)
{
	char name[512];

	nft_key_text(&it->key, name, sizeof(name));
	printf("\t\t# %s cannot be shown: see --json\n", name);
}

static void print_item(struct listing *l, const struct item *it)
{
	struct nft_text text;
	bool shown = nft_text_at(l->texts, it->slot, &text);

	/* In the text of a rule, or of the interval that it ends. */
	if (!shown && (nft_name_is_ours(it->key.name) ||
		       (it->key.type == NFT_ELEMENT && it->key.kind == NFT_ELEMENT_END)))
		return;
	if (!l->table || cmd_nft_table_cmp(&l->table->key, &it->key) != 0)
		open_table(l, it);
	if (it->key.type == NFT_TABLE)
		return;
	if (!l->block || cmd_nft_block_cmp(&l->block->key, &it->key) != 0)
		open_block(l, it);
	if (!cmd_nft_is_inside(&it->key))
		return;
	if (!shown) {
		print_unknown(it);
	} else if (it->key.type == NFT_ELEMENT) {
		print_element(l, it, &text);
	} else {
		print_text(text.text, 2);
		end_line(l, it);
	}
}

/* What nft(8) said is passed on, and what the domain has to do without. */
static void print_notes(const struct listing *l)
{
	NSE_FREE char *notes = strdup(nft_texts_notes(l->texts));
	char safe[1024], *save = NULL;

	for (char *line = notes ? strtok_r(notes, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		printf("%s%s\n", *line == '#' ? "" : "# ",
		       cmd_safe(line, safe, sizeof(safe)));
	for (size_t i = 0; i < l->why->nstaying; i++)
		printf("# not in: %s\n",
		       cmd_safe(l->why->staying[i], safe, sizeof(safe)));
}

int show_nft_print(const struct nse_context *ctx, const uint32_t *slots, size_t n,
		   const struct show_why *why, const uint32_t *numbers, bool color,
		   struct nse_error *err)
{
	NSE_FREE uint8_t *wanted = calloc(nse_context_slots(ctx) + 1ul, 1);
	NSE_CLEANUP(nft_texts_freep) struct nft_texts *texts = NULL;
	struct listing l = { .ctx = ctx, .why = why, .numbers = numbers, .color = color };
	NSE_FREE struct item *items = NULL;
	int rc = collect(&l, slots, n);

	items = l.items;
	if (rc < 0 || !wanted)
		return nse_error(err, -ENOMEM, "out of memory");
	if (l.n == 0 && why->nstaying == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		wanted[slots[i]] = 1;
	rc = nft_render_some(ctx, wanted, 0, &texts, err);
	if (rc < 0)
		return rc;
	l.texts = texts;
	printf("\n%sRuleset%s\n", cmd_style(color, CMD_BOLD),
	       cmd_style(color, CMD_PLAIN));
	print_notes(&l);
	for (size_t i = 0; i < l.n; i++)
		print_item(&l, &l.items[i]);
	end_table(&l);
	return cmd_flush(err);
}
