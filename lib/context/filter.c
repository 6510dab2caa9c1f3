/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Filter expressions: a recursive descent into a tree of nodes, and its
 * evaluation on a record's JSON. What a value can mean (text, number, range,
 * address) is found out once, when it is parsed; what it does mean is decided
 * by the type of the field that it meets.
 */
#include "lib/context/filter.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/context/filter_value.h"
#include "lib/util/cleanup.h"

enum kind {
	COMPARE,
	AND,
	OR,
	NOT,
};

struct node {
	enum kind kind;
	struct node *left, *right; /* of AND and OR; NOT has left only */
	char *field;
	size_t at; /* where the field stands in the text */
	enum nse_filter_op op;
	bool contrary;			 /* no value may match */
	struct nse_filter_value *values; /* one of them has to match */
	size_t nvalues;
};

struct nse_filter {
	struct node *root;
	char *text;
};

/* Names for either end, in either direction. */
static const struct {
	const char *name;
	const char *const *fields;
} either[] = {
	{ "addr", (const char *const[]){ "src", "dst", "reply.src", "reply.dst", NULL } },
	{ "port",
	  (const char *const[]){ "sport", "dport", "reply.sport", "reply.dport", NULL } },
};

struct parser {
	const char *start, *p;
	unsigned int depth;
	struct nse_error *err;
};

static void node_free(struct node *n)
{
	/* A chain of "and" or "or" leans to the left and may be long. */
	while (n) {
		struct node *left = n->left;

		node_free(n->right);
		for (size_t i = 0; i < n->nvalues; i++)
			nse_filter_value_release(&n->values[i]);
		free(n->values);
		free(n->field);
		free(n);
		n = left;
	}
}

static void node_freep(struct node **n)
{
	node_free(*n);
}

void nse_filter_free(struct nse_filter *f)
{
	if (!f)
		return;
	node_free(f->root);
	free(f->text);
	free(f);
}

void nse_filter_freep(struct nse_filter **f)
{
	nse_filter_free(*f);
}

#define AROUND 60 /* bytes of the expression that are shown on each side */

/* Says what is wrong, and shows where by a caret below the expression. */
static int complain(const char *text, size_t at, const char *what, struct nse_error *err)
{
	size_t from = at > AROUND ? at - AROUND : 0, n = 0, pad = 0;
	char part[2 * AROUND + 1];

	for (const char *p = text + from; *p && n < 2 * AROUND; p++)
		part[n++] = iscntrl((unsigned char)*p) ? ' ' : *p;
	part[n] = '\0';
	/* A letter of several bytes is one column wide. */
	for (size_t i = from; i < at; i++)
		pad += (text[i] & 0xc0) != 0x80;
	return nse_error(err, -EINVAL, "filter, column %zu: %s\n%s\n%*s^", at + 1, what,
			 part, (int)pad, "");
}

static struct node *wrong(struct parser *ps, const char *what)
{
	complain(ps->start, (size_t)(ps->p - ps->start), what, ps->err);
	return NULL;
}

static struct node *no_memory(struct parser *ps)
{
	nse_error(ps->err, -ENOMEM, "filter: out of memory");
	return NULL;
}

static void skip_space(struct parser *ps)
{
	while (isspace((unsigned char)*ps->p))
		ps->p++;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

/* Takes the keyword, or the sign for it, if it stands here as a whole word. */
static bool keyword(struct parser *ps, const char *word, const char *sign)
{
	size_t n = strlen(word);

	skip_space(ps);
	if (sign && strncmp(ps->p, sign, strlen(sign)) == 0) {
		ps->p += strlen(sign);
		return true;
	}
	if (strncasecmp(ps->p, word, n) != 0 || is_name(ps->p[n]))
		return false;
	ps->p += n;
	return true;
}

static bool parse_op(struct parser *ps, struct node *n)
{
	static const struct {
		const char *text;
		enum nse_filter_op op;
		bool contrary;
	} ops[] = {
		{ "!=", NSE_FILTER_EQ, true },	{ "!~", NSE_FILTER_HAS, true },
		{ "<=", NSE_FILTER_LE, false }, { ">=", NSE_FILTER_GE, false },
		{ "==", NSE_FILTER_EQ, false }, { "=", NSE_FILTER_EQ, false },
		{ "<", NSE_FILTER_LT, false },	{ ">", NSE_FILTER_GT, false },
		{ "~", NSE_FILTER_HAS, false },
	};

	skip_space(ps);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(ops); i++) {
		size_t len = strlen(ops[i].text);

		if (strncmp(ps->p, ops[i].text, len) == 0) {
			ps->p += len;
			n->op = ops[i].op;
			n->contrary = ops[i].contrary;
			return true;
		}
	}
	return false;
}

