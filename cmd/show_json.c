/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSON in rounds: in each, all processors make the text of some thousand
 * records, which is then written in order. So a million records need no more
 * memory than one round.
 */
#include "cmd/show_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/json_text.h"
#include "cmd/output.h"
#include "lib/util/cleanup.h"

#define ROUND 32768 /* records */

#define TEXT_MAX (1ul << 30) /* bytes of one processor's part of a round */

struct text {
	struct nse_buf buf;
	int rc;
};

struct round {
	const struct show_view *v;
	size_t first;
	struct text texts[SHOW_PARTS_MAX];
};

static void release(struct round *r)
{
	for (unsigned int i = 0; i < SHOW_PARTS_MAX; i++)
		nse_buf_release(&r->texts[i].buf);
}

static void work(void *arg, unsigned int part, size_t from, size_t to)
{
	struct round *r = arg;
	struct text *t = &r->texts[part];

	if (!t->buf.data)
		t->buf = (struct nse_buf)NSE_BUF_INIT(TEXT_MAX);
	nse_buf_reset(&t->buf);
	t->rc = 0;
	for (size_t i = r->first + from; i < r->first + to && t->rc == 0; i++) {
		json_t *rec = show_view_record(r->v, i);

		t->rc = nse_buf_put(&t->buf, i ? ",\n" : "\n", i ? 2 : 1);
		if (t->rc == 0)
			t->rc = rec ? cmd_json_text(&t->buf, rec) : -ENOMEM;
		json_decref(rec);
	}
}

static int print_records(const struct show_view *v, struct nse_error *err)
{
	NSE_CLEANUP(release) struct round r = { .v = v };

	for (; r.first < v->n && !ferror(stdout); r.first += ROUND) {
		size_t n = v->n - r.first < ROUND ? v->n - r.first : ROUND;
		unsigned int parts = show_parts(n);

		show_share(n, work, &r);
		for (unsigned int i = 0; i < parts; i++) {
			if (r.texts[i].rc < 0)
				return nse_errno(err, r.texts[i].rc,
						 "cannot make JSON of the records");
			fwrite(r.texts[i].buf.data, 1, r.texts[i].buf.len, stdout);
		}
	}
	return 0;
}

int show_json_print(const struct show_view *v, struct nse_error *err)
{
	const struct nse_stream_header *h = &v->snap.header;
	NSE_FREE char *text = NULL;
	char taken[CMD_TIME];
	json_t *head;
	int rc;

	head = json_pack("{s:i, s:s, s:s, s:s, s:s, s:o}", "format", 1, "host", h->host,
			 "kernel", h->kernel, "version", h->version, "taken",
			 cmd_time(h->taken_us, taken), "scope",
			 nse_scope_to_json(&h->scope));
	text = head ? json_dumps(head, JSON_COMPACT) : NULL;
	json_decref(head);
	if (!text)
		return nse_error(err, -EILSEQ, "the header cannot be shown as JSON");
	/* The object stays open for its last member, the records. */
	printf("%.*s,\"records\":[", (int)strlen(text) - 1, text);
	rc = print_records(v, err);
	if (rc < 0)
		return rc;
	puts("]}");
	return cmd_flush(err);
}
