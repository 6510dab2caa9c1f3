/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Takes the listing of nft(8) apart:
 *
 *	table FAMILY NAME {
 *		KEYWORD NAME {
 *			line …
 *			elements = { ELEMENT, ELEMENT,
 *				     ELEMENT }
 *		}
 *	}
 *
 * Tables, chains, sets and objects are found by their names, rules and elements
 * by the marks in their comments. A rule may have several lines; it ends with
 * its mark. What makes no sense is passed over: its records stay without text.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/render_private.h"
#include "lib/util/cleanup.h"

#define TEXT_MAX (16u << 20) /* of one record */

struct parser {
	struct nft_texts *t;
	char *rest;
	char mark[40]; /* what each mark begins with */
	struct nft_key table;
	struct nse_buf text; /* of the block or the rule that is being read */
};

/* The next line without its newline, or NULL. */
static char *next_line(struct parser *p)
{
	char *line = p->rest, *end;

	if (!*line)
		return NULL;
	end = strchr(line, '\n');
	p->rest = end ? end + 1 : line + strlen(line);
	if (end)
		*end = '\0';
	return line;
}

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* Cuts a tail off; false when the line ends otherwise. */
static bool cut(char *s, const char *tail)
{
	size_t n = strlen(s), m = strlen(tail);

	if (n < m || strcmp(s + n - m, tail) != 0)
		return false;
	s[n - m] = '\0';
	return true;
}

static int add_line(struct parser *p, const char *line)
{
	int rc = p->text.len ? nse_buf_put_u8(&p->text, '\n') : 0;

	return rc ?: nse_buf_put(&p->text, line, strlen(line));
}

/* The text of the buffer becomes the slot's, unless it is none. */
static int set_text(struct parser *p, uint32_t slot)
{
	if (slot == NSE_CONTEXT_NONE)
		return 0;
	return nft_texts_set(p->t, slot, (char *)p->text.data, p->text.len);
}

/* The slot of a key, be it carried or needed. */
static uint32_t find(struct parser *p, const struct nft_key *key)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	uint32_t slot = NSE_CONTEXT_NONE;
	struct nse_bytes bytes;

	if (nft_key_encode(key, &b) < 0)
		return slot;
	bytes = (struct nse_bytes){ b.data, b.len };
	slot = nse_context_find(p->t->ctx, &nft_kinds[key->type], bytes);
	if (slot == NSE_CONTEXT_NONE)
		slot = nse_context_find(p->t->ctx, &nft_need_kinds[key->type], bytes);
	return slot;
}

/*
 * Finds the last mark in a text, `from` it to its end with one space ahead of
 * it. The slot it names, or none.
 */
static uint32_t find_mark(struct parser *p, char *text, char **from, char **to)
{
	char *at = NULL, *end;
	unsigned long slot;

	for (char *s = text; (s = strstr(s, p->mark)); s++)
		at = s;
	if (!at)
		return NSE_CONTEXT_NONE;
	slot = strtoul(at + strlen(p->mark), &end, 10);
	if (*end != '"' || slot >= p->t->n)
		return NSE_CONTEXT_NONE;
	*from = at > text && at[-1] == ' ' ? at - 1 : at;
	*to = end + 1;
	return (uint32_t)slot;
}

/* Marks of elements that stand in a rule's text tell nothing there. */
static void drop_marks(struct parser *p, char *text)
{
	char *from, *to;

	while (find_mark(p, text, &from, &to) != NSE_CONTEXT_NONE)
		memmove(from, to, strlen(to) + 1);
}

