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

#include "lib/util/addr.h"
#include "lib/util/cleanup.h"

enum op {
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_HAS,
	OP_AND,
	OP_OR,
	OP_NOT,
};

struct node {
	enum op op;
	struct node *left, *right; /* of AND and OR; NOT has left only */
	char *field;
	char *text;
	bool is_number, is_addr;
	double from, to; /* a number is a range of one */
	struct nse_addr addr;
};

struct nse_filter {
	struct node *root;
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
		free(n->field);
		free(n->text);
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
	free(f);
}

void nse_filter_freep(struct nse_filter **f)
{
	nse_filter_free(*f);
}

static struct node *wrong(struct parser *ps, const char *what)
{
	nse_error(ps->err, -EINVAL, "filter, column %d: %s", (int)(ps->p - ps->start) + 1,
		  what);
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

/* Takes the keyword if it stands here as a whole word. */
static bool keyword(struct parser *ps, const char *word)
{
	size_t n = strlen(word);

	skip_space(ps);
	if (strncmp(ps->p, word, n) != 0 || is_name(ps->p[n]))
		return false;
	ps->p += n;
	return true;
}

static bool parse_op(struct parser *ps, enum op *op)
{
	static const struct {
		const char *text;
		enum op op;
	} ops[] = {
		{ "!=", OP_NE }, { "<=", OP_LE }, { ">=", OP_GE }, { "=", OP_EQ },
		{ "<", OP_LT },	 { ">", OP_GT },  { "~", OP_HAS },
	};

	skip_space(ps);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(ops); i++) {
		size_t n = strlen(ops[i].text);

		if (strncmp(ps->p, ops[i].text, n) == 0) {
			ps->p += n;
			*op = ops[i].op;
			return true;
		}
	}
	return false;
}

/* Reads a number up to end (decimal, or hexadecimal with 0x). */
static const char *number(const char *p, double *v)
{
	char *end;

	if (!isdigit((unsigned char)*p))
		return NULL;
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		if (!isxdigit((unsigned char)p[2]))
			return NULL;
		*v = (double)strtoull(p, &end, 16);
		return end;
	}
	*v = (double)strtoull(p, &end, 10);
	return end;
}

/* Finds out what the value's text can mean. */
static void understand(struct node *n)
{
	const char *end = number(n->text, &n->from);
	struct nse_error unused;

	n->to = n->from;
	if (end && *end == '-')
		end = number(end + 1, &n->to);
	n->is_number = end && !*end && n->from <= n->to;
	if (!n->is_number)
		n->is_addr = nse_addr_parse(n->text, &n->addr, &unused) == 0;
}

static char *value_text(struct parser *ps)
{
	char quote = *ps->p;
	size_t n;
	char *text;

	if (quote != '"' && quote != '\'') {
		n = strcspn(ps->p, " \t\r\n()");
		text = strndup(ps->p, n);
		ps->p += n;
		return text;
	}
	n = strcspn(ps->p + 1, quote == '"' ? "\"" : "'");
	text = strndup(ps->p + 1, n);
	ps->p += n + 1;
	if (*ps->p == quote)
		ps->p++;
	return text;
}

/* Complaints about a value point at its first character. */
static const char *value_wrong(const char *at, const struct node *n)
{
	char quote = *at;

	if (!*at || *at == '(' || *at == ')' || isspace((unsigned char)*at))
		return "a value is missing behind the operator";
	if ((quote == '"' || quote == '\'') && !strchr(at + 1, quote))
		return "this quotation does not end";
	if (n->op >= OP_LT && n->op <= OP_GE && !(n->is_number && n->from == n->to))
		return "'<', '<=', '>' and '>=' need one number";
	return NULL;
}

static struct node *parse_comparison(struct parser *ps)
{
	NSE_CLEANUP(node_freep) struct node *n = calloc(1, sizeof(*n));
	const char *at = ps->p, *why;

