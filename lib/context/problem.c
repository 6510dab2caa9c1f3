/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A list of findings, and its JSON form for the session and for scripts.
 */
#include "lib/context/problem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const severities[] = { "note", "loss", "fail" };

const char *nse_severity_name(enum nse_severity severity)
{
	return severities[severity];
}

void nse_problems_release(struct nse_problems *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].where);
		free(p->items[i].text);
		free(p->items[i].mend);
	}
	free(p->items);
	*p = (struct nse_problems)NSE_PROBLEMS_INIT;
}

/* Takes over where, text and mend, which may be NULL without memory. */
static int append(struct nse_problems *p, enum nse_severity severity, const char *area,
		  char *where, char *text, char *mend)
{
	struct nse_problem *items;

	if (p->n >= NSE_PROBLEMS_MAX || !where || !text || !mend)
		goto drop;
	items = realloc(p->items, (p->n + 1) * sizeof(*items));
	if (!items)
		goto drop;
	p->items = items;
	items[p->n] = (struct nse_problem){ severity, "", where, text, mend };
	snprintf(items[p->n].area, sizeof(items[p->n].area), "%s", area);
	p->n++;
	return 0;
drop:
	p->dropped++;
	free(where);
	free(text);
	free(mend);
	return p->n >= NSE_PROBLEMS_MAX ? 0 : -ENOMEM;
}

int nse_problem_add(struct nse_problems *p, enum nse_severity severity, const char *area,
		    const char *mend, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return append(p, severity, area, strdup(""), text, strdup(mend ? mend : ""));
}

int nse_problems_set_where(struct nse_problems *p, size_t first, const char *where)
{
	for (size_t i = first; i < p->n; i++) {
		char *copy;

		if (p->items[i].where[0])
			continue;
		copy = strdup(where);
		if (!copy)
			return -ENOMEM;
		free(p->items[i].where);
		p->items[i].where = copy;
	}
	return 0;
}

/* An insertion sort: the lists are short, and mostly in order. */
void nse_problems_sort(struct nse_problems *p)
{
	for (size_t i = 1; i < p->n; i++) {
		struct nse_problem it = p->items[i];
		size_t k = i;

		for (; k > 0 && p->items[k - 1].severity < it.severity; k--)
			p->items[k] = p->items[k - 1];
		p->items[k] = it;
	}
}

size_t nse_problems_count(const struct nse_problems *p, enum nse_severity severity)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->items[i].severity == severity;
	return n;
}

enum nse_severity nse_problems_worst(const struct nse_problems *p)
{
	enum nse_severity worst = NSE_NOTE;

	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].severity > worst)
			worst = p->items[i].severity;
	return worst;
}

static json_t *to_json(const struct nse_problem *it, const char *area, const char *where,
		       const char *text, const char *mend)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "severity",
			 severities[it->severity], "area", area, "where", where, "text",
			 text, "mend", mend);
}

json_t *nse_problems_to_json(const struct nse_problems *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++) {
		const struct nse_problem *it = &p->items[i];
		json_t *v = to_json(it, it->area, it->where, it->text, it->mend);

		if (!v) /* a finding must not get lost for its spelling */
			v = to_json(it, "", "", "a problem whose text is not UTF-8", "");
		json_array_append_new(list, v);
	}
	return list;
}

int nse_problems_from_json(const json_t *json, struct nse_problems *p,
			   struct nse_error *err)
{
	const json_t *v;
	size_t i;

	if (!json_is_array(json))
		return nse_error(err, -EPROTO, "the list of problems is not a list");
	json_array_foreach(json, i, v)
	{
		const char *severity, *area, *where, *text, *mend;
		unsigned int s;

		if (json_unpack((json_t *)v, "{s:s, s:s, s:s, s:s, s:s}", "severity",
				&severity, "area", &area, "where", &where, "text", &text,
				"mend", &mend) < 0)
			return nse_error(err, -EPROTO, "problem %zu is not valid", i);
		for (s = NSE_NOTE; s <= NSE_FAIL; s++)
			if (strcmp(severity, severities[s]) == 0)
				break;
		if (s > NSE_FAIL)
			return nse_error(err, -EPROTO, "problem %zu has no severity", i);
		if (append(p, s, area, strdup(where), strdup(text), strdup(mend)) < 0)
			return nse_error(err, -ENOMEM, "out of memory");
	}
	return 0;
}
