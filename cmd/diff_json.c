/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Differences as one JSON object, change by change.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/diff_fields.h"
#include "cmd/diff_print.h"
#include "cmd/output.h"

static json_t *side_json(const struct nse_snapshot *s, const char *name)
{
	const struct nse_stream_header *h = &s->header;
	char taken[CMD_TIME];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:I}", "source", name, "host",
			 h->host, "kernel", h->kernel, "version", h->version, "taken",
			 cmd_time(h->taken_us, taken), "scope",
			 nse_scope_to_json(&h->scope), "records",
			 (json_int_t)nse_context_count(s->ctx));
}

static void add_field(void *arg, const char *part, const char *name, const json_t *a,
		      const json_t *b)
{
	json_t *list = arg;

	(void)a;
	(void)b;
	json_array_append_new(list, json_sprintf("%s.%s", part, name));
}

static json_t *changed_json(const struct diff_print *p, const struct nse_diff_item *item)
{
	json_t *a = diff_print_json_of(p->a, item->a);
	json_t *b = diff_print_json_of(p->b, item->b), *fields = json_array();

	if (a && b && fields)
		diff_fields(a, b, p->state, add_field, fields);
	return json_pack("{s:s, s:o, s:o, s:o}", "change", "changed", "fields", fields,
			 "a", a, "b", b);
}

static json_t *item_json(const struct diff_print *p, const struct nse_diff_item *item)
{
	switch (item->change) {
	case NSE_ADDED:
		return json_pack("{s:s, s:o}", "change", "added", "record",
				 diff_print_json_of(p->b, item->b));
	case NSE_REMOVED:
		return json_pack("{s:s, s:o}", "change", "removed", "record",
				 diff_print_json_of(p->a, item->a));
	case NSE_CHANGED:
		return changed_json(p, item);
	}
	return NULL;
}

int diff_print_json(const struct diff_print *p, struct nse_error *err)
{
	json_t *head;
	char *text;

	head = json_pack("{s:i, s:o, s:o, s:b, s:I, s:I, s:I, s:I}", "format", 1, "a",
			 side_json(p->a, p->names[0]), "b", side_json(p->b, p->names[1]),
			 "state", p->state, "added", (json_int_t)p->diff->added,
			 "removed", (json_int_t)p->diff->removed, "changed",
			 (json_int_t)p->diff->changed, "equal", (json_int_t)p->equal);
	text = head ? json_dumps(head, JSON_COMPACT) : NULL;
	json_decref(head);
	if (!text)
		return nse_error(err, -EILSEQ, "the headers cannot be shown as JSON");
	/* The object stays open for its last member, the changes. */
	printf("%.*s,\"changes\":[", (int)strlen(text) - 1, text);
	free(text);
	for (size_t i = 0; i < p->diff->n && !ferror(stdout); i++) {
		json_t *item = item_json(p, &p->diff->items[i]);
		int rc;

		fputs(i ? ",\n" : "\n", stdout);
		rc = item ? json_dumpf(item, stdout, JSON_COMPACT) : -1;
		json_decref(item);
		if (rc < 0)
			return nse_error(err, -EIO, "cannot write a change as JSON");
	}
	puts("]}");
	return cmd_flush(err);
}
