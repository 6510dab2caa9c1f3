/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig config: the configuration as it holds, in the syntax of its own
 * files, or one value of it, and where each comes from; or what is wrong with
 * a file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "lib/util/cleanup.h"
#include "lib/util/config.h"

#define WIDTH	 78  /* of a list's lines */
#define LINE_MAX 190 /* of those that a reader takes */

struct options {
	bool origin, json, keys;
	const char *check;
};

static const struct nse_opt opts[] = {
	NSE_OPT_FLAG('\0', "show-origin", struct options, origin,
		     "put file and line in front of each value"),
	NSE_OPT_FLAG('\0', "json", struct options, json, "print one JSON object"),
	NSE_OPT_FLAG('\0', "keys", struct options, keys, "list the keys that there are"),
	NSE_OPT_FILE('\0', "check", struct options, check,
		     "say what is wrong with this file, and nothing else"),
	NSE_OPT_END
};

static const char *const synopsis[] = { "[--show-origin | --json] [KEY]", "--keys",
					"--check FILE", NULL };
static const struct nse_usage usage = {
	.name = "config",
	.synopsis = synopsis,
	.operands = "config-key",
	.max = 1,
	.notes =
		"KEY is SECTION.KEY, or SECTION.NAME.KEY for [domain NAME] and [host NAME];\n"
		"SECTION may be left out for [nsemig]. Exit status 1: KEY is not set.",
};

/* One line of the configuration as it holds. */
struct item {
	const struct nse_config_key *key;
	const char *subject;		    /* or NULL */
	const char *text;		    /* NULL: not set */
	const struct nse_config_value *set; /* NULL: by default */
};

typedef void item_fn(void *arg, const struct item *item);

static struct item item_of(const struct nse_config *c, const struct nse_config_key *key,
			   const char *subject)
{
	struct item i = { .key = key, .subject = subject };

	i.set = nse_config_find(c, key->section, subject, key->name);
	i.text = i.set ? i.set->text : key->fallback;
	return i;
}

/* Was the subject of value n in that section seen before? */
static bool seen(const struct nse_config *c, size_t n)
{
	const struct nse_config_value *v = &c->values[n];

	for (size_t i = 0; i < n; i++)
		if (strcmp(c->values[i].key->section, v->key->section) == 0 &&
		    strcmp(c->values[i].subject, v->subject) == 0)
			return true;
	return false;
}

/* [domain NAME] by [domain NAME]: what was set there. */
static void each_subject(const struct nse_config *c, const struct nse_config_key *first,
			 item_fn *each, void *arg)
{
	for (size_t n = 0; n < c->nvalues; n++) {
		const struct nse_config_value *v = &c->values[n];

		if (strcmp(v->key->section, first->section) || seen(c, n))
			continue;
		for (const struct nse_config_key *k = first;
		     k->name && strcmp(k->section, first->section) == 0; k++) {
			struct item item = item_of(c, k, v->subject);

			if (item.set)
				each(arg, &item);
		}
	}
}

static void each_item(const struct nse_config *c, item_fn *each, void *arg)
{
	const char *last = "";

	for (const struct nse_config_key *k = nse_config_keys; k->name; k++) {
		struct item item;

		if (nse_config_named(k->section)) {
			if (strcmp(last, k->section))
				each_subject(c, k, each, arg);
		} else {
			item = item_of(c, k, NULL);
			if (item.text)
				each(arg, &item);
		}
		last = k->section;
	}
}

/* A list goes on in lines that begin with a space. */
static void print_list(const char *name, const char *text)
{
	size_t column = (size_t)printf("%s =", name);

	for (const char *w = text; *w;) {
		size_t n = strcspn(w, " ");

		if (column + 1 + n > WIDTH && w != text) {
			printf("\n       ");
			column = 7;
		}
		column += (size_t)printf(" %.*s", (int)n, w);
		w += n + (w[n] == ' ');
	}
	printf("\n");
}

struct printer {
	const char *section, *subject; /* that were printed last */
};

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void print_item(void *arg, const struct item *i)
{
	struct printer *p = arg;

	if (!same(p->section, i->key->section) || !same(p->subject, i->subject))
		printf("%s[%s%s%s]\n", p->section ? "\n" : "", i->key->section,
		       i->subject ? " " : "", i->subject ? i->subject : "");
	p->section = i->key->section;
	p->subject = i->subject;
	if (i->key->kind == NSE_CONFIG_LIST)
		print_list(i->key->name, i->text);
	else if (strlen(i->key->name) + strlen(i->text) + 3 > LINE_MAX)
		printf("%s=%s\n", i->key->name, i->text);
	else
		printf("%s = %s\n", i->key->name, i->text);
}

