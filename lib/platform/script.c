/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The script platform's knowledge of domains: runs the verbs that answer with
 * JSON and believes nothing of the answer before it is checked.
 */
#include "lib/platform/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/platform/lines.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/proc.h"

struct script {
	struct nse_platform base;
	char *program;
};

static struct script *script_of(struct nse_platform *p)
{
	return (struct script *)p;
}

static void decrefp(json_t **json)
{
	json_decref(*json);
}

/* A name that can be an argument and be printed. */
static int check_name(const char *program, const char *name, struct nse_error *err)
{
	if (!*name || *name == '-')
		return nse_error(err, -EINVAL, "'%s' is not a domain's name", name);
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return nse_error(err, -EPROTO,
					 "%s: a domain's name has control characters",
					 program);
	return 0;
}

/*
 * Runs a verb. *json is its answer when the status is 0. Returns the exit
 * status or -errno with a text.
 */
static int run_verb(struct script *s, const char *verb, const char *domain, json_t **json,
		    struct nse_error *err)
{
	char *argv[] = { s->program, (char *)verb, (char *)domain, NULL };
	NSE_FREE char *out = NULL;
	json_error_t why;
	int rc;

	*json = NULL;
	rc = nse_run(argv, NULL, &out, NSE_SCRIPT_OUTPUT_MAX,
		     nse_now_us() + NSE_SCRIPT_VERB_US, err);
	if (rc < 0) {
		nse_error_prefix(err, "platform script, verb '%s'", verb);
		return rc;
	}
	if (rc > 0)
		return rc;
	*json = json_loads(out, JSON_REJECT_DUPLICATES, &why);
	if (!*json)
		return nse_error(err, -EPROTO, "%s %s: no valid JSON (line %d: %s)",
				 s->program, verb, why.line,
				 nse_line_printable(why.text));
	return 0;
}

/* One object of the program's into *d. */
static int read_domain(struct script *s, const char *verb, const json_t *json,
		       struct nse_domain *d, struct nse_error *err)
{
	int rc = nse_domain_from_json(json, d, err);

	if (rc < 0) {
		nse_error_prefix(err, "%s %s", s->program, verb);
		return rc;
	}
	if (!d->name[0])
		return nse_error(err, -EPROTO, "%s %s: the domain has no name",
				 s->program, verb);
	return check_name(s->program, d->name, err);
}

/* The names that exist, ", "-separated, as a help in an error. */
static void known_names(struct script *s, char *out, size_t room)
{
	NSE_CLEANUP(decrefp) json_t *list = NULL;
	struct nse_error ignored;
	size_t i, len = 0;
	json_t *v;

	out[0] = '\0';
	if (run_verb(s, "list", NULL, &list, &ignored) != 0 || !json_is_array(list))
		return;
	json_array_foreach(list, i, v)
	{
		const char *name = json_string_value(
			json_is_object(v) ? json_object_get(v, "name") : v);

		if (!name || len + strlen(name) + 3 > room)
			continue;
		len += (size_t)snprintf(out + len, room - len, "%s%s", len ? ", " : "",
					name);
	}
	nse_line_printable(out);
}

static int unknown(struct script *s, const char *domain, int status,
		   struct nse_error *err)
{
	char names[400];

	known_names(s, names, sizeof(names));
	return nse_error(err, -ENOENT,
			 "no domain '%s' here (%s describe ended with status %d); %s%s",
			 domain, s->program, status,
			 names[0] ? "there are: " : "its list is empty", names);
}

/* describe with its JSON, for those who need more than the domain. */
static int ask(struct script *s, const char *domain, struct nse_domain *d, json_t **json,
	       struct nse_error *err)
{
	int rc = check_name(s->program, domain, err);

	if (rc < 0)
		return rc;
	rc = run_verb(s, "describe", domain, json, err);
	if (rc > 0)
		return unknown(s, domain, rc, err);
	return rc < 0 ? rc : read_domain(s, "describe", *json, d, err);
}

static int script_describe(struct nse_platform *p, const char *domain,
			   struct nse_domain *d, struct nse_error *err)
{
	NSE_CLEANUP(decrefp) json_t *json = NULL;

	return ask(script_of(p), domain, d, &json, err);
}

static int script_running(struct nse_platform *p, const char *domain,
			  struct nse_error *err)
{
	NSE_CLEANUP(decrefp) json_t *json = NULL;
	NSE_CLEANUP(nse_domain_release) struct nse_domain d;
	const json_t *state;
	int rc;

	nse_domain_init(&d);
	rc = ask(script_of(p), domain, &d, &json, err);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	state = json_object_get(json, "state");
	if (!state)
		return 1;
	if (!json_is_string(state))
		return nse_error(err, -EPROTO, "%s describe: \"state\" is not a string",
				 script_of(p)->program);
	return strcmp(json_string_value(state), "running") == 0;
}

static int script_incoming(struct nse_platform *p, const char *domain,
			   struct nse_domain *d, struct nse_error *err)
{
	NSE_CLEANUP(decrefp) json_t *json = NULL;
	struct script *s = script_of(p);
	int rc = check_name(s->program, domain, err);