/* Sets the text of a marked rule or element, with its own comment in it. */
static int set_marked(struct parser *p, char *text)
{
	struct nse_bytes comment = { NULL, 0 };
	NSE_FREE char *whole = NULL;
	struct nse_record rec;
	struct nft_key key;
	char *from, *to;
	uint32_t slot = find_mark(p, text, &from, &to);
	int n;

	if (slot == NSE_CONTEXT_NONE || !nse_context_at(p->t->ctx, slot, &rec) ||
	    nft_key_decode(&rec, &key, NULL) < 0)
		return 0;
	*from = '\0';
	drop_marks(p, text);
	comment = nft_comment(key.type, nft_body_attrs(key.type, rec.body));
	n = asprintf(&whole, "%s%s%.*s%s%s", text, comment.p ? " comment \"" : "",
		     (int)comment.n, comment.p ? (const char *)comment.p : "",
		     comment.p ? "\"" : "", to);
	if (n < 0) {
		whole = NULL;
		return -ENOMEM;
	}
	return nft_texts_set(p->t, slot, whole, (size_t)n);
}

/* One element: line breaks and the room behind them become a space. */
static int take_element(struct parser *p, char *from, char *to)
{
	char *out = from;

	*to = '\0';
	for (const char *s = from; *s; s++) {
		bool space = strchr(" \t\n", *s);

		if (!space)
			*out++ = *s;
		else if (out > from && out[-1] != ' ')
			*out++ = ' ';
	}
	*out = '\0';
	cut(from, " ");
	return set_marked(p, from);
}

/* The list behind "elements = {", to its closing brace; commas part it. */
static int parse_elements(struct parser *p, char *from)
{
	bool quoted = false;
	char *s = from;
	int rc = 0;

	for (; *s && rc == 0; s++) {
		if (*s == '"')
			quoted = !quoted;
		if (quoted || (*s != ',' && *s != '}'))
			continue;
		if (*s == '}')
			break;
		rc = take_element(p, from, s);
		from = s + 1;
	}
	if (rc == 0 && *s == '}') {
		rc = take_element(p, from, s);
		s++;
	}
	p->rest = s;
	next_line(p);
	return rc;
}

/* Lines to the end of the block; elements on the way. */
static int parse_lines(struct parser *p, uint32_t slot)
{
	static const char elements[] = "\t\telements = {";
	char *line;
	int rc = 0;

	nse_buf_reset(&p->text);
	while (rc == 0) {
		if (begins(p->rest, elements)) {
			rc = parse_elements(p, p->rest + strlen(elements));
			continue;
		}
		line = next_line(p);
		if (!line || strcmp(line, "\t}") == 0)
			break;
		rc = add_line(p, begins(line, "\t\t") ? line + 2 : line);
	}
	return rc ?: set_text(p, slot);
}

/* A chain: what it is, and its rules, each to its mark. */
static int parse_chain(struct parser *p, uint32_t slot)
{
	char *line, *from, *to;
	bool ahead = true;
	int rc = 0;

	nse_buf_reset(&p->text);
	while (rc == 0 && (line = next_line(p))) {
		if (ahead && begins(line, "\t\ttype ") && cut(line, ";")) {
			rc = add_line(p, line + 2) ?: nse_buf_put(&p->text, ";", 1);
			continue;
		}
		if (ahead) {
			rc = set_text(p, slot);
			nse_buf_reset(&p->text);
			ahead = false;
		}
		if (p->text.len == 0 && strcmp(line, "\t}") == 0)
			break;
		rc = rc ?: add_line(p, begins(line, "\t\t") ? line + 2 : line);
		if (find_mark(p, line, &from, &to) == NSE_CONTEXT_NONE || *to)
			continue;
		rc = rc ?: nse_buf_put_u8(&p->text, '\0')
			   ?: set_marked(p, (char *)p->text.data);
		nse_buf_reset(&p->text);
	}
	return rc;
}

