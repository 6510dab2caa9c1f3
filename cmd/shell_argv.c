/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the words of a command become before it is run: the current context takes
 * the place of what was left out.
 */
#include "cmd/shell_context.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/source.h"
#include "cmd/source_remote.h"
#include "lib/context/filter.h"
#include "lib/util/cleanup.h"

int shell_argv_add(struct shell_argv *a, const char *word)
{
	char **v = realloc(a->v, (a->n + 2) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	a->v = v;
	v[a->n] = strdup(word);
	v[a->n + 1] = NULL;
	return v[a->n] ? (a->n++, 0) : -ENOMEM;
}

void shell_argv_release(struct shell_argv *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
	*a = (struct shell_argv){ NULL, 0 };
}

/* What the words of a command have in them. */
struct said {
	size_t operands;
	bool all;	    /* --all: this host, whatever is open */
	bool scope;	    /* another option that chooses */
	bool plain;	    /* other columns, or numbers that explain would not know */
	const char *filter; /* the value of the last --filter */
};

static bool is_filter(const struct shell_arg *a)
{
	return a->opt && strcmp(a->opt->name, "--filter") == 0;
}

static void look(const struct shell_takes *t, char *const *v, size_t n, struct said *said)
{
	static const char *const choosing[] = { "--addr",  "--vif",   "--zone",
						"--table", "--chain", "--all" };
	static const char *const forms[] = { "--json", "--porcelain", "--columns",
					     "--engine" };
	struct shell_arg a;

	*said = (struct said){ .operands = 0 };
	for (size_t at = 1; shell_takes_next(t, v, n, at, &a); at = a.next) {
		said->operands += a.operand;
		if (!a.opt)
			continue;
		if (is_filter(&a))
			said->filter = a.value;
		for (size_t i = 0; i < NSE_ARRAY_SIZE(choosing); i++)
			said->scope |= strcmp(a.opt->name, choosing[i]) == 0;
		for (size_t i = 0; i < NSE_ARRAY_SIZE(forms); i++)
			said->plain |= strcmp(a.opt->name, forms[i]) == 0;
		said->all |= strcmp(a.opt->name, "--all") == 0;
	}
}

/*
 * The shell's filter, or both: (ITS OWN) and (THE COMMAND'S). One that cannot be
 * read is left for the command to complain about.
 */
static int add_filter(const struct shell_context *c, const char *own,
		      struct shell_argv *out)
{
	NSE_CLEANUP(nse_filter_freep) struct nse_filter *f = NULL;
	NSE_FREE char *both = NULL;
	struct nse_error unused = { 0 };

	if (!own)
		return shell_argv_add(out, "--filter") ?: shell_argv_add(out, c->filter);
	if (nse_filter_parse(&f, own, &unused) < 0)
		return shell_argv_add(out, "--filter") ?: shell_argv_add(out, own);
	if (asprintf(&both, "(%s) and (%s)", c->filter, own) < 0) {
		both = NULL;
		return -ENOMEM;
	}
	return shell_argv_add(out, "--filter") ?: shell_argv_add(out, both);
}

/* The command's words but its name and --filter; % is the context's file. */
static int add_words(const struct shell_context *c, const struct shell_takes *t,
		     char *const *v, size_t n, bool filtered, struct shell_argv *out)
{
	struct shell_arg a = { .next = 1 };
	size_t done = 1;
	int rc = 0;

	while (rc == 0 && shell_takes_next(t, v, n, a.next, &a)) {
		bool drop = filtered && is_filter(&a);

		/* From a "--" that was skipped up to what follows. */
		for (; rc == 0 && done < a.next; done++) {
			bool ours = done == a.at && a.operand && c->file &&
				    strcmp(v[done], "%") == 0;

			if (!drop || done < a.at)
				rc = shell_argv_add(out, ours ? c->file : v[done]);
		}
	}
	for (; rc == 0 && done < n; done++)
		rc = shell_argv_add(out, v[done]);
	return rc;
}

/* The context's options again, for the live side of a diff. */
static int add_scope(const struct shell_context *c, const struct shell_takes *t,
		     struct shell_argv *out)
{
	struct shell_arg a = { .next = 1 };
	int rc = 0;

	while (rc == 0 && shell_takes_next(t, c->opened, c->nopened, a.next, &a))
		for (size_t i = a.at; rc == 0 && !a.operand && i < a.next; i++)
			rc = shell_argv_add(out, c->opened[i]);
	return rc;
}

/* A word that stands for a live domain in a diff: @DOMAIN, HOST:DOMAIN is one already. */
static int add_side(struct shell_argv *out, const char *word)
{
	NSE_FREE char *live = NULL;

	if (word[0] == '@' || cmd_is_file(word) || cmd_remote_is(word))
		return shell_argv_add(out, word);
	if (asprintf(&live, "@%s", word) < 0) {
		live = NULL;
		return -ENOMEM;
	}
	return shell_argv_add(out, live);
}

/* The context's file is the shell's own: it is called by what the user opened. */
static int add_label(const struct shell_context *c, const char *word,
		     struct shell_argv *out)
{
	bool ours = c->file && strcmp(word, "%") == 0;

	return shell_argv_add(out, "--label")
		       ?: shell_argv_add(out, !ours	  ? word
					      : c->source ? c->source
							  : c->name);
}

/*
 * diff: the context against what it was taken from, or against the one operand. A
 * live domain is written @DOMAIN there; here it may be without.
 */
static int diff_words(const struct shell_context *c, const struct shell_takes *t,
		      char *const *v, size_t n, const struct said *said,
		      struct shell_argv *out)
{
	struct shell_arg a = { .next = 1 };
	const char *other = c->source ? c->source : "@";
	bool filtered = c->filter && shell_takes_option(t, "--filter");
	int rc = shell_argv_add(out, v[0]) ?: add_label(c, "%", out);

	if (filtered)
		rc = rc ?: add_filter(c, said->filter, out);
	if (!said->operands && !said->scope)
		rc = rc ?: add_scope(c, t, out);
	while (rc == 0 && shell_takes_next(t, v, n, a.next, &a)) {
		bool drop = a.operand || (filtered && is_filter(&a));

		if (a.operand)
			other = v[a.at];
		for (size_t i = a.at; rc == 0 && !drop && i < a.next; i++)
			rc = shell_argv_add(out, v[i]);
	}
	return rc ?: shell_argv_add(out, c->file) ?: add_side(out, other);
}

/* The names of both sides, where one of them is the context. */
static int add_labels(const struct shell_context *c, const struct shell_takes *t,
		      char *const *v, size_t n, struct shell_argv *out)
{
	struct shell_arg a = { .next = 1 };
	const char *sides[2];
	size_t k = 0;

	while (k < 2 && shell_takes_next(t, v, n, a.next, &a))
		if (a.operand)
			sides[k++] = v[a.at];
	if (k < 2 || (strcmp(sides[0], "%") && strcmp(sides[1], "%")))
		return 0;
	return add_label(c, sides[0], out) ?: add_label(c, sides[1], out);
}

/* Reasons are those of this host: not of a file, nor of a HOST:DOMAIN. */
static bool is_live_here(const struct shell_context *c)
{
	return !c->source || !(shell_context_is_file(c) || cmd_remote_is(c->source));
}

/* about: the context is what the command is about. */
static int insert_words(const struct shell_context *c, const struct shell_takes *t,
			char *const *v, size_t n, const struct said *said, bool about,
			struct shell_argv *out)
{
	bool explain = about && strcmp(v[0], "explain") == 0;
	bool filtered = about && !explain && c->filter;
	int rc = shell_argv_add(out, v[0]);

	if (filtered)
		rc = rc ?: add_filter(c, said->filter, out);
	if (about && !explain && !said->scope && !said->plain)
		rc = rc ?: shell_argv_add(out, "--number");
	if (explain && is_live_here(c))
		rc = rc ?: shell_argv_add(out, "--why");
	if (strcmp(v[0], "diff") == 0)
		rc = rc ?: add_labels(c, t, v, n, out);
	if (about)
		rc = rc ?: shell_argv_add(out, c->file);
	return rc ?: add_words(c, t, v, n, filtered, out);
}

int shell_context_words(const struct shell_context *c, const struct shell_takes *takes,
			char *const *v, size_t n, struct shell_argv *out,
			struct nse_error *err)
{
	bool show = strcmp(v[0], "show") == 0, explain = strcmp(v[0], "explain") == 0;
	bool diff = strcmp(v[0], "diff") == 0, about = false;
	struct said said;
	int rc = 0;

	look(takes, v, n, &said);
	about = (show && !said.operands && !said.all) || explain ||
		(diff && said.operands < 2);
	if (about && !c->file && !(show && said.scope) &&
	    said.operands < (diff || explain ? 2 : 1))
		return nse_error(err, -EINVAL,
				 "%s: no context is open: 'open FILE' or 'open DOMAIN'",
				 v[0]);
	if (diff && about)
		rc = diff_words(c, takes, v, n, &said, out);
	else
		rc = insert_words(c, takes, v, n, &said, about && c->file, out);
	return rc < 0 ? nse_error(err, rc, "out of memory") : 0;
}
