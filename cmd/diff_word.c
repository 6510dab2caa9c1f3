/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words of both lines get numbers, equal ones the same, and the longest
 * common subsequence is what stays.
 */
#include "cmd/diff_word.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/output.h"
#include "lib/util/cleanup.h"
#include "lib/util/lcs.h"

#define SPACE " \t\n"
#define MARKS ",;" /* words by themselves */

struct word {
	const char *at; /* into the line */
	size_t n;
	uint32_t class;
};

struct line {
	struct word *words; /* owned */
	uint8_t *keep;	    /* owned: is in both lines */
	size_t n;
};

struct lines {
	struct line a, b;
};

static void release(struct lines *l)
{
	free(l->a.words);
	free(l->a.keep);
	free(l->b.words);
	free(l->b.keep);
}

static int cut(struct line *l, const char *text)
{
	size_t room = strlen(text) + 1;

	l->words = calloc(room, sizeof(*l->words));
	l->keep = calloc(room, 1);
	if (!l->words || !l->keep)
		return -ENOMEM;
	for (text += strspn(text, SPACE); *text; text += strspn(text, SPACE)) {
		size_t n = strcspn(text, SPACE MARKS);

		n = n ? n : 1;

		l->words[l->n++] = (struct word){ text, n, 0 };
		text += n;
	}
	return 0;
}

static int by_text(const void *p, const void *q)
{
	const struct word *a = *(struct word *const *)p, *b = *(struct word *const *)q;
	int c = memcmp(a->at, b->at, a->n < b->n ? a->n : b->n);

	return c ? c : (a->n > b->n) - (a->n < b->n);
}

/* Numbers all words; how many numbers there are, or -ENOMEM. */
static int number(struct lines *l)
{
	size_t n = l->a.n + l->b.n;
	NSE_FREE struct word **all = calloc(n + 1, sizeof(*all));
	uint32_t class = 0;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		all[i] = i < l->a.n ? &l->a.words[i] : &l->b.words[i - l->a.n];
	qsort(all, n, sizeof(*all), by_text);
	for (size_t i = 0; i < n; i++) {
		class += i && by_text(&all[i - 1], &all[i]) != 0;
		all[i]->class = class;
	}
	return (int)class + 1;
}

static int compare(const char *a, const char *b, struct lines *l)
{
	NSE_FREE uint32_t *classes = NULL;
	int rc = cut(&l->a, a) ?: cut(&l->b, b), count;

	if (rc < 0)
		return rc;
	count = number(l);
	classes = calloc(l->a.n + l->b.n + 1, sizeof(*classes));
	if (count < 0 || !classes)
		return -ENOMEM;
	for (size_t i = 0; i < l->a.n; i++)
		classes[i] = l->a.words[i].class;
	for (size_t i = 0; i < l->b.n; i++)
		classes[l->a.n + i] = l->b.words[i].class;
	return nse_lcs(classes, l->a.n, classes + l->a.n, l->b.n, (uint32_t)count,
		       l->a.keep, l->b.keep);
}

/* The index behind the words from i on that only this line has. */
static size_t end_of_own(const struct line *l, size_t i)
{
	while (i < l->n && !l->keep[i])
		i++;
	return i;
}

static void print_text(FILE *to, const char *from, const char *end)
{
	fwrite(from, 1, (size_t)(end - from), to);
}

/* The white space ahead of a word. */
static void print_gap(FILE *to, const char *text, const struct line *l, size_t i)
{
	const struct word *w = &l->words[i];

	print_text(to, i ? w[-1].at + w[-1].n : text, w->at);
}

static void print_own(FILE *to, const struct line *l, size_t from, size_t end, bool added,
		      bool color)
{
	const struct word *last = &l->words[end - 1];

	fprintf(to, "%s%s", cmd_style(color, added ? CMD_GREEN : CMD_RED),
		added ? "{+" : "[-");
	print_text(to, l->words[from].at, last->at + last->n);
	fprintf(to, "%s%s", added ? "+}" : "-]", cmd_style(color, CMD_PLAIN));
}

int diff_word_print(FILE *to, const char *a, const char *b, bool color)
{
	NSE_CLEANUP(release) struct lines l = { .a = { .n = 0 } };
	size_t i = 0, j = 0;
	int rc = compare(a, b, &l);

	while (rc == 0 && (i < l.a.n || j < l.b.n)) {
		size_t end_a = end_of_own(&l.a, i), end_b = end_of_own(&l.b, j);

		if (end_a > i) {
			print_gap(to, a, &l.a, i);
			print_own(to, &l.a, i, end_a, false, color);
		}
		if (end_b > j) {
			if (end_a == i)
				print_gap(to, b, &l.b, j);
			print_own(to, &l.b, j, end_b, true, color);
		}
		if (end_b < l.b.n) {
			print_gap(to, b, &l.b, end_b);
			print_text(to, l.b.words[end_b].at,
				   l.b.words[end_b].at + l.b.words[end_b].n);
		}
		i = end_a + 1;
		j = end_b + 1;
	}
	return rc;
}

unsigned int diff_word_likeness(const char *a, const char *b)
{
	NSE_CLEANUP(release) struct lines l = { .a = { .n = 0 } };
	size_t same = 0;
	int rc = compare(a, b, &l);

	if (rc < 0 || l.a.n + l.b.n == 0)
		return 0;
	for (size_t i = 0; i < l.a.n; i++)
		same += l.a.keep[i];
	return (unsigned int)(200 * same / (l.a.n + l.b.n));
}
