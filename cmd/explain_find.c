/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which records are meant.
 */
#include "cmd/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/record.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

/* One way to ask: a filter, or words. */
struct wanted {
	const struct nse_filter *filter;
	const char *words;
};

/* Does the text have it as a whole word? */
static bool has_word(const char *text, const char *word, size_t n)
{
	for (const char *p = text; (p = strstr(p, word)); p++) {
		bool begins = p == text || p[-1] == ' ' || p[-1] == '=';

		if (begins && (!p[n] || p[n] == ' '))
			return true;
	}
	return false;
}

/* The record's name, and the tuple that answers: its words in any order. */
static bool match_words(const char *words, const json_t *rec)
{
	const json_t *reply = cmd_field(rec, "reply");
	char name[CMD_TEXT], a[CMD_TEXT], b[CMD_TEXT], word[256];
	NSE_FREE char *all = NULL;

	cmd_record_name(rec, name);
	cmd_endpoint(reply, "src", "sport", a);
	cmd_endpoint(reply, "dst", "dport", b);
	if (asprintf(&all, "%s %s %s", name, a, b) < 0) {
		all = NULL;
		return false;
	}
	while (*words) {
		size_t n;

		words += strspn(words, " ,");
		n = strcspn(words, " ,");
		if (n >= sizeof(word))
			return false;
		snprintf(word, sizeof(word), "%.*s", (int)n, words);
		if (n && strcmp(word, "->") && !has_word(all, word, n))
			return false;
		words += n;
	}
	return true;
}

static bool is_wanted(const struct wanted *w, const json_t *rec)
{
	return w->filter ? nse_filter_match(w->filter, rec) : match_words(w->words, rec);
}

static int look(const struct nse_context *ctx, const uint32_t *sorted, size_t n,
		const struct wanted *w, size_t *found)
{
	struct nse_record rec;
	int hits = 0;

	for (size_t i = 0; i < n; i++) {
		json_t *json = nse_context_at(ctx, sorted[i], &rec)
				       ? nse_record_to_json(&rec)
				       : NULL;

		if (json && is_wanted(w, json))
			found[hits++] = i;
		json_decref(json);
	}
	return hits;
}

static int by_number(const char *record, size_t n, size_t *found, struct nse_error *err)
{
	unsigned long long number;

	errno = 0;
	number = strtoull(record, NULL, 10);
	if (errno || number < 1 || number > n)
		return nse_error(err, -ENOENT,
				 "there is no record %s: the context has %zu of them, "
				 "as `show --number` counts them",
				 record, n);
	found[0] = (size_t)number - 1;
	return 1;
}

/* FIELD=VALUE one after the other, as conntrack(8) prints them. */
static bool is_list_of_pairs(const char *record)
{
	size_t words = 0, pairs = 0;

	while (*record) {
		size_t n = strcspn(record, " ");

		words += n > 0;
		pairs += memchr(record, '=', n) != NULL;
		record += n + strspn(record + n, " ");
	}
	return words > 1 && words == pairs;
}

static char *join_pairs(const char *record)
{
	char *out = malloc(5 * strlen(record) + 1), *to = out;

	while (out && *record) {
		size_t n = strcspn(record, " ");

		memcpy(to, record, n);
		to += n;
		record += n + strspn(record + n, " ");
		if (*record)
			to = stpcpy(to, " and ");
	}
	if (out)
		*to = '\0';
	return out;
}

/* A text with an operator in it can only be an expression. */
static int parse_filter(const char *record, struct nse_filter **filter,
			struct nse_error *err)
{
	NSE_FREE char *joined = is_list_of_pairs(record) ? join_pairs(record) : NULL;

	if (!strpbrk(record, "=<>~!"))
		return 0;
	return nse_filter_parse(filter, joined ? joined : record, err);
}

int explain_find(const struct nse_context *ctx, const uint32_t *sorted, size_t n,
		 const char *record, size_t **found, struct nse_error *err)
{
	NSE_CLEANUP(nse_filter_freep) struct nse_filter *filter = NULL;
	struct wanted w = { .words = record };
	int rc;

	*found = calloc(n + 1, sizeof(**found));
	if (!*found)
		return nse_error(err, -ENOMEM, "out of memory");
	if (record[strspn(record, "0123456789")] == '\0' && *record)
		return by_number(record, n, *found, err);
	rc = parse_filter(record, &filter, err);
	if (rc < 0)
		return rc;
	w.filter = filter;
	rc = look(ctx, sorted, n, &w, *found);
	if (rc == 0)
		return nse_error(
			err, -ENOENT,
			"no record of %zu is '%s': give a number of `show "
			"--number`, ends as ADDRESS:PORT, or a filter expression",
			n, record);
	return rc;
}