/* Complaints about a value point at its first character. */
static const char *value_wrong(const struct node *n, const struct nse_filter_value *v)
{
	if (n->op >= NSE_FILTER_LT && n->op <= NSE_FILTER_GE &&
	    !nse_filter_value_is_one(v))
		return "'<', '<=', '>' and '>=' need one number";
	if (n->op == NSE_FILTER_EQ && nse_filter_value_is_misspelt(v))
		return "this is no address, prefix, number or range (quoted, it is a "
		       "text)";
	return NULL;
}

/* One value up to a blank, a comma or a parenthesis, or in quotes. */
static bool parse_value(struct parser *ps, struct node *n)
{
	char quote = *ps->p == '"' || *ps->p == '\'' ? *ps->p : '\0';
	const char *at = ps->p, *end, *why;
	struct nse_filter_value *v;

	v = reallocarray(n->values, n->nvalues + 1, sizeof(*v));
	if (!v)
		return no_memory(ps);
	n->values = v;
	v += n->nvalues;
	end = quote ? strchr(at + 1, quote) : at + strcspn(at, " \t\r\n(),");
	if (!end)
		return wrong(ps, "this quotation does not end");
	if (!quote && end == at)
		return wrong(ps, "a value is missing here");
	if (nse_filter_value_set(v, at + !!quote, (size_t)(end - at) - !!quote, quote))
		return no_memory(ps);
	n->nvalues++;
	why = value_wrong(n, v);
	if (why)
		return wrong(ps, why);
	ps->p = end + !!quote;
	return true;
}

/* VALUE { "," VALUE } */
static bool parse_values(struct parser *ps, struct node *n)
{
	do {
		skip_space(ps);
		if (!parse_value(ps, n))
			return false;
		if (*ps->p != ',')
			return true;
	} while (*ps->p++);
	return true;
}

/* Behind "in": a list in parentheses or without. */
static bool parse_in(struct parser *ps, struct node *n)
{
	n->op = NSE_FILTER_EQ;
	skip_space(ps);
	if (*ps->p != '(')
		return parse_values(ps, n);
	do {
		ps->p++;
		skip_space(ps);
		if (!parse_value(ps, n))
			return false;
		skip_space(ps);
	} while (*ps->p == ',');
	if (*ps->p != ')')
		return wrong(ps, "',' or ')' is expected here");
	ps->p++;
	return true;
}

static bool parse_test(struct parser *ps, struct node *n)
{
	n->contrary = keyword(ps, "not", NULL);
	if (keyword(ps, "in", NULL))
		return parse_in(ps, n);
	if (n->contrary)
		return wrong(ps, "'in' is expected here");
	if (!parse_op(ps, n))
		return wrong(ps, "one of = != < <= > >= ~ !~ or 'in' is expected here");
	return parse_values(ps, n);
}

static struct node *parse_comparison(struct parser *ps)
{
	NSE_CLEANUP(node_freep) struct node *n = calloc(1, sizeof(*n));
	const char *at = ps->p;

	if (!n)
		return no_memory(ps);
	if (keyword(ps, "and", "&&") || keyword(ps, "or", "||"))
		ps->p = at;
	else
		while (is_name(*ps->p))
			ps->p++;
	if (ps->p == at)
		return wrong(ps, *at ? "the name of a field is expected here"
				     : "the expression ends too early");
	n->at = (size_t)(at - ps->start);
	n->field = strndup(at, (size_t)(ps->p - at));
	if (!n->field)
		return no_memory(ps);
	return parse_test(ps, n) ? nse_take(n) : NULL;
}

static struct node *parse_or(struct parser *ps);

static struct node *parse_factor(struct parser *ps);

static struct node *parse_not(struct parser *ps)
{
	struct node *left = parse_factor(ps), *n;

	if (!left)
		return NULL;
	n = calloc(1, sizeof(*n));
	if (!n) {
		node_free(left);
		return no_memory(ps);
	}
	n->kind = NOT;
	n->left = left;
	return n;
}

static struct node *parse_parentheses(struct parser *ps)
{
	struct node *n = parse_or(ps);

	if (!n)
		return NULL;
	skip_space(ps);
	if (*ps->p == ')') {
		ps->p++;
		return n;
	}
	node_free(n);
	return wrong(ps, "'and', 'or' or ')' is expected here");
}