static void print_key(const struct item *i)
{
	printf("%s.%s%s%s", i->key->section, i->subject ? i->subject : "",
	       i->subject ? "." : "", i->key->name);
}

static void print_origin(const struct item *i)
{
	if (i->set)
		printf("%s:%u\t", i->set->file, i->set->line);
	else
		printf("default\t");
}

/* Each key by itself, of named sections for every name that is configured. */
static int print_keys(const struct nse_config *c, struct nse_error *err)
{
	for (const struct nse_config_key *k = nse_config_keys; k->name; k++) {
		struct item item = { .key = k };

		if (!nse_config_named(k->section)) {
			print_key(&item);
			printf("\n");
		}
		for (size_t n = 0; nse_config_named(k->section) && n < c->nvalues; n++) {
			if (strcmp(c->values[n].key->section, k->section) || seen(c, n))
				continue;
			item.subject = c->values[n].subject;
			print_key(&item);
			printf("\n");
		}
	}
	return cmd_flush(err);
}

static void print_with_origin(void *arg, const struct item *i)
{
	(void)arg;
	print_origin(i);
	print_key(i);
	printf(" = %s\n", i->text);
}

static json_t *list_json(const char *text)
{
	json_t *list = json_array();

	for (const char *w = text; *w;) {
		size_t n = strcspn(w, ",");

		json_array_append_new(list, json_stringn(w, n));
		w += n + strspn(w + n, ", ");
	}
	return list;
}

static json_t *value_json(const struct item *i)
{
	switch (i->text ? i->key->kind : NSE_CONFIG_TEXT) {
	case NSE_CONFIG_LIST:
		return list_json(i->text);
	case NSE_CONFIG_NUMBER:
		return json_integer(strtoll(i->text, NULL, 10));
	case NSE_CONFIG_BOOL:
		return json_boolean(strcmp(i->text, "yes") == 0);
	case NSE_CONFIG_CHOICE:
	case NSE_CONFIG_TEXT:
		break;
	}
	return i->text ? json_string(i->text) : json_null();
}

static json_t *item_json(const struct item *i)
{
	json_t *o = json_pack("{s:s, s:s, s:o}", "section", i->key->section, "key",
			      i->key->name, "value", value_json(i));

	if (i->subject)
		json_object_set_new(o, "name", json_string(i->subject));
	json_object_set_new(o, "file", i->set ? json_string(i->set->file) : json_null());
	if (i->set)
		json_object_set_new(o, "line", json_integer(i->set->line));
	return o;
}

static void add_json(void *arg, const struct item *i)
{
	json_array_append_new(arg, item_json(i));
}

static int print_json(const struct nse_config *c, struct nse_error *err)
{
	json_t *files = json_array(), *values = json_array();

	for (size_t i = 0; i < c->nfiles; i++)
		json_array_append_new(files, json_string(c->files[i]));
	each_item(c, add_json, values);
	return cmd_json_print(json_pack("{s:i, s:o, s:o}", "format", 1, "files", files,
					"values", values),
			      err);
}

static int print_all(const struct nse_config *c, const struct options *o,
		     struct nse_error *err)
{
	struct printer p = { NULL, NULL };

	if (o->json)
		return print_json(c, err);
	if (o->origin) {
		each_item(c, print_with_origin, NULL);
		return cmd_flush(err);
	}
	for (size_t i = 0; i < c->nfiles; i++)
		printf("# %s\n%s", c->files[i], i + 1 == c->nfiles ? "\n" : "");
	each_item(c, print_item, &p);
	return cmd_flush(err);
}

/* SECTION[.NAME].KEY in its parts; a NAME may have dots. */
struct asked {
	char *section, *subject, *name; /* within `copy` */
	char *copy;
};

static int take_apart(const char *text, struct asked *a)
{
	char *first, *last;

	a->copy = strdup(text);
	if (!a->copy)
		return -ENOMEM;
	first = strchr(a->copy, '.');
	last = strrchr(a->copy, '.');
	a->section = first ? a->copy : "nsemig";
	a->name = last ? last + 1 : a->copy;
	a->subject = first && first != last ? first + 1 : NULL;
	if (first && last)
		*first = *last = '\0';
	return 0;
}

/* What the key may have been meant to be: words that are owned. */
struct words {
	char *items[128];
	size_t n;
};

static void release_words(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->items[i]);
}

