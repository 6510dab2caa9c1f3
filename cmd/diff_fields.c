/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Both records are gone through together, as deep as they are alike: what is
 * told is the smallest thing that differs.
 */
#include "cmd/diff_fields.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util/cleanup.h"

#define MAX_DEPTH 16
#define MAX_NAME  512

struct walk {
	const char *part;
	diff_field_fn *each;
	void *arg;
};

static int walk(const struct walk *w, const char *name, int depth, const json_t *a,
		const json_t *b);

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t add_names(const json_t *object, const json_t *unless_in, const char **names)
{
	json_t *o = (json_t *)object;
	size_t n = 0;

	for (void *at = json_object_iter(o); at; at = json_object_iter_next(o, at))
		if (!unless_in || !json_object_get(unless_in, json_object_iter_key(at)))
			names[n++] = json_object_iter_key(at);
	return n;
}

static int walk_members(const struct walk *w, const char *name, int depth,
			const json_t *a, const json_t *b)
{
	NSE_FREE const char **names = NULL;
	char deeper[MAX_NAME];
	size_t n;
	int rc = 0;

	names = calloc(json_object_size(a) + json_object_size(b) + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	n = add_names(a, NULL, names);
	n += add_names(b, a, names + n);
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n && rc == 0; i++) {
		snprintf(deeper, sizeof(deeper), "%s%s%s", name, *name ? "." : "",
			 names[i]);
		rc = walk(w, deeper, depth + 1, json_object_get(a, names[i]),
			  json_object_get(b, names[i]));
	}
	return rc;
}

static int walk_list(const struct walk *w, const char *name, int depth, const json_t *a,
		     const json_t *b)
{
	char deeper[MAX_NAME];
	int rc = 0;

	for (size_t i = 0; i < json_array_size(a) && rc == 0; i++) {
		snprintf(deeper, sizeof(deeper), "%s[%zu]", name, i);
		rc = walk(w, deeper, depth + 1, json_array_get(a, i),
			  json_array_get(b, i));
	}
	return rc;
}

/* A list of objects with as many of them on either side? */
static bool are_lists(const json_t *a, const json_t *b)
{
	return json_is_array(a) && json_is_array(b) && json_array_size(a) > 0 &&
	       json_array_size(a) == json_array_size(b) &&
	       json_is_object(json_array_get(a, 0));
}

static int walk(const struct walk *w, const char *name, int depth, const json_t *a,
		const json_t *b)
{
	bool objects = (!a || json_is_object(a)) && (!b || json_is_object(b));

	if (depth < MAX_DEPTH && objects)
		return walk_members(w, name, depth, a, b);
	if (a && b && json_equal(a, b))
		return 0;
	if (depth < MAX_DEPTH && are_lists(a, b))
		return walk_list(w, name, depth, a, b);
	w->each(w->arg, w->part, name, a, b);
	return 0;
}

int diff_fields(const json_t *a, const json_t *b, bool state, diff_field_fn *each,
		void *arg)
{
	static const char *const parts[] = { "body", "state" };
	int rc = 0;

	for (size_t i = 0; i < (state ? 2 : 1) && rc == 0; i++) {
		struct walk w = { parts[i], each, arg };

		rc = walk(&w, "", 0, json_object_get(a, parts[i]),
			  json_object_get(b, parts[i]));
	}
	return rc;
}