	if (!n)
		return no_memory(ps);
	if (keyword(ps, "and") || keyword(ps, "or"))
		ps->p = at;
	else
		while (is_name(*ps->p))
			ps->p++;
	if (ps->p == at)
		return wrong(ps, *at ? "the name of a field is expected here"
				     : "the expression ends too early");
	n->field = strndup(at, (size_t)(ps->p - at));
	if (!n->field)
		return no_memory(ps);
	if (!parse_op(ps, &n->op))
		return wrong(ps, "one of = != < <= > >= ~ is expected here");
	skip_space(ps);
	at = ps->p;
	n->text = value_text(ps);
	if (!n->text)
		return no_memory(ps);
	understand(n);
	why = value_wrong(at, n);
	if (why) {
		ps->p = at;
		return wrong(ps, why);
	}
	return nse_take(n);
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
	n->op = OP_NOT;
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
	if (keyword(ps, "not")) {
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
static struct node *parse_chain(struct parser *ps, const char *word, enum op op,
				struct node *(*part)(struct parser *))
{
	NSE_CLEANUP(node_freep) struct node *left = part(ps);

	while (left && keyword(ps, word)) {
		struct node *right = part(ps), *n;

		if (!right)
			return NULL;
		n = calloc(1, sizeof(*n));
		if (!n) {
			node_free(right);
			return no_memory(ps);
		}
		n->op = op;
		n->left = left;
		n->right = right;
		left = n;
	}
	return nse_take(left);
}

static struct node *parse_and(struct parser *ps)
{
	return parse_chain(ps, "and", OP_AND, parse_factor);
}

static struct node *parse_or(struct parser *ps)
{
	return parse_chain(ps, "or", OP_OR, parse_and);
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

/* Follows a dotted path down from an object. */
static const json_t *descend(const json_t *at, const char *path)
{
	while (at) {
		size_t n = strcspn(path, ".");
		char name[64];

		if (n >= sizeof(name))
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		at = json_object_get(at, name);
		if (!path[n])
			return at;
		path += n + 1;
	}
	return NULL;
}

/* An object is no value: "state" means body.state before the part of that name. */
static const json_t *find_field(const json_t *rec, const char *path)
{
	static const char *const parts[] = { "key", "body", "state" };
	const json_t *v;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(parts); i++) {
		v = descend(json_object_get(rec, parts[i]), path);
		if (v && !json_is_object(v))
			return v;
	}
	return descend(rec, path);
}

static bool equal_text(const struct node *n, const char *text)
{
	struct nse_error unused;
	struct nse_addr a;

	if (n->is_addr && nse_addr_parse(text, &a, &unused) == 0)
		return a.prefix >= n->addr.prefix &&
		       nse_addr_covers(&n->addr, a.family, a.bytes);
	return strcasecmp(text, n->text) == 0;
}

static bool order(enum op op, double v, double than)
{
	switch (op) {
	case OP_LT:
		return v < than;
	case OP_LE:
		return v <= than;
	case OP_GT:
		return v > than;
	case OP_GE:
		return v >= than;
	default:
		return false;
	}
}

static bool match_number(const struct node *n, double v, enum op op)
{
	if (!n->is_number)
		return false;
	if (op == OP_EQ)
		return v >= n->from && v <= n->to;
	return order(op, v, n->from);
}

/* op is never OP_NE here. */
static bool match_value(const struct node *n, const json_t *v, enum op op)
{
	if (json_is_array(v)) {
		for (size_t i = 0; i < json_array_size(v); i++) {
			const json_t *item = json_array_get(v, i);

			if (!json_is_array(item) && match_value(n, item, op))
				return true;
		}
		return false;
	}
	if (json_is_number(v))
		return match_number(n, json_number_value(v), op);
	if (json_is_boolean(v))
		return op == OP_EQ &&
		       !strcmp(n->text, json_is_true(v) ? "true" : "false");
	if (!json_is_string(v))
		return false;
	if (op == OP_HAS)
		return strcasestr(json_string_value(v), n->text) != NULL;
	return op == OP_EQ && equal_text(n, json_string_value(v));
}

static bool match(const struct node *n, const json_t *rec)
{
	switch (n->op) {
	case OP_AND:
		return match(n->left, rec) && match(n->right, rec);
	case OP_OR:
		return match(n->left, rec) || match(n->right, rec);
	case OP_NOT:
		return !match(n->left, rec);
	case OP_NE:
		return !match_value(n, find_field(rec, n->field), OP_EQ);
	default:
		return match_value(n, find_field(rec, n->field), n->op);
	}
}

bool nse_filter_match(const struct nse_filter *f, const json_t *rec)
{
	return match(f->root, rec);
}