static const char *next_word(const void *arg, size_t i)
{
	const struct words *w = arg;

	return i < w->n ? w->items[i] : NULL;
}

/* Keys of the sections without names, for a word without a section. */
static const char *next_bare(const void *arg, size_t i)
{
	(void)arg;
	for (const struct nse_config_key *k = nse_config_keys; k->name; k++)
		if (!nse_config_named(k->section) && i-- == 0)
			return k->name;
	return NULL;
}

static int no_such_key(const char *text, const struct asked *a)
{
	const char *bare = strchr(text, '.') ? NULL : nse_nearest(text, next_bare, NULL);
	NSE_CLEANUP(release_words) struct words w = { .n = 0 };
	const char *near = NULL;

	for (const struct nse_config_key *k = nse_config_keys;
	     k->name && w.n < NSE_ARRAY_SIZE(w.items); k++) {
		bool named = nse_config_named(k->section);

		if (asprintf(&w.items[w.n], "%s%s%s.%s", k->section, named ? "." : "",
			     !named	  ? ""
			     : a->subject ? a->subject
					  : "NAME",
			     k->name) < 0)
			break;
		w.n++;
		if (!near && !named == !a->subject &&
		    (k->name == bare || (!bare && strcmp(k->name, a->name) == 0)))
			near = w.items[w.n - 1];
	}
	near = near ? near : nse_nearest(text, next_word, &w);
	return cmd_usage_error("config", "there is no key '%s'%s%s%s", text,
			       near ? "; did you mean '" : "", near ? near : "",
			       near ? "'?" : "");
}

static int print_one(const struct nse_config *c, const struct options *o,
		     const char *text, struct nse_error *err)
{
	struct asked a = { NULL };
	const struct nse_config_key *key = NULL;
	NSE_FREE char *copy = NULL;
	struct item item;

	if (take_apart(text, &a) < 0)
		return nse_error(err, -ENOMEM, "out of memory"), cmd_fail(err);
	copy = a.copy;
	if (!a.subject == !nse_config_named(a.section))
		key = nse_config_key(a.section, a.name);
	if (!key)
		return no_such_key(text, &a);
	item = item_of(c, key, a.subject);
	if (o->json) {
		json_t *one = item_json(&item);

		json_object_set_new(one, "format", json_integer(1));
		if (cmd_json_print(one, err) < 0)
			return cmd_fail(err);
	} else if (item.text) {
		if (o->origin)
			print_origin(&item);
		printf("%s\n", item.text);
		if (cmd_flush(err) < 0)
			return cmd_fail(err);
	}
	return item.text ? CMD_DONE : CMD_DIFFERS;
}

static void tell(void *arg, const char *text)
{
	char safe[4 * NSE_ERROR_MAX];

	(void)arg;
	fprintf(stderr, "nsemig: %s\n", cmd_safe(text, safe, sizeof(safe)));
}

static int check(const struct nse_args *args, const char *path)
{
	struct nse_error err = { 0 };
	int n = nse_config_check(path, tell, NULL, &err);

	if (n < 0)
		return cmd_fail(&err);
	if (n)
		return CMD_FAILED;
	cmd_say(&args->common, "%s has no errors", path);
	return CMD_DONE;
}

int cmd_config(int argc, char **argv)
{
	NSE_CLEANUP(nse_config_release) struct nse_config config = { .nvalues = 0 };
	struct options o = { .check = NULL };
	struct nse_opt_group groups[] = { { NULL, opts, &o }, { NULL, NULL, NULL } };
	struct nse_error err = { 0 };
	struct nse_args args;
	int status = nse_opts_parse(&usage, groups, argc, argv, &args);

	if (status >= 0)
		return status;
	if (o.json && o.origin)
		return cmd_usage_error("config", "--json has the origins anyway");
	if (o.check || o.keys) {
		if (args.n + o.json + o.origin + (o.check && o.keys) > 0)
			return cmd_usage_error("config", "--%s stands alone",
					       o.check ? "check" : "keys");
	}
	if (o.check)
		return check(&args, o.check);
	if (nse_config_load(&config, &err) < 0) {
		err.code = err.code == -EINVAL ? -EBADMSG : err.code;
		return cmd_fail(&err);
	}
	if (o.keys)
		return print_keys(&config, &err) < 0 ? cmd_fail(&err) : CMD_DONE;
	if (args.n)
		return print_one(&config, &o, args.words[0], &err);
	return print_all(&config, &o, &err) < 0 ? cmd_fail(&err) : CMD_DONE;
}