/* What the words in front of a block's name stand for. */
static const struct keyword {
	const char *word;
	enum nft_type type;
	uint32_t objtype;
} keywords[] = {
	{ "chain", NFT_CHAIN, 0 },
	{ "set", NFT_SET, 0 },
	{ "map", NFT_SET, 0 },
	{ "meter", NFT_SET, 0 },
	{ "flowtable", NFT_FLOWTABLE, 0 },
	{ "counter", NFT_OBJECT, NFT_OBJECT_COUNTER },
	{ "quota", NFT_OBJECT, NFT_OBJECT_QUOTA },
	{ "limit", NFT_OBJECT, NFT_OBJECT_LIMIT },
	{ "ct helper", NFT_OBJECT, NFT_OBJECT_CT_HELPER },
	{ "ct timeout", NFT_OBJECT, NFT_OBJECT_CT_TIMEOUT },
	{ "ct expectation", NFT_OBJECT, NFT_OBJECT_CT_EXPECT },
	{ "secmark", NFT_OBJECT, NFT_OBJECT_SECMARK },
	{ "synproxy", NFT_OBJECT, NFT_OBJECT_SYNPROXY },
	{ "connlimit", NFT_OBJECT, NFT_OBJECT_CONNLIMIT },
	{ "tunnel", NFT_OBJECT, NFT_OBJECT_TUNNEL },
};

static int parse_block(struct parser *p, char *head)
{
	const struct keyword *k = keywords, *end = k + NSE_ARRAY_SIZE(keywords);
	char *name = strrchr(head, ' ');
	struct nft_key key = p->table;
	uint32_t slot = NSE_CONTEXT_NONE;
	int rc = 0;

	while (name && k < end &&
	       (strlen(k->word) != (size_t)(name - head) || !begins(head, k->word)))
		k++;
	if (name && k < end) {
		key.type = k->type;
		key.objtype = k->objtype;
		key.name = nft_str(name + 1);
		slot = find(p, &key);
	}
	if (slot != NSE_CONTEXT_NONE)
		rc = nft_texts_set_head(p->t, slot, head, strlen(head));
	if (rc < 0)
		return rc;
	return key.type == NFT_CHAIN ? parse_chain(p, slot) : parse_lines(p, slot);
}

/* "table FAMILY NAME"; what stands in no block is the table's own. */
static int parse_table(struct parser *p, const char *head)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf own = NSE_BUF_INIT(TEXT_MAX);
	const char *family = head + strlen("table "), *name = strchr(family, ' ');
	int nfproto = name ? nft_family_parse(family, (size_t)(name - family)) : -1;
	uint32_t slot = NSE_CONTEXT_NONE;
	char *line;
	int rc = 0;

	p->table = (struct nft_key){ .type = NFT_TABLE };
	if (nfproto >= 0) {
		p->table.family = (uint8_t)nfproto;
		p->table.table = nft_str(name + 1);
		slot = find(p, &p->table);
	}
	if (slot != NSE_CONTEXT_NONE)
		rc = nft_texts_set_head(p->t, slot, head, strlen(head));
	while (rc == 0 && (line = next_line(p)) && strcmp(line, "}") != 0) {
		if (!begins(line, "\t"))
			continue;
		if (cut(line, " {"))
			rc = parse_block(p, line + 1);
		else
			rc = (own.len ? nse_buf_put_u8(&own, '\n') : 0)
				     ?: nse_buf_put(&own, line + 1, strlen(line + 1));
	}
	if (rc == 0 && slot != NSE_CONTEXT_NONE)
		rc = nft_texts_set(p->t, slot, (char *)own.data, own.len);
	return rc;
}

int nft_parse_listing(struct nft_texts *t, uint64_t nonce, char *listing)
{
	struct parser p = { .t = t, .rest = listing, .text = NSE_BUF_INIT(TEXT_MAX) };
	char *line;
	int rc = 0;

	snprintf(p.mark, sizeof(p.mark), "comment \"nsemig-%016llx-",
		 (unsigned long long)nonce);
	while (rc == 0 && (line = next_line(&p))) {
		if (begins(line, "table ") && cut(line, " {"))
			rc = parse_table(&p, line);
		else if (*line)
			nft_texts_note(t, line, strlen(line));
	}
	nse_buf_release(&p.text);
	return rc;
}
