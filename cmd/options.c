/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parser over the option tables. It reorders argv so that the operands
 * come to stand together, and hands -h and --list-options to the printer.
 */
#include "cmd/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/usage.h"
#include "lib/util/cleanup.h"

static const char *const colors[] = { "auto", "always", "never", NULL };

/* -h and --list-options are recognised by their help text's place here. */
const struct nse_opt nse_opts_common[] = {
	{ .letter = 'v',
	  .name = "verbose",
	  .kind = NSE_OPT_K_COUNT,
	  .offset = offsetof(struct cmd_common, verbose),
	  .help = "say more on stderr" },
	NSE_OPT_FLAG('q', "quiet", struct cmd_common, quiet, "say nothing but errors"),
	NSE_OPT_CHOICE('\0', "color", "WHEN", struct cmd_common, color, colors,
		       "colour the output: auto (default), always, never"),
	NSE_OPT_FLAG('\0', "no-pager", struct cmd_common, no_pager,
		     "print long output without a pager"),
	{ .letter = 'h',
	  .name = "help",
	  .kind = NSE_OPT_K_FLAG,
	  .help = "print this text and exit" },
	NSE_OPT_END
};

struct parser {
	const struct nse_usage *usage;
	const struct nse_opt_group *groups;
	struct nse_args *args;
	char **argv;
	int argc, at;
};

/* The table entry by long name (n bytes) or letter, and its group's base. */
static const struct nse_opt *lookup(const struct parser *p, const char *name, size_t n,
				    char letter, void **base)
{
	struct nse_opt_group common = { NULL, nse_opts_common, &p->args->common };
	const struct nse_opt_group *g = p->groups;

	for (bool last = false; !last; g++) {
		last = !g || !g->opts;
		if (last)
			g = &common;
		for (const struct nse_opt *o = g->opts; o->kind != NSE_OPT_K_END; o++) {
			bool hit = name ? strlen(o->name) == n &&
						   memcmp(o->name, name, n) == 0
					: o->letter && o->letter == letter;

			if (!hit)
				continue;
			*base = g->base;
			return o;
		}
	}
	return NULL;
}

static int set_int(const struct nse_opt *o, void *to, const char *value,
		   struct nse_error *err)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(value, &end, 10);
	if (errno || end == value || *end || v < o->min || v > o->max)
		return nse_error(err, -EINVAL, "'%s' is not a number from %lld to %lld",
				 value, (long long)o->min, (long long)o->max);
	*(int64_t *)to = v;
	return 0;
}

static int set_choice(const struct nse_opt *o, void *to, const char *value,
		      struct nse_error *err)
{
	char list[256] = "";

	for (int i = 0; o->choices[i]; i++) {
		size_t len = strlen(list);

		if (strcmp(o->choices[i], value) == 0) {
			*(int *)to = i;
			return 0;
		}
		snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "",
			 o->choices[i]);
	}
	return nse_error(err, -EINVAL, "'%s' is none of %s", value, list);
}

static int set_list(void *to, const char *value, struct nse_error *err)
{
	struct nse_opt_list *list = to;

	if (list->n == NSE_ARRAY_SIZE(list->items))
		return nse_error(err, -EINVAL, "given more than %zu times", list->n);
	list->items[list->n++] = value;
	return 0;
}

static int store(const struct nse_opt *o, void *base, const char *value, bool negated,
		 struct nse_error *err)
{
	void *to = (char *)base + o->offset;

	switch (o->kind) {
	case NSE_OPT_K_FLAG:
		*(bool *)to = !negated;
		return 0;
	case NSE_OPT_K_COUNT:
		++*(int *)to;
		return 0;
	case NSE_OPT_K_STRING:
		*(const char **)to = value;
		return 0;
	case NSE_OPT_K_LIST:
		return set_list(to, value, err);
	case NSE_OPT_K_INT:
		return set_int(o, to, value, err);
	case NSE_OPT_K_CHOICE:
		return set_choice(o, to, value, err);
	case NSE_OPT_K_CALL:
		return o->call(base, value, err);
	case NSE_OPT_K_END:
		break;
	}
	return nse_error(err, -EINVAL, "cannot be used");
}