	if (rc < 0)
		return rc;
	rc = run_verb(s, "incoming", domain, &json, err);
	if (rc > 0)
		return nse_error(err, -ENOENT,
				 "domain '%s' is not arriving here (%s incoming ended "
				 "with status %d)",
				 domain, s->program, rc);
	return rc < 0 ? rc : read_domain(s, "incoming", json, d, err);
}

static int kib_of(struct script *s, const char *verb, const char *name,
		  const json_t *json, uint64_t *kib, struct nse_error *err)
{
	const json_t *v = json_object_get(json, name);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return nse_error(err, -ENODATA, "%s %s does not tell \"%s\"", s->program,
				 verb, name);
	*kib = (uint64_t)json_integer_value(v);
	return 0;
}

static int script_memory(struct nse_platform *p, const char *domain, uint64_t *kib,
			 struct nse_error *err)
{
	NSE_CLEANUP(decrefp) json_t *json = NULL;
	NSE_CLEANUP(nse_domain_release) struct nse_domain d;
	int rc;

	nse_domain_init(&d);
	rc = ask(script_of(p), domain, &d, &json, err);
	return rc < 0 ? rc
		      : kib_of(script_of(p), "describe", "memory_kib", json, kib, err);
}

/* An optional verb, which is only asked for when the domain's memory is known. */
static int script_free_memory(struct nse_platform *p, uint64_t *kib, bool *sure,
			      struct nse_error *err)
{
	NSE_CLEANUP(decrefp) json_t *json = NULL;
	struct script *s = script_of(p);
	int rc = run_verb(s, "host", NULL, &json, err);

	(void)sure;
	if (rc > 0)
		return nse_error(err, -ENODATA, "%s host ended with status %d",
				 s->program, rc);
	return rc < 0 ? rc : kib_of(s, "host", "free_memory_kib", json, kib, err);
}

/* The program itself removes what it brought: that is part of its abort. */
static int script_drop_incoming(struct nse_platform *p, const char *domain,
				struct nse_error *err)
{
	(void)p, (void)domain, (void)err;
	return 0;
}

/* A name or an object of the list. */
static int list_one(struct script *s, const json_t *v, struct nse_domain *d,
		    struct nse_error *err)
{
	if (json_is_string(v))
		return script_describe(&s->base, json_string_value(v), d, err);
	return read_domain(s, "list", v, d, err);
}

static int script_list(struct nse_platform *p,
		       int (*each)(void *arg, const struct nse_domain *d), void *arg,
		       struct nse_error *err)
{
	NSE_CLEANUP(decrefp) json_t *list = NULL;
	struct script *s = script_of(p);
	size_t i;
	int rc = run_verb(s, "list", NULL, &list, err);

	if (rc > 0)
		return nse_error(err, -EIO, "%s list ended with status %d", s->program,
				 rc);
	if (rc < 0)
		return rc;
	if (!json_is_array(list) || json_array_size(list) > NSE_SCRIPT_DOMAINS_MAX)
		return nse_error(err, -EPROTO,
				 "%s list: not a JSON list of at most %d domains",
				 s->program, NSE_SCRIPT_DOMAINS_MAX);
	for (i = 0; i < json_array_size(list); i++) {
		NSE_CLEANUP(nse_domain_release) struct nse_domain d;

		nse_domain_init(&d);
		rc = list_one(s, json_array_get(list, i), &d, err);
		/* It may have ended between list and describe. */
		if (rc == -ENOENT)
			continue;
		if (rc < 0 || (rc = each(arg, &d)) < 0)
			return rc;
	}
	return 0;
}

static int script_move_start(struct nse_platform *p, const struct nse_move_spec *spec,
			     struct nse_move **move, struct nse_error *err)
{
	struct script *s = script_of(p);
	int rc = check_name(s->program, spec->domain, err);

	return rc < 0 ? rc : nse_script_move_start(s->program, spec, move, err);
}

static void script_free(struct nse_platform *p)
{
	free(script_of(p)->program);
	free(p);
}

static const struct nse_platform_ops script_ops = {
	.name = "script",
	.list = script_list,
	.describe = script_describe,
	.incoming = script_incoming,
	.running = script_running,
	.memory = script_memory,
	.free_memory = script_free_memory,
	.drop_incoming = script_drop_incoming,
	.move_start = script_move_start,
	.move_wait = nse_script_move_wait,
	.move_fd = nse_script_move_fd,
	.move_go = nse_script_move_go,
	.move_abort = nse_script_move_abort,
	.move_status = nse_script_move_status,
	.move_reason = nse_script_move_reason,
	.move_free = nse_script_move_free,
	.free = script_free,
};

int nse_platform_script_open(struct nse_platform **p, const char *program,
			     struct nse_error *err)
{
	struct script *s;

	*p = NULL;
	if (!program || !*program)
		return nse_error(err, -EINVAL,
				 "platform script: which program? Use script:PROGRAM");
	s = calloc(1, sizeof(*s));
	if (!s || !(s->program = strdup(program))) {
		free(s);
		return nse_error(err, -ENOMEM, "out of memory");
	}
	s->base.ops = &script_ops;
	*p = &s->base;
	return 0;
}