static struct node *parse_factor(struct parser *ps)
{
	struct node *n;

	if (ps->depth == NSE_FILTER_DEPTH)
		return wrong(ps, "nested too deep");
	ps->depth++;
	skip_space(ps);
	if (keyword(ps, "not", *ps->p == '!' ? "!" : NULL)) {
		n = parse_not(ps);
	} else if (*ps->p == '(') {
		ps->p++;
		n = parse_parentheses(ps);
	} else {
		n = parse_comparison(ps);
	}
	ps->depth--;
	return n;
}

/* One level of a left-leaning chain: part { word part }. */
static struct node *parse_chain(struct parser *ps, const char *word, const char *sign,
				enum kind kind, struct node *(*part)(struct parser *))
{
	NSE_CLEANUP(node_freep) struct node *left = part(ps);

	while (left && keyword(ps, word, sign)) {
		struct node *right = part(ps), *n;

		if (!right)
			return NULL;
		n = calloc(1, sizeof(*n));
		if (!n) {
			node_free(right);
			return no_memory(ps);
		}
		n->kind = kind;
		n->left = left;
		n->right = right;
		left = n;
	}
	return nse_take(left);
}

static struct node *parse_and(struct parser *ps)
{
	return parse_chain(ps, "and", "&&", AND, parse_factor);
}

static struct node *parse_or(struct parser *ps)
{
	return parse_chain(ps, "or", "||", OR, parse_and);
}

int nse_filter_parse(struct nse_filter **f, const char *text, struct nse_error *err)
{
	struct nse_error own = { 0 };
	struct parser ps = { .start = text, .p = text, .err = err ? err : &own };
	NSE_CLEANUP(nse_filter_freep) struct nse_filter *filter = NULL;

	if (strnlen(text, NSE_FILTER_MAX + 1) > NSE_FILTER_MAX)
		return nse_error(err, -EINVAL, "filter: longer than %d bytes",
				 NSE_FILTER_MAX);
	filter = calloc(1, sizeof(*filter));
	if (!filter)
		return nse_error(err, -ENOMEM, "filter: out of memory");
	filter->text = strdup(text);
	if (!filter->text)
		return nse_error(err, -ENOMEM, "filter: out of memory");
	filter->root = parse_or(&ps);
	if (!filter->root)
		return ps.err->code;
	skip_space(&ps);
	if (*ps.p) {
		wrong(&ps, "'and', 'or' or the end is expected here");
		return -EINVAL;
	}
	*f = nse_take(filter);
	return 0;
}

static int check_node(const struct nse_filter *f, const struct node *n,
		      nse_filter_known *known, void *arg, struct nse_error *err)
{
	char why[256];
	int rc = 0;

	if (n->kind != COMPARE) {
		/* Not deep: chains lean to the left, depth has its limit. */
		if (n->right)
			rc = check_node(f, n->right, known, arg, err);
		return rc < 0 ? rc : check_node(f, n->left, known, arg, err);
	}
	for (size_t i = 0; i < NSE_ARRAY_SIZE(either); i++)
		if (strcmp(n->field, either[i].name) == 0)
			return 0;
	if (known(arg, n->field, why, sizeof(why)))
		return 0;
	return complain(f->text, n->at, why, err);
}

int nse_filter_check(const struct nse_filter *f, nse_filter_known *known, void *arg,
		     struct nse_error *err)
{
	return check_node(f, f->root, known, arg, err);
}

static bool match_field(const struct node *n, const json_t *rec, const char *field)
{
	const json_t *v = nse_filter_field(rec, field);

	for (size_t i = 0; v && i < n->nvalues; i++)
		if (nse_filter_value_match(&n->values[i], v, n->op))
			return true;
	return false;
}

static bool compare(const struct node *n, const json_t *rec)
{
	for (size_t i = 0; i < NSE_ARRAY_SIZE(either); i++) {
		if (strcmp(n->field, either[i].name) != 0)
			continue;
		for (size_t k = 0; either[i].fields[k]; k++)
			if (match_field(n, rec, either[i].fields[k]))
				return true;
	}
	return match_field(n, rec, n->field);
}

static bool match(const struct node *n, const json_t *rec)
{
	switch (n->kind) {
	case AND:
		return match(n->left, rec) && match(n->right, rec);
	case OR:
		return match(n->left, rec) || match(n->right, rec);
	case NOT:
		return !match(n->left, rec);
	default:
		return compare(n, rec) != n->contrary;
	}
}

bool nse_filter_match(const struct nse_filter *f, const json_t *rec)
{
	return match(f->root, rec);
}