/* `shown` is the option as the user wrote it, for the error's text. */
static int take(struct parser *p, const struct nse_opt *o, void *base, const char *shown,
		const char *value, bool negated)
{
	struct nse_error err = { 0 };

	if (o->kind == NSE_OPT_K_FLAG && !o->offset && strcmp(o->name, "help") == 0) {
		nse_usage_print(p->usage, p->groups, stdout);
		return CMD_DONE;
	}
	if (o->arg && !value) {
		if (p->at + 1 >= p->argc)
			return cmd_usage_error(p->usage->name, "option %s needs a %s",
					       shown, o->arg);
		value = p->argv[++p->at];
	}
	if (store(o, base, value, negated, &err) < 0)
		return cmd_usage_error(p->usage->name, "option %s: %s", shown, err.text);
	return -1;
}

static int unknown(const struct parser *p, const char *shown)
{
	const char *near = nse_usage_nearest(p->groups, shown + 2);

	if (strncmp(shown, "--", 2) || !near)
		return cmd_usage_error(p->usage->name, "unknown option %s", shown);
	return cmd_usage_error(p->usage->name, "unknown option %s; did you mean --%s?",
			       shown, near);
}

static int take_long(struct parser *p, const char *word)
{
	const char *name = word + 2, *eq = strchr(name, '=');
	size_t n = eq ? (size_t)(eq - name) : strlen(name);
	const struct nse_opt *o;
	bool negated = false;
	char shown[128];
	void *base;

	snprintf(shown, sizeof(shown), "--%.*s", (int)(n > 100 ? 100 : n), name);
	if (strcmp(name, "list-options") == 0) {
		nse_usage_list(p->usage, p->groups, stdout);
		return CMD_DONE;
	}
	o = lookup(p, name, n, '\0', &base);
	if (!o && n > 3 && strncmp(name, "no-", 3) == 0) {
		o = lookup(p, name + 3, n - 3, '\0', &base);
		negated = true;
		if (o && !(o->flags & NSE_OPT_NEGATABLE))
			o = NULL;
	}
	if (!o)
		return unknown(p, shown);
	if (eq && !o->arg)
		return cmd_usage_error(p->usage->name, "option %s takes no value", shown);
	return take(p, o, base, shown, eq ? eq + 1 : NULL, negated);
}

/* A bundle of letters; the first one that takes a value takes the rest. */
static int take_letters(struct parser *p, const char *word)
{
	int status = -1;

	for (const char *c = word + 1; *c && status < 0; c++) {
		char shown[3] = { '-', *c, '\0' };
		const struct nse_opt *o;
		void *base;

		o = lookup(p, NULL, 0, *c, &base);
		if (!o)
			return unknown(p, shown);
		status = take(p, o, base, shown, o->arg && c[1] ? c + 1 : NULL, false);
		if (o->arg)
			break;
	}
	return status;
}

/* Moves the operands to the front of argv[1 …]. */
static int walk(struct parser *p)
{
	struct nse_args *a = p->args;
	int status;

	a->words = p->argv + 1;
	for (p->at = 1; p->at < p->argc; p->at++) {
		char *word = p->argv[p->at];

		if (strcmp(word, "--") == 0)
			break;
		if (word[0] != '-' || word[1] == '\0') {
			a->words[a->n++] = word;
			continue;
		}
		status = word[1] == '-' ? take_long(p, word) : take_letters(p, word);
		if (status >= 0)
			return status;
	}
	if (p->at < p->argc)
		p->at++;
	a->rest = p->argv + p->at;
	a->nrest = p->argc - p->at;
	if (!p->usage->rest) {
		memmove(a->words + a->n, a->rest, (size_t)a->nrest * sizeof(*a->rest));
		a->n += a->nrest;
		a->rest = p->argv + p->argc;
		a->nrest = 0;
	}
	a->words[a->n] = NULL;
	return -1;
}

/* The forms of the command are printed behind it. */
static int check_number(const struct nse_usage *usage, const struct nse_args *args)
{
	if (args->n < usage->min)
		return cmd_usage_error(usage->name, "%s%s",
				       args->n ? "an operand is missing behind "
					       : "operands are missing",
				       args->n ? args->words[args->n - 1] : "");
	if (usage->max >= 0 && args->n > usage->max)
		return cmd_usage_error(usage->name, "unexpected operand '%s'",
				       args->words[usage->max]);
	return -1;
}

int nse_opts_parse(const struct nse_usage *usage, const struct nse_opt_group *groups,
		   int argc, char **argv, struct nse_args *args)
{
	struct parser p = { usage, groups, args, argv, argc, 1 };
	int status;

	*args = (struct nse_args){ .n = 0 };
	status = walk(&p);
	if (status < 0)
		status = check_number(usage, args);
	if (status == CMD_USAGE)
		nse_usage_synopsis(usage, stderr);
	return status;
}
