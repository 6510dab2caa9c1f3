/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig explain: everything that is known of one record, in plain words.
 */
#include "cmd/explain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/groups.h"
#include "cmd/output.h"
#include "cmd/record.h"
#include "cmd/show_why.h"
#include "cmd/source.h"
#include "cmd/source_remote.h"
#include "lib/engine/nft/render.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

#define MOST	   10 /* records that are explained at once to people */
#define TOPIC	   15 /* columns */
#define WIDTH_MIN  40
#define WIDTH_MAX  100
#define TEXT_MAX   4096
#define RECORD_MAX 4096

struct options {
	bool json, why;
	struct cmd_remote remote;
};

static const struct nse_opt opts[] = {
	NSE_OPT_FLAG('\0', "json", struct options, json,
		     "one JSON object, nsemig-json(5)"),
	NSE_OPT_FLAG('\0', "why", struct options, why,
		     "of a file: also why this host has it in the context now"),
	NSE_OPT_END
};

static const char *const synopsis[] = { "[--json] FILE | - | DOMAIN | HOST:DOMAIN RECORD",
					NULL };
static const struct nse_usage usage = {
	.name = "explain",
	.synopsis = synopsis,
	.notes =
		"RECORD is a number as 'show --number' prints it, the ends of a connection\n"
		"(192.0.2.1:4711 198.51.100.7:443) or another name of it, or a filter\n"
		"expression as of show --filter.",
	.operands = "any-context filter",
	.min = 2,
	.max = -1,
};

struct explaining {
	struct nse_snapshot snap;
	uint32_t *sorted;
	size_t n;
	size_t *found; /* positions in sorted */
	size_t nfound;
	struct show_why why;
	struct nft_texts *texts; /* or NULL */
};

static void explaining_release(struct explaining *e)
{
	nse_snapshot_release(&e->snap);
	show_why_release(&e->why);
	nft_texts_free(e->texts);
	free(e->sorted);
	free(e->found);
}

void explain_say(struct explain *x, const char *topic, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(x->lines,
			      json_pack("{s:s, s:s}", "topic", topic, "text", text));
}

const char *explain_time(int64_t seconds, char out[EXPLAIN_TIME])
{
	long long s = seconds;

	if (s < 120)
		snprintf(out, EXPLAIN_TIME, "%lld second%s", s, s == 1 ? "" : "s");
	else if (s < 7200)
		snprintf(out, EXPLAIN_TIME, "%lld seconds (%lld min)", s, s / 60);
	else if (s < 172800)
		snprintf(out, EXPLAIN_TIME, "%lld seconds (%lld h %lld min)", s, s / 3600,
			 s % 3600 / 60);
	else
		snprintf(out, EXPLAIN_TIME, "%lld seconds (%lld days)", s, s / 86400);
	return out;
}

static void say_pair(void *arg, const char *name, const char *value)
{
	explain_say(arg, "field", "%s = %s", name, value);
}

void explain_fields(struct explain *x)
{
	static const char *const parts[] = { "key", "body", "state" };

	explain_say(x, "what",
		    "A record of the engine %s that this version cannot explain.",
		    json_string_value(json_object_get(x->rec, "engine")));
	for (size_t i = 0; i < NSE_ARRAY_SIZE(parts); i++)
		cmd_each_field(json_object_get(x->rec, parts[i]), "", say_pair, x);
}

/* The record number i of what was found, with its lines; a new reference. */
static json_t *explain_one(const struct explaining *e, size_t i)
{
	uint32_t slot = e->sorted[e->found[i]];
	struct explain x = { .scope = &e->snap.header.scope,
			     .why = show_why_at(&e->why, slot),
			     .lines = json_array() };
	struct nft_text text = { NULL, NULL, false };
	struct nse_record bytes;
	json_t *rec = NULL;

	if (nse_context_at(e->snap.ctx, slot, &bytes))
		rec = nse_record_to_json(&bytes);
	if (!rec || !x.lines) {
		json_decref(rec);
		json_decref(x.lines);
		return NULL;
	}
	x.rec = rec;
	if (e->texts && nft_text_at(e->texts, slot, &text))
		x.text = text.text;
	if (json_object_get(json_object_get(rec, "key"), "hex") &&
	    !json_object_get(json_object_get(rec, "key"), "family"))
		explain_fields(&x);
	else if (explain_flow(&x))
		explain_flow_restored(&x);
	else if (!explain_nft(&x))
		explain_fields(&x);
	return json_pack("{s:I, s:o, s:o}", "number", (json_int_t)e->found[i] + 1,
			 "record", rec, "explanation", x.lines);
}

static size_t width(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || !w.ws_col)
		return 80;
	return w.ws_col < WIDTH_MIN   ? WIDTH_MIN
	       : w.ws_col > WIDTH_MAX ? WIDTH_MAX
				      : w.ws_col;
}

/* One line of a text, broken between words; lines behind the first are indented. */
static void print_wrapped(const char *text, size_t room)
{
	size_t at = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (at && at + 1 + n > room) {
			printf("\n%*s", TOPIC, "");
			at = 0;
		}
		printf("%s%.*s", at ? " " : "", (int)n, text);
		at += (at > 0) + n;
		text += n + strspn(text + n, " ");
	}
	putchar('\n');
}

static void print_line(const char *topic, const char *text, const char *before,
		       bool color)
{
	char copy[TEXT_MAX], safe[2 * TEXT_MAX];
	bool same = before && strcmp(before, topic) == 0;
	char *rest = copy, *line;

	snprintf(copy, sizeof(copy), "%s", text);
	printf("%s%-*s%s", cmd_style(color, CMD_CYAN), TOPIC, same ? "" : topic,
	       cmd_style(color, CMD_PLAIN));
	for (int i = 0; (line = strsep(&rest, "\n")); i++) {
		if (i)
			printf("%*s", TOPIC, "");
		/* nft's lines keep their indentation. */
		for (; *line == '\t'; line++)
			printf("    ");
		print_wrapped(cmd_safe(line, safe, sizeof(safe)), width() - TOPIC);
	}
}

static void print_text(const json_t *one, bool color)
{
	const json_t *lines = json_object_get(one, "explanation"), *line;
	const char *before = NULL;
	char name[CMD_TEXT];
	size_t i;

	printf("%srecord %lld: %s%s\n", cmd_style(color, CMD_BOLD),
	       (long long)json_integer_value(json_object_get(one, "number")),
	       cmd_record_name(json_object_get(one, "record"), name),
	       cmd_style(color, CMD_PLAIN));
	json_array_foreach(lines, i, line)
	{
		const char *topic = json_string_value(json_object_get(line, "topic"));
		const char *text = json_string_value(json_object_get(line, "text"));

		if (topic && text)
			print_line(topic, text, before, color);
		before = topic;
	}
}

static int print(const struct nse_args *args, const struct explaining *e,
		 struct nse_error *err)
{
	bool color = cmd_color_on(&args->common, stdout);

	for (size_t i = 0; i < e->nfound && i < MOST; i++) {
		json_t *one = explain_one(e, i);

		if (!one)
			return nse_error(err, -ENOMEM, "out of memory");
		if (i)
			putchar('\n');
		print_text(one, color);
		json_decref(one);
	}
	if (cmd_flush(err) < 0)
		return err->code;
	if (e->nfound > MOST)
		cmd_say(&args->common,
			"%zu more records are meant by that: say more of the one, or give "
			"its number",
			e->nfound - MOST);
	return 0;
}

static int print_json(const struct explaining *e, struct nse_error *err)
{
	const struct nse_stream_header *h = &e->snap.header;
	json_t *list = json_array();
	char taken[CMD_TIME];

	for (size_t i = 0; list && i < e->nfound; i++) {
		json_t *one = explain_one(e, i);

		if (!one || json_array_append_new(list, one) < 0) {
			json_decref(list);
			return nse_error(err, -ENOMEM, "out of memory");
		}
	}
	return cmd_json_print(json_pack("{s:i, s:s, s:s, s:o}", "format", 1, "host",
					h->host, "taken", cmd_time(h->taken_us, taken),
					"records", list),
			      err);
}

/* The texts of the nft records among those that were found. */
static void render(struct explaining *e)
{
	NSE_FREE uint8_t *wanted = calloc(nse_context_slots(e->snap.ctx) + 1ul, 1);
	struct nse_error unused = { 0 };
	struct nse_record rec;
	bool any = false;

	for (size_t i = 0; wanted && i < e->nfound; i++) {
		uint32_t slot = e->sorted[e->found[i]];

		wanted[slot] = 1;
		if (nse_context_at(e->snap.ctx, slot, &rec))
			any |= strcmp(rec.kind->engine, "nft") == 0;
	}
	if (any)
		nft_render_some(e->snap.ctx, wanted, 0, &e->texts, &unused);
}

static int load(const struct nse_args *args, const struct options *o,
		const struct cmd_scope *chosen, const char *record, struct explaining *e,
		struct nse_error *err)
{
	const char *word = args->words[0];
	bool live = !cmd_is_file(word) && !cmd_remote_is(word);
	struct nse_error why = { 0 };
	int rc = cmd_load_any(chosen, &o->remote, word, &e->snap, err);

	if (rc < 0)
		return rc;
	e->n = nse_context_count(e->snap.ctx);
	e->sorted = nse_context_sorted(e->snap.ctx);
	if (!e->sorted)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = explain_find(e->snap.ctx, e->sorted, e->n, record, &e->found, err);
	if (rc < 0)
		return rc;
	e->nfound = (size_t)rc;
	if ((live || o->why) &&
	    show_why_load(&e->why, e->snap.ctx, &e->snap.header.scope, &why) < 0)
		cmd_say(&args->common, "why the rules are in is not known: %s", why.text);
	render(e);
	return 0;
}

/* The operands behind the first are one RECORD. */
static int join(char *const *words, char out[RECORD_MAX], struct nse_error *err)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; words[i]; i++) {
		n += (size_t)snprintf(out + n, RECORD_MAX - n, "%s%s", i ? " " : "",
				      words[i]);
		if (n >= RECORD_MAX)
			return nse_error(err, -EINVAL, "RECORD is longer than %d bytes",
					 RECORD_MAX - 1);
	}
	return 0;
}

int cmd_explain(int argc, char **argv)
{
	NSE_CLEANUP(cmd_scope_release) struct cmd_scope chosen;
	NSE_CLEANUP(explaining_release) struct explaining e = { .n = 0 };
	struct options o = { .json = false };
	struct nse_opt_group groups[] = { { NULL, opts, &o },
					  CMD_SCOPE_GROUP(&chosen),
					  CMD_REMOTE_GROUP(&o.remote),
					  { NULL, NULL, NULL } };
	char record[RECORD_MAX];
	struct nse_error err = { 0 };
	struct nse_args args;
	int status, rc;

	cmd_scope_init(&chosen);
	status = nse_opts_parse(&usage, groups, argc, argv, &args);
	if (status >= 0)
		return status;
	rc = join(args.words + 1, record, &err);
	if (rc == 0)
		rc = load(&args, &o, &chosen, record, &e, &err);
	if (rc == 0)
		rc = o.json ? print_json(&e, &err) : print(&args, &e, &err);
	return rc < 0 ? cmd_fail(&err) : CMD_DONE;
}
